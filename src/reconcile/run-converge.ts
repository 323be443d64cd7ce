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
import { prepare, type Prepared, type PrepareDeps, type Row } from './prepare.ts'

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
}

/** What a run would delete, in all its decisions; asked only where a policy limits that. */
export const deletesOf = (
  deps: ConvergeDeps,
  scope: string,
  { judged, inputs }: Prepared,
): readonly ResourceName[] => {
  if (deps.limits_deletes !== true || inputs.length < 2) return []
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

/** Decides until what is wanted in a scope is what is assumed. Throws a ForewordError where it cannot. */
export const runConverge =
  (deps: ConvergeDeps) =>
  async (options: ConvergeOptions): Promise<Converged> => {
    const { scope } = options
    const decisions: string[] = []
    const intents: IntentRef[] = []
    let retries = 0
    let rereads = 0
    for (let moved = true; moved && rereads < rereads_max; rereads++) {
      moved = false
      const rows = await deps.store.desired(options)
      for (const found of await adoptable(deps, scope, rows)) {
        await importFound(deps, scope, [found], {
          actor: options.actor ?? 'foreword/converge',
          reason: options.reason ?? 'converge',
        })
      }
      const generations = new Map(rows.map((row) => [resourceKey(row), row.generation]))
      const prepared = await prepare(deps, scope, rows, async () => {
        const all = await deps.store.desired({ scope })
        for (const row of all) generations.set(resourceKey(row), row.generation)
        return all
      })
      const deletes_beside = deletesOf(deps, scope, prepared)
      for (const input of prepared.inputs) {
        const result = await deps.decide(converge, {
          ...options,
          input: asExpected(input, options.expected),
          acted: actedOn(generations, scope),
          deletes_beside,
        })
        moved = hasMoved(result)
        if (moved && options.expected !== undefined) throw movedOn(scope)
        if (moved) break
        if (result.type === 'decided') {
          decisions.push(result.decision)
          intents.push(...result.intents)
        } else if (result.type === 'refused' && result.paused === true) {
          return { decisions, intents, retries, paused: result.reason }
        } else if (result.type === 'gave_up') {
          return { decisions, intents, retries: retries + result.tries - 1, gave_up: result.tries }
        } else if (result.type !== 'unchanged') throw failed(result, scope)
        retries += result.tries - 1
      }
    }
    return { decisions, intents, retries }
  }
