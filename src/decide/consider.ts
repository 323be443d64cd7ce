/** The pure part of deciding: a decider's own code on one set of readings, and what it came to. */
import * as E from 'fp-ts/lib/Either.js'
import {
  find_rows_max,
  get_all_names_max,
  queries,
  verdictOf,
  type Decider,
  type Facts,
  type IntentDraft,
  type Reads,
  type Refusal,
} from '../domain/decider.ts'
import type {
  Cause,
  Change,
  DecisionStore,
  ReadPlan,
  Readings,
  ResourceName,
  WritePlan,
} from '../domain/ports.ts'
import type { Json } from '../domain/json.ts'
import { isStateVerb } from '../domain/provider.ts'
import { resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import { checkInput, leave, wrongWithCall, wrongWithReads } from './check-asked.ts'
import { changesOf, observedChanges, type ChangeRules, type Invalid } from './changes.ts'
import { holdDeletes, type Counted, type Kind } from './hold-deletes.ts'
import { factsOf, planOf, TooManyRows } from './plan.ts'

export interface DecideDeps {
  readonly store: DecisionStore
  readonly rules: ChangeRules
  readonly tries_max: number
  readonly newId: () => string
  readonly now: () => Date
}

export interface DecideOptions<Input> {
  readonly scope: string
  readonly input: Input
  readonly actor?: string
  /** Of the span that it is decided in, where one is recorded. */
  readonly traceparent?: string
  readonly reason?: string
  readonly cause?: Cause
  /** The stale decision that this one is made instead of: made once, whoever tries. */
  readonly instead_of?: string
  /** Deletions of the same run, in other decisions: a limit is one of the run. */
  readonly deletes_beside?: readonly ResourceName[]
  /** Generations of desired state that the decision acts on. */
  readonly acted?: (drafts: readonly IntentDraft[]) => WritePlan['acted']
}

/** What the pure part came to, in one of its runs. */
export type Considered =
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'invalid'; readonly why: Invalid }
  /** A limit is one in percent of these kinds: they must be counted first. */
  | { readonly type: 'uncounted'; readonly kinds: readonly Kind[] }
  | {
      readonly type: 'changes'
      readonly changes: readonly Change[]
      readonly acted: WritePlan['acted']
    }

/** One call of a decider: its reads as data, and the plan that they make together. */
export interface Run<R extends Reads, Input, Thought> {
  readonly decider: Decider<R, Input, Thought>
  readonly options: DecideOptions<Input>
  readonly reads: R
  readonly plan: ReadPlan
}

const invalid = (sqlstate: string, reason: string, remedy: string): E.Either<Invalid, never> =>
  E.left({ sqlstate, reason, remedy })

/** Asks a decider for its reads. What it throws is a bug and goes through. */
export const runOf = <R extends Reads, Input, Thought>(
  decider: Decider<R, Input, Thought>,
  options: DecideOptions<Input>,
): E.Either<Invalid, Run<R, Input, Thought>> => {
  const odd = wrongWithCall(decider, options)
  if (odd !== null) return E.left(odd)
  const reads: unknown = decider.read(queries, options.input)
  const wrong = wrongWithReads(decider.name, reads)
  if (wrong !== null) return E.left(wrong)
  const plan = planOf(reads as R, options.scope)
  const far = plan.finds.find((f) => f.max > find_rows_max)
  if (far !== undefined || plan.resources.length > get_all_names_max) {
    return invalid(
      'FW015',
      'the decider reads more than its bound',
      `at most ${find_rows_max} rows: ask narrower, or keep a counter`,
    )
  }
  return E.right({ decider, options, reads: reads as R, plan })
}

/** The facts of a run; a predicate that matched more than its bound is the decider's to mend. */
export const factsIn = <R extends Reads, Input, Thought>(
  run: Run<R, Input, Thought>,
  readings: Readings,
): E.Either<Invalid, Facts<R>> => {
  try {
    return E.right(factsOf(run.reads, run.options.scope, readings) as Facts<R>)
  } catch (error) {
    if (!(error instanceof TooManyRows)) throw error
    return invalid(
      'FW015',
      `find ${error.message} matches more than its bound`,
      'ask narrower by a label, or keep a counter',
    )
  }
}

/** Actions leave the state as it was read. */
const withStates = (
  drafts: readonly IntentDraft[],
  scope: string,
  readings: Readings,
): E.Either<Invalid, readonly IntentDraft[]> => {
  const complete: IntentDraft[] = []
  for (const draft of drafts) {
    if ((draft.state as Json | undefined) !== undefined || isStateVerb(draft.verb)) {
      complete.push(draft)
      continue
    }
    const key = resourceKey(draft)
    const row = readings.states.get(resourceId(draft.scope ?? scope, draft.kind, draft.name))
    if (row === undefined) {
      const remedy = 'read it by q.get, or say by call(…) what its state is afterwards'
      return invalid('FW020', `${key} is to have ${draft.verb} and was not read`, remedy)
    }
    if (row.assumed === null) {
      const remedy = 'read it first, and create it where it is absent'
      return invalid('FW011', `${key} is to have ${draft.verb} but is assumed absent`, remedy)
    }
    complete.push({ ...draft, state: row.assumed })
  }
  return E.right(complete)
}

/** The decider's own code, on one set of readings. What it throws is a bug and goes through. */
export const consider = <R extends Reads, Input, Thought>(
  deps: Pick<DecideDeps, 'rules'>,
  run: Run<R, Input, Thought>,
  readings: Readings,
  at: { readonly now: Date; readonly thought: Thought; readonly counted: Counted },
): Considered => {
  const { decider, options } = run
  const facts = factsIn(run, readings)
  if (E.isLeft(facts)) return { type: 'invalid', why: facts.left }
  const context = { scope: options.scope, now: at.now, thought: at.thought }
  const returned = decider.decide(facts.right, options.input, context)
  const verdict: E.Either<Refusal, readonly IntentDraft[]> | null = verdictOf(returned)
  if (verdict === null) {
    leave(returned)
    return {
      type: 'invalid',
      why: {
        sqlstate: 'FW029',
        reason: `decide of decider ${decider.name} returned something else than a verdict`,
        remedy: 'return an intent, a list of intents or refuse(…), and no promise: see `think`',
      },
    }
  }
  if (E.isLeft(verdict)) return { type: 'refused', reason: verdict.left.reason }
  const drafts = withStates(verdict.right, options.scope, readings)
  if (E.isLeft(drafts)) return { type: 'invalid', why: drafts.left }
  const changes =
    options.cause === 'observation'
      ? E.right(observedChanges(drafts.right, options.scope))
      : changesOf(drafts.right, options.scope, deps.rules)
  if (E.isLeft(changes)) return { type: 'invalid', why: changes.left }
  const input = changes.right.length === 0 ? E.right(null) : checkInput(decider.name, options.input)
  if (E.isLeft(input)) return { type: 'invalid', why: input.left }
  const held =
    options.cause === 'observation'
      ? changes
      : holdDeletes(changes.right, deps.rules.policies, at.counted, options.deletes_beside)
  if (E.isLeft(held)) return { type: 'uncounted', kinds: held.left }
  return {
    type: 'changes',
    changes: held.right,
    acted: options.acted?.(drafts.right) ?? [],
  }
}
