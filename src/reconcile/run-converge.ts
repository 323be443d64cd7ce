/** Converging a scope: in dependency order, a bounded part of it in each decision. */
import type { IntentDraft } from '../domain/decider.ts'
import { ForewordError } from '../domain/errors.ts'
import type { ResourceName, WritePlan } from '../domain/ports.ts'
import type { ReconcileStore } from '../domain/reconcile-ports.ts'
import { parseResourceKey, resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { DecideResult, IntentRef } from '../domain/result.ts'
import type { Decide, Preview } from './deciding.ts'
import { importFound, lookFor, type AdoptDeps, type Found } from './adopt.ts'
import { converge, moved_meanwhile, type ConvergeInput } from './converge.ts'
import { halved, leave, prepareSome, stuckBy, type Leaving, type Left } from './go-on.ts'
import type { PrepareDeps, Row } from './others.ts'
import type { Prepared } from './prepare.ts'
import { leaveTaken } from './taken.ts'

/** What is wanted may change under a converging decision; after so many times something is wrong. */
const rereads_max = 10

export interface ConvergeDeps extends PrepareDeps, AdoptDeps {
  readonly store: ReconcileStore
  readonly decide: Decide
  readonly preview: Preview
  /** Some policy limits deletions: a run of several decisions counts those of all of them. */
  readonly limits_deletes?: boolean
}

export interface Converged {
  readonly decisions: readonly string[]
  readonly intents: readonly IntentRef[]
  /** What could not be decided, where the run may go on without it. */
  readonly left?: readonly Left[]
  /** Aborted tries that were decided again. */
  readonly retries: number
  /** The scope was paused, and nothing more was decided: who has paused it, and what lifts that. */
  readonly paused?: string
  /** Others were faster, so many times: nothing more was decided. What is left the next run decides. */
  readonly gave_up?: number
}

/** For those who cannot leave it to a next run. */
export const gaveUp = (scope: string, tries: number): ForewordError =>
  new ForewordError(`others were faster ${tries} times`, {
    where: `scope ${scope}`,
    remedy: 'run it again',
  })

/** The generations of the rows that a set of intents acts on. */
const actedOn =
  (generations: ReadonlyMap<string, number>, scope: string) =>
  (drafts: readonly IntentDraft[]): WritePlan['acted'] =>
    drafts.flatMap((draft) => {
      const generation = generations.get(resourceKey(draft))
      if (generation === undefined) return []
      return [{ resource: resourceId(scope, draft.kind, draft.name), generation }]
    })

const failed = (result: DecideResult, scope: string): ForewordError => {
  switch (result.type) {
    case 'invalid':
      return new ForewordError(result.reason, { where: `scope ${scope}`, remedy: result.remedy })
    case 'gave_up':
      return gaveUp(scope, result.tries)
    case 'refused':
      return new ForewordError(result.reason, {
        where: `scope ${scope}`,
        remedy: 'run it again',
      })
    case 'decided':
    case 'unchanged':
      return new ForewordError(`converge ended with ${result.type}`, { where: `scope ${scope}` })
  }
}

/** Of what was planned, the part that one decision is about. */
const asExpected = (input: ConvergeInput, expected: ConvergeOptions['expected']): ConvergeInput => {
  if (expected === undefined) return input
  const mine = input.wanted.map(resourceKey).flatMap((key) => {
    const version = expected[key]
    return version === undefined ? [] : [[key, version] as const]
  })
  return { ...input, expected: Object.fromEntries(mine) }
}

const movedOn = (scope: string): ForewordError =>
  new ForewordError('what is wanted has moved since it was planned', {
    where: `scope ${scope}`,
    remedy: 'plan again',
  })

export interface ConvergeOptions {
  readonly scope: string
  readonly kind?: string
  readonly stack?: string
  readonly actor?: string
  readonly reason?: string
  /** Of a saved plan, by resource: the version that it must have, null: absent. */
  readonly expected?: Readonly<Record<string, number | null>>
  /** Leaves what cannot be decided, and goes on with the rest. */
  readonly go_on?: boolean
}

/** What a run would delete, in all its decisions; asked only where a policy limits that. */
export const deletesOf = (
  deps: ConvergeDeps,
  scope: string,
  { judged, inputs }: Prepared,
  has_decided = false,
): readonly ResourceName[] => {
  if (deps.limits_deletes !== true || (inputs.length < 2 && !has_decided)) return []
  return [...judged].flatMap(([key, { verb }]) =>
    verb === 'delete' || verb === 'replace' ? [{ scope, ...parseResourceKey(key) }] : [],
  )
}

/** What is wanted, not known, and there all the same, where its owner has said that it be taken over then. */
export const adoptable = async (
  deps: ConvergeDeps,
  scope: string,
  rows: readonly Row[],
): Promise<readonly Found[]> => {
  const willing = rows.filter((row) => row.spec !== null && row.lifecycle?.adopt === true)
  if (willing.length === 0) return []
  const idOf = (row: Row): string => resourceId(scope, row.kind, row.name)
  const held = await deps.store.held(willing.map(idOf))
  const found: Found[] = []
  for (const row of willing) {
    if ((held.get(idOf(row))?.state ?? null) !== null) continue
    const at = { scope, kind: row.kind, name: row.name }
    const sighting = await lookFor(deps, at, null)
    if (sighting !== null) found.push({ ...at, sighting })
  }
  return found
}

/** Somebody wants something else since we looked, or something else is there: look again. */
const hasMoved = (result: DecideResult): boolean =>
  (result.type === 'invalid' && result.sqlstate === 'FW030') ||
  (result.type === 'refused' && result.reason === moved_meanwhile)

/** What a run has come to so far. */
interface Run {
  readonly decisions: string[]
  readonly intents: IntentRef[]
  retries: number
  readonly leaving: Leaving | undefined
}

/** Whether it was divided, or left: the run goes on. */
const goneOn = (
  { leaving }: Run,
  input: ConvergeInput,
  queue: ConvergeInput[],
  why: ForewordError,
): boolean => {
  if (leaving === undefined) return false
  const halves = halved(input)
  if (halves === null) leave(leaving, input.wanted.map(resourceKey), why)
  else queue.unshift(...halves)
  return true
}

type Stopped = Pick<Converged, 'paused' | 'gave_up'>

/** Decides part by part. 'moved': to be looked at again. */
const decideParts = async (
  { store }: Pick<ConvergeDeps, 'store'>,
  run: Run,
  inputs: readonly ConvergeInput[],
  scope: string,
  decide: (input: ConvergeInput) => Promise<DecideResult>,
): Promise<'decided' | 'moved' | Stopped> => {
  const queue = [...inputs]
  for (let input = queue.shift(); input !== undefined; input = queue.shift()) {
    const stuck = run.leaving && (await stuckBy(store, input, run.leaving))
    const what = `${stuck ?? ''} must come before it, and is left as it is`
    if (stuck !== undefined && goneOn(run, input, queue, new ForewordError(what))) continue
    const result = await decide(input)
    if (hasMoved(result)) return 'moved'
    if (result.type === 'refused' && result.paused === true) return { paused: result.reason }
    if (result.type !== 'invalid') run.retries += result.tries - 1
    if (result.type === 'gave_up') return { gave_up: result.tries }
    if (result.type === 'decided') {
      run.decisions.push(result.decision)
      run.intents.push(...result.intents)
    } else if (result.type !== 'unchanged') {
      const why = failed(result, scope)
      if (!goneOn(run, input, queue, why)) throw why
    }
  }
  return 'decided'
}

/** Makes known what is there already; where it may go on, what cannot be looked at now is left. */
const adoptAll = async (
  deps: ConvergeDeps,
  options: ConvergeOptions,
  rows: readonly Row[],
  leaving: Leaving | undefined,
): Promise<void> => {
  const { scope, actor = 'foreword/converge', reason = 'converge' } = options
  for (const part of leaving === undefined ? [rows] : rows.map((row) => [row])) {
    try {
      for (const found of await adoptable(deps, scope, part)) {
        await importFound(deps, scope, [found], { actor, reason })
      }
    } catch (error) {
      const [row] = part
      if (leaving === undefined || row === undefined) throw error
      const why = error instanceof Error ? error.message : String(error)
      leave(leaving, [resourceKey(row)], new ForewordError(why, { remedy: 'run it again' }))
    }
  }
}

/** What was seen to be gone keeps what it consumed until it comes again. Nobody wants it any more: it never will. */
const giveBack = async (
  { store }: Pick<ConvergeDeps, 'store'>,
  scope: string,
  { items, held }: Prepared,
): Promise<void> => {
  const gone = items.flatMap((item) => {
    const now = held.get(resourceKey(item))
    if (item.spec !== null || now === undefined || now.state !== null) return []
    if (Object.keys(now.counters).length === 0) return []
    return [{ resource: resourceId(scope, item.kind, item.name), version: now.version }]
  })
  if (gone.length > 0) await store.giveBack(gone)
}

/**
 * Decides until what is wanted in a scope is what is assumed. Throws a ForewordError where it cannot; with `go_on` it
 * leaves what it cannot decide.
 */
export const runConverge =
  (deps: ConvergeDeps) =>
  async (options: ConvergeOptions): Promise<Converged> => {
    const { scope } = options
    const leaving: Leaving | undefined =
      options.go_on === true ? { scope, keys: new Set(), told: [] } : undefined
    const run: Run = { decisions: [], intents: [], retries: 0, leaving }
    let deletes: ResourceName[] = []
    const came = (stopped: Stopped): Converged => {
      const { decisions, intents, retries } = run
      const left = leaving === undefined ? {} : { left: leaving.told }
      return { decisions, intents, retries, ...left, ...stopped }
    }
    await deps.store.endWishes(scope)
    for (let rereads = 0; rereads < rereads_max; rereads++) {
      const rows = await deps.store.desired(options)
      await adoptAll(deps, options, rows, leaving)
      if (leaving !== undefined) await leaveTaken(deps, rows, leaving)
      const generations = new Map(rows.map((row) => [resourceKey(row), row.generation]))
      const elsewhere = async (): Promise<readonly Row[]> => {
        const all = await deps.store.desired({ scope })
        for (const row of all) generations.set(resourceKey(row), row.generation)
        return all
      }
      const prepared = await prepareSome(deps, scope, rows, elsewhere, leaving)
      await giveBack(deps, scope, prepared)
      const decided = new Set(run.intents.map(resourceKey))
      // What an earlier look of this run has come to counts as well.
      deletes = deletes.filter((at) => decided.has(resourceKey(at)))
      deletes.push(...deletesOf(deps, scope, prepared, decided.size > 0))
      const deletes_beside = deletes
      const ended = await decideParts(deps, run, prepared.inputs, scope, (input) =>
        deps.decide(converge, {
          ...options,
          input: asExpected(input, options.expected),
          acted: actedOn(generations, scope),
          deletes_beside,
        }),
      )
      if (ended === 'moved' && options.expected !== undefined) throw movedOn(scope)
      if (ended !== 'moved') return came(ended === 'decided' ? {} : ended)
    }
    return came({ gave_up: rereads_max })
  }
