/** One step of one leased intent: the call, or the look, and what was learned from it. */
import * as E from 'fp-ts/lib/Either.js'
import { diffPaths } from '../domain/diff.ts'
import type { Json } from '../domain/json.ts'
import { tokenHolds, type Learned } from '../domain/lifecycle.ts'
import type { Lease, StepResult } from '../domain/ports.ts'
import {
  isStateVerb,
  NotSent,
  traitsOf,
  type AnyProvider,
  type Call,
  type Outcome,
  type Sighting,
} from '../domain/provider.ts'
import { within } from '../domain/within.ts'
import { callOf, messageOf, specOf, type StepDeps } from './call.ts'
import {
  answered,
  doubtful,
  identity,
  refused,
  resultOf,
  sightingOf,
  unsent,
  untilItEnds,
  type Extra,
} from './learned.ts'

const perform = (provider: AnyProvider, call: Call): Promise<Outcome> => {
  switch (call.verb) {
    case 'create':
      return provider.create(call)
    case 'update':
      return provider.update(call)
    case 'delete':
      return provider.delete(call)
    default: {
      const { calls = {} } = provider
      const verb = Object.hasOwn(calls, call.verb) ? calls[call.verb] : undefined
      return verb === undefined
        ? Promise.resolve({ type: 'rejected', reason: `the provider has no verb ${call.verb}` })
        : verb(call)
    }
  }
}

const errorClass = (error: unknown): string => {
  if (error instanceof NotSent) return 'not_sent'
  return error instanceof Error && error.name === 'Timeout' ? 'timeout' : 'unknown'
}

/**
 * Whether it may not be called again after all. Asked when it is about to be: since it was decided to, the intent may
 * have waited for a worker, which may know its provider by other traits, or its account for calls to spend.
 */
const unrepeatable = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<{ readonly learned: Learned; readonly error: string } | null> => {
  const traits = traitsOf(provider, lease.verb)
  const over =
    traits.idempotency === 'token' &&
    !tokenHolds(lease.first_attempt_ms_ago + lease.age_ms(), traits)
  if (lease.number === 1 || !(over || traits.idempotency === 'none')) return null
  if ((await deps.log.earlierDoubt(lease.entry, lease.number)) !== 'open') return null
  return over
    ? {
        learned: { type: 'token_expired' },
        error: 'its idempotency token may be forgotten by now',
      }
    : { learned: { type: 'not_repeatable' }, error: 'an earlier call may have happened' }
}

/** The external call. Nothing of ours is locked or open meanwhile. */
export const apply = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<StepResult> => {
  const not_again = await unrepeatable(deps, provider, lease)
  if (not_again !== null) {
    const { learned, error } = not_again
    const extra: Extra = { outcome: 'rejected', error_class: 'not_sent', error }
    return resultOf(lease, learned, provider, extra)
  }
  const spec = await specOf(deps, provider, lease)
  if (E.isLeft(spec)) {
    const { type, reason } = spec.left
    return type === 'rejected'
      ? await refused(deps, provider, lease, reason)
      : unsent(lease, provider, reason)
  }
  const left_ms = lease.deadline_in_ms - lease.age_ms()
  // Whoever was stopped for that long may have been taken over, and the call been made by another worker.
  if (left_ms <= 0) return unsent(lease, provider, 'its deadline had passed before it was sent')
  const began = performance.now()
  try {
    const outcome = await within(Math.min(provider.traits.call_timeout_ms, left_ms), (signal) =>
      perform(provider, callOf(deps, lease, spec.right.spec, signal)),
    )
    return await answered(deps, provider, lease, outcome)
  } catch (error) {
    const reason = messageOf(error)
    const error_class = errorClass(error)
    if (error_class === 'not_sent') return unsent(lease, provider, reason)
    return doubtful(lease, provider, reason, error_class, performance.now() - began)
  }
}

/** Whether a sighting is what the intent was to bring about. */
const shows = (lease: Lease, state: Json, sighting: Sighting | null): boolean => {
  if (lease.verb === 'delete') return sighting === null
  if (sighting === null || (sighting.condition ?? 'ready') !== 'ready') return false
  return diffPaths(state, sighting.state).length === 0
}

/**
 * Whether what a look-up found may be what an unknown call has left. Half built, or broken, it is there all the same:
 * it proves no absence, and to create it again would make two.
 */
const isLeft = (
  provider: AnyProvider,
  lease: Lease,
  state: Json,
  sighting: Sighting | null,
): boolean => {
  if (sighting === null || lease.verb === 'delete') return shows(lease, state, sighting)
  if (diffPaths(state, sighting.state).length === 0) return true
  // Of a ready one that is another, the API of names that are unique says so itself when it is asked again.
  const is_ready = (sighting.condition ?? 'ready') === 'ready'
  return lease.verb === 'create' && (!is_ready || provider.names === 'free')
}

/** A look that cannot even be begun: what it would be compared with is not to be had. */
const unlooked = (learned: Learned): Learned => ({
  type: 'look_failed',
  reason: `nothing to look for: ${'reason' in learned ? learned.reason : ''}`,
})

/** Asks how it stands with what the API accepted. What cannot be asked now is asked again. */
export const poll = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<StepResult> => {
  const failed = (reason: string): StepResult =>
    untilItEnds(resultOf(lease, { type: 'poll_failed', reason }, provider))
  if (provider.poll === undefined) return failed('the provider cannot poll')
  const polling = provider.poll.bind(provider)
  try {
    const spec = await specOf(deps, provider, lease)
    if (E.isLeft(spec)) return failed(spec.left.reason)
    const outcome = await within(provider.traits.call_timeout_ms, (signal) =>
      polling({
        ...callOf(deps, lease, spec.right.spec, signal),
        operation: lease.operation,
      }),
    )
    return await answered(deps, provider, lease, outcome)
  } catch (error) {
    return failed(messageOf(error))
  }
}

/** Looks whether the effect shows where it must be seen. */
export const confirm = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<StepResult> => {
  if (provider.traits.sightings === 0) {
    // An answer needs no look here; this was no answer but a ruling. What a deletion left is nothing.
    const extra = lease.verb === 'delete' ? sightingOf(null) : {}
    return resultOf(lease, { type: 'found' }, provider, extra)
  }
  try {
    const spec = await specOf(deps, provider, lease)
    if (E.isLeft(spec)) return resultOf(lease, unlooked(spec.left), provider)
    const { sighting, elsewhere } = await within(
      provider.traits.call_timeout_ms,
      async (signal) => {
        const call = callOf(deps, lease, spec.right.spec, signal)
        const seen = await provider.read(call)
        const asked = (await provider.confirm?.(call)) ?? 'shown'
        return { sighting: seen, elsewhere: asked }
      },
    )
    const shown =
      elsewhere === 'shown' &&
      (!isStateVerb(lease.verb) || shows(lease, spec.right.state, sighting))
    if (!shown) {
      const { condition } = sighting ?? {}
      const failed = condition === 'failed' && lease.verb !== 'delete' && isStateVerb(lease.verb)
      const learned: Learned = { type: 'not_shown', pending: condition === 'pending', failed }
      // Who is asked sees what is there.
      return resultOf(lease, learned, provider, failed ? sightingOf(sighting) : {})
    }
    return resultOf(lease, { type: 'shown' }, provider, sightingOf(sighting))
  } catch (error) {
    return resultOf(lease, { type: 'look_failed', reason: messageOf(error) }, provider)
  }
}

/** What is there, for the person who must rule; nothing where that cannot be told. */
const evidence = async (deps: StepDeps, provider: AnyProvider, lease: Lease): Promise<Extra> => {
  try {
    const sighting = await within(provider.traits.call_timeout_ms, (signal) =>
      provider.read(callOf(deps, lease, lease.state, signal)),
    )
    return sightingOf(sighting)
  } catch {
    return {}
  }
}

/** Looks for what a call of unknown outcome left behind. */
export const lookUp = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<StepResult> => {
  const reason = lease.reason ?? 'its outcome is unknown'
  if (traitsOf(provider, lease.verb).idempotency !== 'lookup') {
    const result = resultOf(lease, { type: 'doubted', reason }, provider)
    return result.due_in_ms === null
      ? { ...result, ...(await evidence(deps, provider, lease)) }
      : result
  }
  try {
    const spec = await specOf(deps, provider, lease)
    if (E.isLeft(spec)) return resultOf(lease, unlooked(spec.left), provider)
    const sighting = await within(provider.traits.call_timeout_ms, (signal) => {
      const call = callOf(deps, lease, spec.right.spec, signal)
      return provider.find !== undefined && lease.verb !== 'delete'
        ? provider.find(call)
        : provider.read(call)
    })
    const found =
      provider.find !== undefined && lease.verb !== 'delete'
        ? sighting !== null
        : isLeft(provider, lease, spec.right.state, sighting)
    return found
      ? resultOf(lease, { type: 'found' }, provider, sighting === null ? {} : identity(sighting))
      : resultOf(lease, { type: 'absent' }, provider)
  } catch (error) {
    return resultOf(lease, { type: 'look_failed', reason: messageOf(error) }, provider)
  }
}

/** A lease that ran out under a worker that lives: the call must be taken for lost. */
export const recover = (provider: AnyProvider, lease: Lease): StepResult =>
  resultOf(lease, { type: 'doubted', reason: 'its lease ran out' }, provider, {
    outcome: 'in_doubt',
    error_class: 'lease_lost',
    error: 'its lease ran out',
  })

/** No cycle leads through its decision: the next claim may attempt it. */
export const certified = (provider: AnyProvider, lease: Lease): StepResult =>
  resultOf(lease, { type: 'certified' }, provider)
