/**
 * The upgrade check: recorded decisions made again by the deciders at hand, on what was read then, with the
 * input, the clock and the thought of then. Nothing is read from today's state, and nothing is written.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { AnyDecider } from '../domain/decider.ts'
import type { RecordedDecision, ReplayStore, RecordedFilter } from '../domain/replay-ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { ChangeRules } from './changes.ts'
import { consider, runOf, type Considered } from './consider.ts'
import { differencesOf, type IntentDifference } from './replay-diff.ts'
import { droppedOf, missingOf, rebuild } from './replay-readings.ts'

export type { IntentDifference } from './replay-diff.ts'

export type Replay =
  | { readonly type: 'same' }
  /** Other intents than were recorded; `reads`: and it reads something else, too. */
  | {
      readonly type: 'differs'
      readonly differences: readonly IntentDifference[]
      readonly dropped: readonly string[]
    }
  /** It would refuse, or what it intends is refused by a provider's codec or a policy. */
  | { readonly type: 'refuses'; readonly reason: string }
  | { readonly type: 'throws'; readonly message: string }
  /** `unread`: asked today and not recorded, so that what it would decide is not known. */
  | {
      readonly type: 'reads'
      readonly unread: readonly string[]
      readonly dropped: readonly string[]
    }
  | { readonly type: 'unknown'; readonly why: string }

export interface ReplayDeps {
  readonly store: ReplayStore
  readonly rules: ChangeRules
  readonly deciders: ReadonlyMap<string, AnyDecider>
}

export interface Replayed {
  readonly decision: RecordedDecision
  /** Version of the decider at hand; null: there is none. */
  readonly version: number | null
  readonly replay: Replay
}

/** Why a decision is not one that a decider at hand could make again; null: it is. */
const whyNot = (deps: ReplayDeps, decision: RecordedDecision): string | null => {
  const { decider: name, decider_version, saw_at, thought } = decision
  const decider = deps.deciders.get(name)
  if (decider === undefined && name.startsWith('foreword/')) return 'foreword’s own, of facts'
  if (decider_version === 0) return 'decided in SQL'
  if (decider === undefined) return 'no such decider in the configuration'
  if (decision.archived) return 'archived'
  if (saw_at === null) return 'its clock was not recorded'
  if (decider.think !== undefined && thought === null) return 'what it thought was not recorded'
  return missingOf(decision)
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const refusalOf = (considered: Exclude<Considered, { type: 'changes' | 'uncounted' }>): string =>
  considered.type === 'refused'
    ? considered.reason
    : `${considered.why.reason}; ${considered.why.remedy} (${considered.why.sqlstate})`

const again = (deps: ReplayDeps, decider: AnyDecider, decision: RecordedDecision): Replay => {
  const { scope, saw_at } = decision
  // What was not given was not null either: a default of the decider's is taken again.
  const input: unknown = decision.input ?? undefined
  const asked = runOf(decider, { scope, input })
  if (E.isLeft(asked)) return { type: 'refuses', reason: asked.left.reason }
  const run = asked.right
  const { readings, unread } = rebuild(decision, run.plan)
  if (unread.length > 0) {
    return { type: 'reads', unread, dropped: droppedOf(decision, run.plan, new Set()) }
  }
  const at = {
    now: saw_at ?? decision.decided_at,
    thought: decision.thought?.[0],
    // What is held for approval is not compared, so nothing need be counted for it.
    counted: () => Infinity,
  }
  const considered = consider(deps, run, readings, at)
  if (considered.type === 'uncounted') throw new Error('a count is asked for that was given')
  if (considered.type !== 'changes') return { type: 'refuses', reason: refusalOf(considered) }
  const { changes } = considered
  const needed = new Set([
    ...decision.intents.flatMap((intent) => intent.needs),
    ...changes.flatMap((c) => c.needs.map((n) => resourceId(n.scope, n.kind, n.name))),
  ])
  const dropped = droppedOf(decision, run.plan, needed)
  const differences = differencesOf(decision, changes)
  if (differences.length > 0) return { type: 'differs', differences, dropped }
  return dropped.length > 0 ? { type: 'reads', unread: [], dropped } : { type: 'same' }
}

/** One decision made again. What the decider throws is an outcome here: it is what is asked about. */
const replayOne = (deps: ReplayDeps, decision: RecordedDecision): Replayed => {
  const decider = deps.deciders.get(decision.decider)
  const version = decider?.version ?? null
  const why = whyNot(deps, decision)
  if (decider === undefined || why !== null) {
    return { decision, version, replay: { type: 'unknown', why: why ?? '' } }
  }
  try {
    return { decision, version, replay: again(deps, decider, decision) }
  } catch (error) {
    return { decision, version, replay: { type: 'throws', message: messageOf(error) } }
  }
}

/** All recorded decisions that the filter lets through, one after the other. */
export async function* replay(
  deps: ReplayDeps,
  filter: Omit<RecordedFilter, 'wanted'>,
): AsyncGenerator<Replayed> {
  const wanted: RecordedFilter['wanted'] = (d) =>
    d.decider_version > 0 && deps.deciders.has(d.decider)
  for await (const page of deps.store.pages({ ...filter, wanted })) {
    for (const decision of page) yield replayOne(deps, decision)
  }
}
