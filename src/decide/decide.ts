/**
 * Deciding: read, decide, write, in that order, and again from the start when somebody else was
 * first. The one place that retries a serializable transaction.
 */
import { setTimeout as sleep } from 'node:timers/promises'
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
  ConflictNote,
  DecisionStore,
  ReadPlan,
  Readings,
  Tried,
  Try,
  WritePlan,
} from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { DecideResult, IntentRef } from '../domain/result.ts'
import { decide_again_ms } from '../domain/retry-policy.ts'
import { changesOf, observedChanges, type ChangeRules, type Invalid } from './changes.ts'
import { countersOf, factsOf, planOf, predicatesOf, premisesOf, TooManyRows } from './plan.ts'

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
  readonly reason?: string
  readonly cause?: Cause
  /** Generations of desired state that the decision acts on. */
  readonly acted?: (drafts: readonly IntentDraft[]) => WritePlan['acted']
}

/** What the pure part came to, in one of its runs. */
type Considered =
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'invalid'; readonly why: Invalid }
  | {
      readonly type: 'changes'
      readonly changes: readonly Change[]
      readonly acted: WritePlan['acted']
    }

interface Run<R extends Reads, Input> {
  readonly decider: Decider<R, Input>
  readonly options: DecideOptions<Input>
  readonly reads: R
  readonly plan: ReadPlan
}

const boundedPlan = (plan: ReadPlan): Invalid | null => {
  const far = plan.finds.find((f) => f.max > find_rows_max)
  if (far !== undefined || plan.resources.length > get_all_names_max) {
    return {
      sqlstate: 'FW015',
      reason: 'the decider reads more than its bound',
      remedy: `at most ${find_rows_max} rows: ask narrower, or keep a counter`,
    }
  }
  return null
}

/** The decider's own code, on one set of readings. What it throws is a bug and goes through. */
const consider = <R extends Reads, Input>(
  deps: DecideDeps,
  run: Run<R, Input>,
  readings: Readings,
  now: Date,
): Considered => {
  const { decider, options, reads } = run
  try {
    const facts = factsOf(reads, options.scope, readings) as Facts<R>
    const context = { scope: options.scope, now }
    const verdict: E.Either<Refusal, readonly IntentDraft[]> = verdictOf(
      decider.decide(facts, options.input, context),
    )
    if (E.isLeft(verdict)) return { type: 'refused', reason: verdict.left.reason }
    const changes =
      options.cause === 'observation'
        ? E.right(observedChanges(verdict.right, options.scope))
        : changesOf(verdict.right, options.scope, deps.rules)
    if (E.isLeft(changes)) return { type: 'invalid', why: changes.left }
    return {
      type: 'changes',
      changes: changes.right,
      acted: options.acted?.(verdict.right) ?? [],
    }
  } catch (error) {
    if (!(error instanceof TooManyRows)) throw error
    return {
      type: 'invalid',
      why: {
        sqlstate: 'FW015',
        reason: `find ${error.message} matches more than its bound`,
        remedy: 'ask narrower by a label, or keep a counter',
      },
    }
  }
}

const writePlan = <R extends Reads, Input>(
  run: Run<R, Input>,
  readings: Readings,
  considered: Extract<Considered, { type: 'changes' }>,
  tries: number,
  now: Date,
): WritePlan => ({
  head: {
    scope: run.options.scope,
    decider: run.decider.name,
    decider_version: run.decider.version,
    actor: run.options.actor ?? '',
    reason: run.options.reason ?? '',
    input: run.options.input ?? null,
    tries,
    saw_at: now.toISOString(),
  },
  premises: premisesOf(run.plan, readings),
  predicates: predicatesOf(run.plan, readings),
  counters: countersOf(run.plan, readings),
  cause: run.options.cause ?? 'intent',
  changes: considered.changes,
  acted: considered.acted,
})

const intentsOf = (
  entries: readonly { readonly id: number; readonly resource: string; readonly version: number }[],
  changes: readonly Change[],
): readonly IntentRef[] => {
  const byId = new Map(changes.map((c) => [resourceId(c.scope, c.kind, c.name), c]))
  return entries.flatMap((entry) => {
    const change = byId.get(entry.resource)
    if (change === undefined) return []
    const { scope, kind, name, verb } = change
    return [{ id: entry.id, scope, kind, name, verb, version: entry.version }]
  })
}

const resultOf = (
  tried: Exclude<Tried, { type: 'conflict' | 'unprepared' }>,
  considered: Considered | undefined,
  decision: string,
  tries: number,
): DecideResult => {
  if (tried.type === 'invalid') return tried
  if (considered === undefined) throw new Error('a try ended without a decision')
  switch (considered.type) {
    case 'refused':
      return { type: 'refused', reason: considered.reason, tries }
    case 'invalid':
      return { type: 'invalid', ...considered.why }
    case 'changes': {
      if (tried.type === 'unwritten') return { type: 'unchanged', tries }
      const intents = intentsOf(tried.entries, considered.changes)
      return { type: 'decided', decision, intents, tries }
    }
  }
}

/** Runs a decider until it commits, refuses, or has lost too often. A throw is the decider's own, or an outage. */
export const decide =
  (deps: DecideDeps) =>
  async <R extends Reads, Input>(
    decider: Decider<R, Input>,
    options: DecideOptions<Input>,
  ): Promise<DecideResult> => {
    const reads = decider.read(queries, options.input)
    const run: Run<R, Input> = { decider, options, reads, plan: planOf(reads, options.scope) }
    const unbounded = boundedPlan(run.plan)
    if (unbounded !== null) return { type: 'invalid', ...unbounded }

    let id = deps.newId()
    const notes: ConflictNote[] = []
    const note = async (decision: string | null): Promise<void> => {
      if (notes.length > 0) await deps.store.noteConflicts(notes.map((n) => ({ ...n, decision })))
    }
    let company: Try['company'] = 'grouped'
    for (let tries = 1; tries <= deps.tries_max; tries++) {
      let considered: Considered | undefined
      const tried = await deps.store.once({
        id,
        plan: run.plan,
        company,
        read_only: false,
        decide: (readings) => {
          const now = deps.now()
          considered = consider(deps, run, readings, now)
          if (considered.type !== 'changes' || considered.changes.length === 0) return null
          return writePlan(run, readings, considered, tries, now)
        },
      })
      // Names were written that had not been read: their slots are there now, so this was no try.
      if (tried.type === 'unprepared') {
        tries -= 1
        continue
      }
      if (tried.type !== 'conflict') {
        await note(tried.type === 'written' ? id : null)
        return resultOf(tried, considered, id, tries)
      }
      const { scope } = options
      notes.push({ scope, decider: decider.name, decision: id, tries, sqlstate: tried.sqlstate })
      if (tried.id_spent) id = deps.newId()
      company = tried.grouped === true ? 'alone' : 'in_line'
      if (company === 'in_line') await sleep(decide_again_ms(tries))
    }
    await note(null)
    return {
      type: 'gave_up',
      tries: deps.tries_max,
      last_sqlstate: notes.at(-1)?.sqlstate ?? '40001',
    }
  }

/** What a decider would intend now: the same reads in a READ ONLY transaction, and nothing written. */
export const preview =
  (deps: DecideDeps) =>
  async <R extends Reads, Input>(
    decider: Decider<R, Input>,
    options: DecideOptions<Input>,
  ): Promise<E.Either<Refusal | Invalid, readonly Change[]>> => {
    const reads = decider.read(queries, options.input)
    const run: Run<R, Input> = { decider, options, reads, plan: planOf(reads, options.scope) }
    for (let tries = 1; tries <= deps.tries_max; tries++) {
      let considered: Considered | undefined
      const tried = await deps.store.once({
        id: deps.newId(),
        plan: run.plan,
        company: 'alone',
        read_only: true,
        decide: (readings) => {
          considered = consider(deps, run, readings, deps.now())
          return null
        },
      })
      if (tried.type === 'conflict' || considered === undefined) continue
      if (considered.type === 'refused') return E.left({ reason: considered.reason })
      if (considered.type === 'invalid') return E.left(considered.why)
      return E.right(considered.changes)
    }
    return E.left({ reason: 'others were faster each time' })
  }
