/** Looking: by id and by list, each served by one replica that may be late. */
import * as E from 'fp-ts/lib/Either.js'
import type { Answer } from './answer.ts'
import { answer, notFound, refusal } from './answer.ts'
import type { Throw } from './dice.ts'
import type { Kind } from './kinds.ts'
import type { Core } from './operations.ts'
import { render } from './world.ts'

/** Query parameters, each with all its values. */
export type Parameters = { readonly [name: string]: readonly string[] }

interface Filter {
  readonly keys: readonly string[]
  readonly limit: number
  readonly after: number
}

const known = ['name', 'tag', 'intent', 'limit', 'after']

const bad = (message: string): E.Either<Answer, never> =>
  E.left(refusal(400, 'bad_request', message))

const decodeFilter = (given: Parameters): E.Either<Answer, Filter> => {
  // A filter that is misspelt and ignored would show everything, and look like an answer.
  const stray = Object.keys(given).find((name) => !known.includes(name))
  if (stray !== undefined) return bad(`${stray} is no parameter; known: ${known.join(', ')}`)
  const keys = [
    ...(given['name'] ?? []).map((name) => `name:${name}`),
    ...(given['intent'] ?? []).map((intent) => `tag:intent:${intent}`),
    ...(given['tag'] ?? []).map((tag) => `tag:${tag}`),
  ]
  if (given['tag']?.some((tag) => !tag.includes(':')) === true) return bad('tag must be KEY:VALUE')
  const limit = given['limit']?.[0] ?? '100'
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > 1_000) {
    return bad('limit must be a whole number from 1 to 1000')
  }
  const after = given['after']?.[0] ?? 'c0'
  if (!/^c[0-9a-z]{1,10}$/.test(after)) return bad('after must be the `next` of an earlier page')
  return E.right({ keys, limit: Number(limit), after: Number.parseInt(after.slice(1), 36) })
}

/** The moment that the replica which serves this request has come to. */
const replicaTime = (core: Core, fate: Throw): number => {
  const { lag_ms, replicas } = core.dice.faults
  return core.clock.now() - (lag_ms * (fate.replica + 1)) / replicas
}

const servedBy = (fate: Throw) => ({ 'X-Served-By': `replica-${fate.replica}` })

export const look = (
  core: Core,
  fate: Throw,
  where: { readonly account: string; readonly kind: Kind; readonly id: string },
): Answer => {
  const { account, kind, id } = where
  const seen = core.world.seen(account, kind, id, replicaTime(core, fate))
  if (seen !== null) return answer(200, render(seen), servedBy(fate))
  return { ...notFound(kind, id), headers: servedBy(fate) }
}

/** A page, oldest first. New resources come at the end, so pages do not shift under inserts. */
export const list = (
  core: Core,
  fate: Throw,
  where: { readonly account: string; readonly kind: Kind; readonly parameters: Parameters },
): Answer => {
  const filter = decodeFilter(where.parameters)
  if (E.isLeft(filter)) return filter.left
  const { keys, after, limit } = filter.right
  const items = []
  let next: string | null = null
  let last = after
  const at = replicaTime(core, fate)
  for (const seen of core.world.list(where.account, where.kind, { keys, after, at })) {
    if (items.length === limit) {
      next = `c${last.toString(36)}`
      break
    }
    items.push(render(seen))
    last = seen.resource.seq
  }
  return answer(200, { items, next }, servedBy(fate))
}
