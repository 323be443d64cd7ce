/** What converging would do: the same decider in READ ONLY transactions, and how people are told. */
import * as E from 'fp-ts/lib/Either.js'
import type { Assumed } from '../domain/decider.ts'
import { renderDiff, type Change } from '../domain/diff.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import type { Held } from '../domain/reconcile-ports.ts'
import { parseResourceKey, resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Found } from './adopt.ts'
import { converge, moved_meanwhile } from './converge.ts'
import type { PreviewedChange } from './deciding.ts'
import type { Judged } from './judge.ts'
import type { PrepareDeps, Row } from './others.ts'
import { prepare } from './prepare.ts'
import type { Renaming } from './rename.ts'
import { adoptable, deletesOf, gaveUp, type ConvergeDeps } from './run-converge.ts'

/** One line of a plan. */
export interface PlannedChange {
  readonly kind: string
  readonly name: string
  readonly verb: string
  readonly paths: readonly Change[]
  readonly after: Json
  /** Of a replacement: the path that forces it; of an update, that it refers to what is made anew. */
  readonly because?: string
  /** Of a replacement: the new one is there before the old one goes, which is called so meanwhile. */
  readonly create_first?: { readonly deposed: string }
  /** It would await approval. */
  readonly waits?: string
}

const becauseOf = (judged: Judged | undefined): { because?: string } => {
  if (judged?.verb === 'replace') return { because: judged.because }
  if (judged?.verb !== 'update' || judged.refreshed.length === 0) return {}
  return { because: `${judged.refreshed.join(', ')}: it refers to what is made anew` }
}

const plannedOf = (
  change: PreviewedChange,
  held: Held | undefined,
  judged: Judged | undefined,
): PlannedChange => ({
  kind: change.kind,
  name: change.name,
  verb: change.verb,
  paths: ['update', 'replace'].includes(change.verb)
    ? renderDiff(held?.state ?? null, change.state)
    : [],
  after: change.state,
  ...becauseOf(judged),
  ...(change.initial === 'awaiting_approval' ||
  change.replace?.first_initial === 'awaiting_approval'
    ? { waits: change.held_because ?? `a policy holds back ${change.verb}` }
    : {}),
  ...(change.replace?.deposed === undefined
    ? {}
    : { create_first: { deposed: change.replace.deposed } }),
})

/** A plan of a scope, and what it was made from. */
export interface ScopePlan {
  readonly changes: readonly PlannedChange[]
  /** What would be taken over, as it is now. */
  readonly adopted: readonly Found[]
  readonly held: ReadonlyMap<string, Held>
}

/** As if what would be taken over were known already, and what would be renamed had its new name. */
const withAdopted = (
  deps: ConvergeDeps,
  scope: string,
  adopted: readonly Found[],
  renamed: readonly Renaming[],
): PrepareDeps => ({
  ...deps,
  store: {
    ...deps.store,
    seen: async (ids) => {
      const seen = new Map(await deps.store.seen(ids))
      for (const { kind, from, to } of renamed) {
        const [old, young] = [resourceId(scope, kind, from), resourceId(scope, kind, to)]
        const was = (await deps.store.seen([old])).get(old)
        if (was !== undefined && ids.includes(young)) seen.set(young, was)
      }
      return seen
    },
    held: async (ids) => {
      const held = new Map(await deps.store.held(ids))
      for (const { kind, from, to } of renamed) {
        const [old, young] = [resourceId(scope, kind, from), resourceId(scope, kind, to)]
        const was = (await deps.store.held([old])).get(old)
        const version = (held.get(young)?.version ?? 0) + 1
        if (was !== undefined && ids.includes(young)) held.set(young, { ...was, version })
        held.delete(old)
      }
      for (const { kind, name, sighting } of adopted) {
        const id = resourceId(scope, kind, name)
        const version = (held.get(id)?.version ?? 0) + 1
        if (ids.includes(id))
          held.set(id, { version, state: sighting.state, labels: {}, counters: {} })
      }
      return held
    },
  },
})

/** The decider, that knows of what would be taken over, or have its new name, before it is asked. */
const converging = (
  scope: string,
  keys: ReadonlySet<string>,
  held: ReadonlyMap<string, Held>,
): typeof converge => {
  const known = [...keys].flatMap((key): readonly Assumed[] => {
    const now = held.get(key)
    return now === undefined ? [] : [{ scope, ...parseResourceKey(key), ...now }]
  })
  if (known.length === 0) return converge
  return {
    ...converge,
    decide: (facts, input, context) => {
      const mine = new Set(input.wanted.map(resourceKey))
      const here = known.filter((one) => mine.has(resourceKey(one)))
      return converge.decide({ ...facts, foreseen: here }, input, context)
    },
  }
}

/** Others may decide between what is looked at and what would be decided; after so many times something is wrong. */
const rereads_max = 10

/** Null: what is there has changed since it was looked at. */
const planOnce =
  (deps: ConvergeDeps) =>
  async (
    scope: string,
    rows: readonly Row[],
    all: readonly Row[],
    renamed: readonly Renaming[],
  ): Promise<ScopePlan | null> => {
    const news = new Set(renamed.map(({ kind, to }) => resourceKey({ kind, name: to })))
    const unknown = rows.filter((row) => !news.has(resourceKey(row)))
    const adopted = await adoptable(deps, scope, unknown)
    const foreseen = withAdopted(deps, scope, adopted, renamed)
    const prepared = await prepare(foreseen, scope, rows, () => Promise.resolve(all))
    const { inputs, held, judged } = prepared
    const adopting = new Set([...adopted.map(resourceKey), ...news])
    const decider = converging(scope, adopting, held)
    const planned: PlannedChange[] = []
    const deletes_beside = deletesOf(deps, scope, prepared)
    for (const input of inputs) {
      const changes = await deps.preview(decider, { scope, input, deletes_beside })
      if (E.isLeft(changes)) {
        if (changes.left.reason === moved_meanwhile) return null
        throw new ForewordError(changes.left.reason, {
          where: `scope ${scope}`,
          remedy: changes.left.remedy ?? 'run it again',
        })
      }
      const deposed = new Set(
        changes.right.map(({ kind, replace }) =>
          replace?.deposed === undefined ? '' : resourceKey({ kind, name: replace.deposed }),
        ),
      )
      for (const change of changes.right) {
        const key = resourceKey(change)
        // The end of the old one is part of its replacement.
        if (deposed.has(key)) continue
        planned.push(plannedOf(change, held.get(key), judged.get(key)))
      }
    }
    return { changes: planned, adopted, held }
  }

/** What converging these rows would do now, in a READ ONLY transaction. */
export const planConverge =
  (deps: ConvergeDeps) =>
  async (
    scope: string,
    rows: readonly Row[],
    all: readonly Row[],
    renamed: readonly Renaming[] = [],
  ): Promise<ScopePlan> => {
    for (let rereads = 0; rereads < rereads_max; rereads++) {
      const plan = await planOnce(deps)(scope, rows, all, renamed)
      if (plan !== null) return plan
    }
    throw gaveUp(scope, rereads_max)
  }
