/**
 * Looking at the world, in batches: what a batch has seen is noted before the next one is looked at, so a run
 * that dies loses its last batch, and holds no more than that in memory. A look counts only if it began once the
 * last write had settled, and nothing has come between: `note_looks` asks again. What is not in a list is read.
 */
import type { AnyProvider, Listed } from '../domain/provider.ts'
import type { Noticed, Place, WatchFilter } from '../domain/reconcile-ports.ts'
import { resourceKey } from '../domain/reference.ts'
import { listed } from './list.ts'
import { batch_looks_max, createNotebook, type Notebook, type OnDrift } from './notebook.ts'
import {
  expected,
  lookAt,
  lookOf,
  refuseUnkept,
  type Expected,
  type Look,
  type ObserveDeps,
} from './look.ts'
import { sideBySide } from './side-by-side.ts'

export type { ObserveDeps } from './look.ts'
export type { Drifted } from './notebook.ts'

export interface Observed {
  readonly looked: number
  /** Not looked at, or in vain: something is under way, or was until just now. */
  readonly skipped: number
  /** Looks that failed; they say nothing. */
  readonly failed: number
}

export interface ObserveOptions {
  readonly scope?: string
  readonly kind?: string
  /** Only what has not been looked at for its interval. */
  readonly due_only?: boolean
  /** Only these; what has been told of them is to be looked into. */
  readonly noticed?: readonly Noticed[]
}

/** Fewer than this, or a smaller part than this of all, are read one by one: a list has pages. */
const list_min = 4
const list_part = 0.05

/** One place under observation. */
interface Post {
  readonly deps: ObserveDeps
  readonly provider: AnyProvider
  readonly notebook: Notebook
  readonly filter: Omit<WatchFilter, 'limit' | 'after'>
  skipped: number
  /** Names of those that no look has come to anything of yet. */
  readonly failed: Set<string>
}

const fail = (post: Post, { name, kind }: Expected['at'], error: unknown): void => {
  post.failed.add(name)
  post.deps.logger.warn({ error, resource: resourceKey({ kind, name }) }, 'look failed')
}

const add = async (post: Post, look: Look): Promise<void> => {
  try {
    refuseUnkept(look)
  } catch (error) {
    fail(post, look.at, error)
    return
  }
  post.failed.delete(look.at.name)
  await post.notebook.add(post.provider, look, (error) => {
    fail(post, look.at, error)
  })
}

const readAll = async (post: Post, all: readonly Expected[]): Promise<void> => {
  const { deps, provider } = post
  await sideBySide(all, provider.traits.concurrency, async (of) => {
    let look: Look
    try {
      look = await lookAt(deps, provider, of)
    } catch (error) {
      fail(post, of.at, error)
      return
    }
    await add(post, look)
  })
}

/**
 * A part of a list. Only what has the id that is known counts as a sighting: another one of that name, or one of
 * several, is not it. What differs is read, as often as the provider needs.
 */
const compare = async (post: Post, part: readonly Listed[], began_at: string): Promise<void> => {
  const { deps, filter } = post
  const names = [...new Set(part.map(({ name }) => name))]
  const watched = await deps.store.watched({ ...filter, names, began_at, limit: names.length })
  const suspects: Expected[] = []
  for (const of of await expected(
    deps,
    watched.filter(({ quiet }) => quiet),
  )) {
    const seen = part.filter(
      (item) => item.name === of.at.name && (item.external_id ?? null) === of.at.external_id,
    )
    const one = seen.at(-1)
    // A list that was gone on with shows its last page twice; of two without an id nobody knows which is meant.
    if (one === undefined || (seen.length > 1 && of.at.external_id === null)) continue
    const { name: _, page: __, ...sighting } = one
    const look = lookOf(deps, of, sighting)
    if (look.differences.length > 0) suspects.push(of)
    else await add(post, look)
  }
  await readAll(post, suspects)
}

const listAll = async (post: Post, scope: string): Promise<void> => {
  const { deps, provider } = post
  const began_at = await deps.store.now()
  let part: Listed[] = []
  try {
    for await (const item of listed(deps, provider, scope)) {
      part.push(item)
      if (part.length < batch_looks_max) continue
      await compare(post, part, began_at)
      part = []
    }
  } catch (error) {
    deps.logger.warn({ error, kind: provider.kind, scope }, 'list failed; reading one by one')
  }
  if (part.length > 0) await compare(post, part, began_at)
}

/** Reads whatever has not been seen since the run began, page by page. */
const readPages = async (post: Post): Promise<void> => {
  for (let after = ''; ;) {
    const page = await post.deps.store.watched({ ...post.filter, after, limit: batch_looks_max })
    const quiet = page.filter((at) => at.quiet)
    post.skipped += page.length - quiet.length
    await readAll(post, await expected(post.deps, quiet))
    const last = page.at(-1)
    if (last === undefined || page.length < batch_looks_max) return
    after = last.name
  }
}

/** What could not be looked at is looked at once more, in the end: what was in the way may be over by then. */
const lookAgain = async (post: Post): Promise<void> => {
  const all = [...post.failed]
  for (let at = 0; at < all.length; at += batch_looks_max) {
    const names = all.slice(at, at + batch_looks_max)
    const page = await post.deps.store.watched({ ...post.filter, names, limit: names.length })
    await readAll(
      post,
      await expected(
        post.deps,
        page.filter(({ quiet }) => quiet),
      ),
    )
  }
  await post.notebook.flush()
}

const worthAList = ({ all, due }: Place, options: ObserveOptions): boolean => {
  const wanted = options.due_only === true ? due : all
  return wanted >= list_min && wanted >= all * list_part
}

const observePlace = async (post: Post, place: Place, options: ObserveOptions): Promise<void> => {
  if (post.provider.list !== undefined && worthAList(place, options)) {
    await listAll(post, place.scope)
    // What the list has shown is seen by now: the pages leave it out.
    await post.notebook.flush()
  }
  await readPages(post)
  await post.notebook.flush()
}

const placesOf = async (
  deps: ObserveDeps,
  options: ObserveOptions,
): Promise<readonly (Place & { readonly names?: readonly string[] })[]> => {
  if (options.noticed !== undefined) {
    return options.noticed.map(({ scope, kind, names }) => ({ scope, kind, names, all: 0, due: 0 }))
  }
  const kinds = options.kind === undefined ? [...deps.providers.keys()] : [options.kind]
  const { scope } = options
  return deps.store.places({ kinds, ...(scope === undefined ? {} : { scope }) })
}

/** Looks at all that may be looked at, batch by batch, and tells what has drifted in each. */
export const observe =
  (deps: ObserveDeps) =>
  async (options: ObserveOptions, onDrift: OnDrift): Promise<Observed> => {
    const notebook = createNotebook(deps, onDrift)
    const unseen_since = await deps.store.now()
    const posts: Post[] = []
    for (const place of await placesOf(deps, options)) {
      const provider = deps.providers.get(place.kind)
      if (provider === undefined) continue
      const { scope, kind, names } = place
      const post: Post = {
        deps,
        provider,
        notebook,
        filter: {
          scope,
          kind,
          settle_ms: provider.traits.settle_ms,
          unseen_since,
          ...(options.due_only === true ? { due_only: true } : {}),
          ...(names === undefined ? {} : { names }),
        },
        skipped: 0,
        failed: new Set(),
      }
      posts.push(post)
      await observePlace(post, place, options)
    }
    // Where nothing at all has answered, nothing will.
    if (notebook.told().looked > 0) {
      for (const post of posts) if (post.failed.size > 0) await lookAgain(post)
    }
    const { looked, voided } = notebook.told()
    const skipped = posts.reduce((sum, post) => sum + post.skipped, voided)
    const failed = posts.reduce((sum, post) => sum + post.failed.size, 0)
    return { looked, skipped, failed }
  }
