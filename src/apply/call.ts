/** What a provider is given: the call made complete, bounded in time, its secrets by reference. */
import * as E from 'fp-ts/lib/Either.js'
import type { Errors } from 'io-ts'
import { formatErrors } from '../domain/codec/codec.ts'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import type { Json } from '../domain/json.ts'
import type { Learned } from '../domain/lifecycle.ts'
import type { ApplyLog, Lease } from '../domain/ports.ts'
import {
  notSent,
  type AnyProvider,
  type Call,
  type Look,
  type Secrets,
} from '../domain/provider.ts'
import {
  parseResourceKey,
  referencesOf,
  resolveReferences,
  resourceKey,
} from '../domain/reference.ts'
import { brief } from '../domain/storable.ts'

export interface StepDeps {
  readonly log: Pick<ApplyLog, 'outputsOf' | 'earlierDoubt'>
  readonly secrets: Secrets
  readonly now: () => Date
}

/** What was thrown, by whomever: it need not be an Error, nor its message a text. Secrets go before it is cut. */
export const messageOf = (error: unknown): string => {
  try {
    return brief(withoutSecrets(String(error instanceof Error ? error.message : error)))
  } catch {
    return 'something was thrown that has no text'
  }
}

/** The state to be sent, with what other resources turned out to have. Left: what is not there yet. */
const resolved = async (
  deps: StepDeps,
  lease: Lease,
  state: Json,
): Promise<E.Either<string, Json>> => {
  const keys = [...new Set(referencesOf(state).map(resourceKey))]
  if (keys.length === 0) return E.right(state)
  const names = keys.map((key) => ({ scope: lease.scope, ...parseResourceKey(key) }))
  const found = await deps.log.outputsOf(names)
  const byKey = new Map(keys.map((key, i) => [key, found[i]]))
  return E.mapLeft((missing: readonly { readonly reason: string }[]) =>
    missing.map((m) => m.reason).join(', '),
  )(
    resolveReferences(state, (kind, name) => {
      const at = byKey.get(resourceKey({ kind, name }))
      return at?.there === true ? at : undefined
    }),
  )
}

/** A secret that cannot be had is a call that was never sent, not one whose outcome is unknown. */
const beforeSending =
  (secrets: Secrets): Secrets =>
  (reference) => {
    try {
      return secrets(reference)
    } catch (error) {
      throw notSent(messageOf(error), error)
    }
  }

const lookOf = (deps: StepDeps, lease: Lease, signal: AbortSignal): Look => ({
  scope: lease.scope,
  name: lease.name,
  external_id: lease.external_id,
  outputs: lease.outputs,
  signal,
  secrets: beforeSending(deps.secrets),
})

/** The call as the provider gets it; for a delete the last known state stands in for the spec. */
export const callOf = (deps: StepDeps, lease: Lease, spec: unknown, signal: AbortSignal): Call => ({
  ...lookOf(deps, lease, signal),
  verb: lease.verb,
  spec,
  before: lease.before,
  args: lease.args,
  idempotency_key: lease.idempotency_key,
  generation: lease.version,
  now: deps.now(),
})

type Uncallable = Extract<Learned, { readonly type: 'rejected' | 'not_sent' }>

/** Null: the codec itself broke, which is a bug of it and says nothing of the spec. */
const decoded = (provider: AnyProvider, state: Json): E.Either<Errors, unknown> | null => {
  try {
    return provider.spec.decode(state)
  } catch {
    return null
  }
}

/** The spec of a lease, resolved and decoded. Left: what is to be learned instead of calling. */
export const specOf = async (
  deps: StepDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<E.Either<Uncallable, { readonly spec: unknown; readonly state: Json }>> => {
  const raw = lease.verb === 'delete' ? lease.before : lease.state
  const state = await resolved(deps, lease, raw)
  if (E.isLeft(state)) {
    if (lease.verb === 'delete') return E.right({ spec: raw, state: raw })
    return E.left({ type: 'not_sent', reason: state.left })
  }
  const spec = decoded(provider, state.right)
  if (spec === null) {
    return E.left({ type: 'not_sent', reason: 'the codec of its spec throws instead of deciding' })
  }
  if (E.isRight(spec)) return E.right({ spec: spec.right, state: state.right })
  if (lease.verb === 'delete') return E.right({ spec: state.right, state: state.right })
  const problem = formatErrors(spec.left)[0]
  return E.left({ type: 'rejected', reason: `${problem?.path ?? ''}: ${problem?.message ?? ''}` })
}
