/**
 * The whole life of an intent as one pure function: what is known of it, and what has just been
 * learned, give its next state and when somebody looks at it again. ARCHITECTURE.md draws it.
 */
import type { Traits } from './provider.ts'
import { backoff_ms, look_later_ms } from './retry-policy.ts'

export type IntentState =
  | 'awaiting_approval'
  | 'pending'
  | 'applying'
  | 'accepted'
  | 'applied'
  | 'confirmed'
  | 'rejected'
  | 'in_doubt'
  | 'stale'
  | 'cancelled'

/** What is known of an intent when something is learned about it. */
export interface Standing {
  /** Attempts begun. */
  readonly attempts: number
  /** Consecutive looks that agreed. */
  readonly looks: number
  readonly applied_ms_ago: number | null
  readonly first_attempt_ms_ago: number
  /** Until the newest attempt's deadline; below zero: over. */
  readonly deadline_in_ms: number
}

/** Nobody has ruled on the newest call that may have happened, or a person ruled so. */
export type EarlierDoubt = 'open' | 'did_not_happen' | 'retry'

export type Learned =
  /** Its decision is serializable with all others: it may be attempted. */
  | { readonly type: 'certified' }
  /** The API took it on and is at it; it may ask for so long until it is asked again. */
  | { readonly type: 'accepted'; readonly poll_after_ms?: number }
  /** It could not be asked how it stands with what it accepted. */
  | { readonly type: 'poll_failed'; readonly reason: string }
  /** The API said that it is done; `gone`: that it was done, and that what it made is gone since. */
  | { readonly type: 'applied'; readonly gone?: boolean }
  /** It certainly did not happen; with `retry_after_ms` it is worth another try. */
  | {
      readonly type: 'rejected'
      readonly reason: string
      readonly retry_after_ms?: number
      /** Of the calls before this one, where one of them may have happened. */
      readonly earlier?: EarlierDoubt | null
    }
  /** It was about to be called again, but the API may have forgotten the token of the first call. */
  | { readonly type: 'token_expired' }
  /** The same, but by the provider as it is declared now a call is not repeated while nobody knows of an earlier one. */
  | { readonly type: 'not_repeatable' }
  /** The request never left. */
  | { readonly type: 'not_sent'; readonly reason: string }
  /** Sent, and nobody knows. */
  | { readonly type: 'unknown'; readonly reason: string }
  /** Nobody has looked yet at an outcome that is unknown. */
  | { readonly type: 'doubted'; readonly reason: string }
  /** A look shows the effect. */
  | { readonly type: 'shown' }
  /** A look does not show it, or not yet wholly (`pending`: the API is still at it), or broken (`failed`). */
  | { readonly type: 'not_shown'; readonly pending: boolean; readonly failed?: boolean }
  /** The look itself failed, and says nothing. */
  | { readonly type: 'look_failed'; readonly reason: string }
  /** A look-up found what the unknown call left behind. */
  | { readonly type: 'found' }
  /** A look-up, after the settle window, found nothing of it. */
  | { readonly type: 'absent' }

export interface Move {
  readonly state: IntentState
  /** Null: nobody looks at it again by itself. */
  readonly due_in_ms: number | null
  readonly reason: string | null
  readonly looks: number
}

/** After this long without showing, an answer "done" is doubted like a lost one. */
export const show_timeout_ms = (traits: Traits): number => Math.max(60_000, traits.settle_ms * 10)

/** Between looks: soon at first, then about as often as the API's lag makes sense of. */
const look_again_ms = (traits: Traits, since_ms: number): number =>
  Math.min(5_000, Math.max(25, traits.settle_ms / 8, since_ms / 2))

const operation_timeout_default_ms = 3_600_000
const poll_ms_max = 10_000

/** So long may an API be at something. */
const operation_timeout_ms = (traits: Traits): number =>
  traits.operation_timeout_ms ?? operation_timeout_default_ms

const spanOf = (ms: number): string =>
  ms >= 120_000 ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(ms / 1_000)} s`

/**
 * What was accepted is asked for until it ends. Once it takes too long nobody but a person can tell: it may be
 * under way still, so it is neither called again nor proven absent by a look.
 */
const underWay = (
  standing: Standing,
  learned: Extract<Learned, { type: 'accepted' | 'poll_failed' }>,
  traits: Traits,
): Move => {
  const since_ms = Math.max(0, traits.call_timeout_ms - standing.deadline_in_ms)
  const reason = learned.type === 'poll_failed' ? learned.reason : null
  if (since_ms > operation_timeout_ms(traits)) {
    const late = `accepted, and not done after ${spanOf(operation_timeout_ms(traits))}`
    return to('in_doubt', null, reason === null ? late : `${late}: ${reason}`)
  }
  if (learned.type === 'poll_failed') return to('accepted', look_later_ms(since_ms), reason)
  const again_ms = Math.min(poll_ms_max, Math.max(50, since_ms / 2))
  // Whatever wait it asks for: it must be found out in time that it takes too long.
  const left_ms = operation_timeout_ms(traits) - since_ms + 1
  return to('accepted', Math.max(again_ms, Math.min(learned.poll_after_ms ?? 0, left_ms)))
}

const expired = 'its idempotency token is no longer valid'

/** Whether a call that begins so long after the first one still arrives while the API remembers its token. */
export const tokenHolds = (age_ms: number, traits: Traits): boolean =>
  age_ms + traits.call_timeout_ms < traits.token_valid_ms

const to = (
  state: IntentState,
  due_in_ms: number | null,
  reason: string | null = null,
  looks = 0,
): Move => ({ state, due_in_ms, reason, looks })

/**
 * Nobody but a person can tell. For him, somebody looks once more what is there, after the settle
 * window: due until then, and afterwards never.
 */
const park = (learned: Learned['type'], reason: string, traits: Traits): Move =>
  to('in_doubt', learned === 'doubted' ? null : traits.settle_ms, reason)

/**
 * What may be done about a call whose outcome is unknown (P3). A call of our own has ended on our
 * side; somebody else's (`doubted`) may still be under way until its deadline.
 */
const doubt = (
  standing: Standing,
  learned: { readonly type: 'unknown' | 'doubted'; readonly reason: string },
  traits: Traits,
): Move => {
  const { type, reason } = learned
  const old_call_over_in_ms = type === 'doubted' ? Math.max(0, standing.deadline_in_ms) : 0
  const repeat_in_ms = Math.max(old_call_over_in_ms, backoff_ms(standing.attempts))
  switch (traits.idempotency) {
    case 'natural':
      return to('pending', repeat_in_ms, reason)
    case 'token':
      return tokenHolds(standing.first_attempt_ms_ago + repeat_in_ms, traits)
        ? to('pending', repeat_in_ms, reason)
        : park(type, reason.endsWith(expired) ? reason : `${reason}; ${expired}`, traits)
    case 'lookup':
      return to('in_doubt', look_again_ms(traits, 0), reason)
    case 'none':
      return park(type, reason, traits)
  }
}

/**
 * A final no speaks of its own call only, and an earlier one may have happened: under a token the API
 * promises that it has not, and a look-up has proven it; a person who ruled to try again has done neither.
 */
const refused = (
  standing: Standing,
  { reason, retry_after_ms, earlier }: Extract<Learned, { type: 'rejected' }>,
  traits: Traits,
): Move => {
  if (retry_after_ms !== undefined) {
    return to('pending', Math.max(retry_after_ms, backoff_ms(standing.attempts)), reason)
  }
  return earlier === 'retry' || (earlier === 'open' && traits.idempotency === 'natural')
    ? to('in_doubt', null, `${reason}; but an earlier call may have happened`)
    : to('rejected', 0, reason)
}

/**
 * A look-up found nothing. That proves something only after the call can no longer arrive and the
 * settle window has passed since, and as often in a row as the provider's reads need.
 */
const absent = (standing: Standing, traits: Traits): Move => {
  const provable_in_ms = standing.deadline_in_ms + traits.settle_ms
  if (provable_in_ms > 0) {
    const again_ms = Math.min(provable_in_ms, Math.max(250, traits.settle_ms / 2))
    return to('in_doubt', again_ms, 'looked up: not there yet')
  }
  const looks = standing.looks + 1
  return looks >= Math.max(1, traits.sightings)
    ? to('pending', backoff_ms(standing.attempts), 'a look-up showed that it did not happen')
    : to('in_doubt', Math.max(25, traits.settle_ms / 8), 'looked up: not there', looks)
}

const done = (traits: Traits): Move =>
  traits.sightings === 0
    ? to('confirmed', null)
    : to('applied', Math.min(traits.settle_ms / 4, 250))

/** What is broken stays so: nothing is waited for, once no look is so late that it shows what was there before. */
const notShown = (
  since_ms: number,
  { pending, failed = false }: Extract<Learned, { type: 'not_shown' }>,
  traits: Traits,
): Move => {
  const again_ms = look_again_ms(traits, since_ms)
  if (failed) {
    const settled_in_ms = traits.settle_ms - since_ms
    return settled_in_ms > 0
      ? to('applied', Math.min(again_ms, settled_in_ms), 'it shows as failed')
      : to('in_doubt', null, 'it is there, and broken: its API shows it as failed')
  }
  if (pending) {
    const limit_ms = operation_timeout_ms(traits)
    return since_ms > limit_ms
      ? to('in_doubt', null, `it is there, and not ready after ${spanOf(limit_ms)}`)
      : to('applied', again_ms, 'not ready yet')
  }
  return since_ms > show_timeout_ms(traits)
    ? to('in_doubt', 1_000, 'it is said to be done, but no look shows it')
    : to('applied', again_ms)
}

/** The next state. Exhaustive: a new thing to learn does not compile until it has an answer here. */
export const next = (standing: Standing, learned: Learned, traits: Traits): Move => {
  switch (learned.type) {
    case 'certified':
      return to('pending', 0)
    case 'accepted':
    case 'poll_failed':
      return underWay(standing, learned, traits)
    case 'applied':
      return learned.gone === true
        ? to('confirmed', null, 'it was done, and what it made is gone since')
        : done(traits)
    case 'found':
      // Found before, and it has not shown since: finding it again would tell nothing new.
      return (standing.applied_ms_ago ?? 0) > show_timeout_ms(traits)
        ? to('in_doubt', null, 'it is there, but no look shows it as it was decided')
        : done(traits)
    case 'rejected':
      return refused(standing, learned, traits)
    case 'token_expired':
      return park(learned.type, `not called again: ${expired}`, traits)
    case 'not_repeatable':
      return park(learned.type, 'not called again: an earlier call may have happened', traits)
    case 'not_sent':
      return to('pending', backoff_ms(standing.attempts), learned.reason)
    case 'unknown':
    case 'doubted':
      return doubt(standing, learned, traits)
    case 'shown': {
      const looks = standing.looks + 1
      return looks >= traits.sightings
        ? to('confirmed', null, null, looks)
        : to('applied', 25, null, looks)
    }
    case 'not_shown':
      return notShown(standing.applied_ms_ago ?? 0, learned, traits)
    case 'look_failed':
      return to(
        standing.applied_ms_ago === null ? 'in_doubt' : 'applied',
        look_later_ms(standing.applied_ms_ago ?? standing.first_attempt_ms_ago),
        learned.reason,
        standing.looks,
      )
    case 'absent':
      return absent(standing, traits)
  }
}
