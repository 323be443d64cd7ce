/** What was learned of a leased intent, as the row that settles it. */
import * as E from 'fp-ts/lib/Either.js'
import type { JsonObject } from '../domain/json.ts'
import { next, type Learned, type Standing } from '../domain/lifecycle.ts'
import type { Lease, StepResult } from '../domain/ports.ts'
import { traitsOf, type AnyProvider, type Outcome, type Sighting } from '../domain/provider.ts'
import { storable } from '../domain/storable.ts'
import type { StepDeps } from './call.ts'
import { checkedOutcome } from './checked-outcome.ts'

/** `since_ms`: since the lease was taken, when the database told its clock. */
const standingOf = (lease: Lease, since_ms: number): Standing => ({
  attempts: lease.number,
  looks: lease.looks,
  applied_ms_ago: lease.applied_ms_ago,
  first_attempt_ms_ago: lease.first_attempt_ms_ago + since_ms,
  deadline_in_ms: lease.deadline_in_ms,
})

export type Extra = Omit<
  Partial<StepResult>,
  'entry' | 'resource' | 'epoch' | 'number' | 'state' | 'due_in_ms' | 'reason' | 'looks'
>

/** What was learned, as the row that settles it. */
export const resultOf = (
  lease: Lease,
  learned: Learned,
  provider: AnyProvider,
  extra: Extra = {},
  since_ms = 0,
): StepResult => ({
  entry: lease.entry,
  resource: lease.resource,
  epoch: lease.epoch,
  number: lease.number,
  ...next(standingOf(lease, since_ms), learned, traitsOf(provider, lease.verb)),
  ...extra,
})

/** Over, and nobody knows what it left. */
export const doubtful = (
  lease: Lease,
  provider: AnyProvider,
  reason: string,
  error_class: string,
  since_ms = 0,
): StepResult => {
  const extra: Extra = { outcome: 'in_doubt', error_class, error: reason }
  return resultOf(lease, { type: 'unknown', reason }, provider, extra, since_ms)
}

/**
 * A final no, where it was said to another call than the first. What came of those before it is asked
 * only now: it is rare.
 */
export const refused = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
  reason: string,
): Promise<StepResult> => {
  const earlier = lease.number > 1 ? await deps.log.earlierDoubt(lease.entry, lease.number) : null
  return resultOf(lease, { type: 'rejected', reason, earlier }, provider, {
    outcome: 'rejected',
    error_class: 'rejected',
    error: reason,
  })
}

export const unsent = (lease: Lease, provider: AnyProvider, reason: string): StepResult =>
  resultOf(lease, { type: 'not_sent', reason }, provider, {
    outcome: 'rejected',
    error_class: 'not_sent',
    error: reason,
  })

export const identity = (from: {
  readonly external_id?: string
  readonly outputs?: JsonObject
}): { external_id?: string; outputs?: JsonObject } => ({
  ...(from.external_id === undefined ? {} : { external_id: from.external_id }),
  ...(from.outputs === undefined ? {} : { outputs: from.outputs }),
})

export const sightingOf = (sighting: Sighting | null): Extra => ({
  ...(sighting === null ? {} : identity(sighting)),
  sighting: {
    state: sighting?.state ?? null,
    condition: sighting?.condition ?? 'ready',
    ...(sighting?.revision === undefined ? {} : { revision: sighting.revision }),
  },
})

/** What a call, or the operation that it began, was answered with. */
export const answered = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
  answer: unknown,
): Promise<StepResult> => {
  const outcome = checkedOutcome(answer)
  switch (outcome.type) {
    case 'rejected': {
      const { reason, retry_after_ms } = outcome
      if (retry_after_ms === undefined) return refused(deps, provider, lease, reason)
      return resultOf(lease, { type: 'rejected', reason, retry_after_ms }, provider, {
        outcome: 'rejected',
        error_class: 'throttled',
        error: reason,
      })
    }
    case 'unknown':
      return doubtful(lease, provider, outcome.reason, 'unknown')
    case 'accepted':
      return takenOn(provider, lease, outcome)
    case 'applied':
      return done(provider, lease, outcome)
  }
}

const done = (
  provider: AnyProvider,
  lease: Lease,
  outcome: Extract<Outcome, { type: 'applied' }>,
): StepResult => {
  const gone = outcome.gone === true
  return resultOf(lease, { type: 'applied', gone }, provider, {
    outcome: 'applied',
    response: outcome.state,
    ...identity(outcome),
    // No look will follow: the answer is what is known of it.
    ...(provider.traits.sightings > 0 && !gone
      ? {}
      : {
          sighting: {
            state: lease.verb === 'delete' || gone ? null : outcome.state,
            condition: 'ready',
          },
        }),
  })
}

/** Larger than this it is no name of an operation. */
const operation_length_max = 16_384

/** The attempt stays open until the operation ends, or nobody believes any more that it will. */
const takenOn = (
  provider: AnyProvider,
  lease: Lease,
  { operation, poll_after_ms, ...outcome }: Extract<Outcome, { type: 'accepted' }>,
): StepResult => {
  const kept = storable(operation, operation_length_max)
  if (provider.poll === undefined || E.isLeft(kept)) {
    const why = E.isLeft(kept)
      ? `its operation cannot be kept: ${kept.left}`
      : 'nothing can poll it'
    return doubtful(lease, provider, `accepted, but ${why}`, 'unknown')
  }
  const learned: Learned = {
    type: 'accepted',
    ...(poll_after_ms === undefined ? {} : { poll_after_ms }),
  }
  return untilItEnds(resultOf(lease, learned, provider, { operation, ...identity(outcome) }))
}

/** An operation that is given up on is an outcome that nobody knows. */
export const untilItEnds = (result: StepResult): StepResult =>
  result.state === 'in_doubt'
    ? { ...result, outcome: 'in_doubt', error_class: 'timeout', error: result.reason ?? '' }
    : result
