/**
 * The words between foreword and one external API. A provider is an adapter for one kind of
 * resource; it never retries, never sleeps, and never guesses: whoever calls it does.
 */
import type * as t from 'io-ts'
import type { Json, JsonObject } from './json.ts'

/** A secret by reference: resolved in the applier when the call is made, never stored or logged. */
export type Secret = { readonly secret: 'env' | 'file'; readonly name: string }

/** Turns a reference into its value at call time; a plain string is returned as it is. */
export type Secrets = (reference: Secret | string) => string

/**
 * How a call whose outcome is unknown may be treated.
 * - `natural`: doing it again has the same effect as doing it once (PUT of a full state).
 * - `token`: the API remembers the idempotency key for `token_valid_ms`; inside it a repeat is safe.
 * - `lookup`: `find` (or `read`) can prove whether it happened, once `settle_ms` has passed.
 * - `none`: nobody can tell; the intent waits for a person.
 */
export type Idempotency = 'natural' | 'token' | 'lookup' | 'none'

/** What a provider promises of its API, and what may be asked of it. */
export interface Traits {
  readonly idempotency: Idempotency
  /** How long the API remembers a token, in milliseconds. Only for `token`. */
  readonly token_valid_ms: number
  /** How long a read may still show the world before a write, in milliseconds. */
  readonly settle_ms: number
  /** Consecutive reads that must agree before one is believed; 0: the answer itself is the proof. */
  readonly sightings: number
  /** After this many milliseconds a call is aborted and its outcome is unknown. */
  readonly call_timeout_ms: number
  /** Calls of this kind that one worker may have open at once. */
  readonly concurrency: number
  /**
   * The account that pays for the calls: rates, pauses and circuits are an account's, shared by all kinds
   * that name it and all workers. `{scope}` in it stands for the scope. Default: the kind.
   */
  readonly account?: string
  /** Calls and looks per second that the account allows, and how many may come at once. */
  readonly rate?: { readonly per_second: number; readonly burst: number }
  /**
   * How long a schedule leaves alone what it has looked at: `min_ms` after something new, and twice as long
   * each time that nothing is, up to `max_ms`. Absent: every run looks at everything.
   */
  readonly look_interval?: { readonly min_ms: number; readonly max_ms: number }
  /** How long an operation that was accepted, or a resource that is not ready, may take before a person is asked. */
  readonly operation_timeout_ms?: number
  /**
   * Of the provider's own verbs, those whose unknown outcome may be treated otherwise than `none`, or than a token
   * or a look-up by `find` would let it: a state is reached twice as well as once, a reboot is not.
   */
  readonly verbs?: { readonly [verb: string]: Idempotency }
}

/** The verbs that reach a state. All others are a provider's own: actions. */
export const isStateVerb = (verb: string): boolean =>
  verb === 'create' || verb === 'update' || verb === 'delete'

/**
 * The traits of one verb. An action is never repeated because a state would be, and no look at a state tells
 * whether it happened: only a token, or a look-up by the key that it left.
 */
export const traitsOf = (
  { traits, find }: { readonly traits: Traits; readonly find?: unknown },
  verb: string,
): Traits => {
  if (isStateVerb(verb)) return traits
  const { verbs = {} } = traits
  const declared = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (declared !== undefined) return { ...traits, idempotency: declared }
  const { idempotency } = traits
  const tells = idempotency === 'token' || (idempotency === 'lookup' && find !== undefined)
  return tells ? traits : { ...traits, idempotency: 'none' }
}

/** The traits of a provider that says nothing: the careful ones. */
export const defaultTraits: Traits = {
  idempotency: 'none',
  token_valid_ms: 0,
  settle_ms: 0,
  sightings: 1,
  call_timeout_ms: 30_000,
  concurrency: 16,
}

/** What every call and every look is given. */
export interface Look {
  readonly scope: string
  readonly name: string
  /** The API's own id, as an earlier call or look returned it. */
  readonly external_id: string | null
  /** What the API returned besides the state: addresses, ids of parts, URLs. */
  readonly outputs: JsonObject
  readonly signal: AbortSignal
  readonly secrets: Secrets
}

/** One external effect to be made, complete: the applier and the provider have no choice left. */
export interface Call<Spec = unknown> extends Look {
  readonly verb: string
  /** The state that shall be, references resolved and decoded by the kind's codec. For a delete: the last known one. */
  readonly spec: Spec
  /** Of an own verb: what it is called with, as the decider said. Null or absent: with nothing. */
  readonly args?: Json
  /** The assumed state before this intent; null where it was absent. */
  readonly before: Json
  /** The same on every attempt of one intent; leave it in the effect where a look-up can find it. */
  readonly idempotency_key: string
  /** The resource's version that this intent makes; grows by one each time. */
  readonly generation: number
  /** The worker's clock now, not the decision's. */
  readonly now: Date
}

/** What a provider saw. `state` is shaped like the spec, so that drift can be told path by path. */
export interface Sighting {
  readonly state: Json
  readonly external_id?: string
  readonly outputs?: JsonObject
  /** The API's own version of what was seen (ETag, serial, generation). */
  readonly revision?: string
  /** `pending`: there, but not usable yet (BUILD); `failed`: there, and broken for good. Default `ready`. */
  readonly condition?: 'ready' | 'pending' | 'failed'
}

/** A sighting in a list of a whole kind. */
export interface Listed extends Sighting {
  readonly name: string
  /** The page that it stands on, where a list can begin at one: should the next page fail, the list goes on there. */
  readonly page?: string
}

/** What a list is given. */
export interface ListLook extends Omit<Look, 'name' | 'external_id' | 'outputs'> {
  /** Begin at this page: the `page` of something listed before. */
  readonly from?: string
  /** To be awaited before each page but the first: resolves when the account has a call to give. */
  readonly turn?: () => Promise<void>
}

/** What a call came to, as far as its provider knows; what it does not know it throws. */
export type Outcome =
  | {
      readonly type: 'applied'
      readonly state: Json
      readonly external_id?: string
      readonly outputs?: JsonObject
      /** It was done, by an earlier try, and what it made is gone since: so a replayed token may answer. */
      readonly gone?: boolean
    }
  | {
      /** It certainly did not happen. */
      readonly type: 'rejected'
      readonly reason: string
      /** Present: worth another try after that many milliseconds (429, or never sent). Absent: final. */
      readonly retry_after_ms?: number
      /** It asks that nothing at all be sent on this account for so long (429). */
      readonly throttled?: boolean
    }
  | {
      /** It was taken on, and is not done: `poll` is asked about the operation until it ends. */
      readonly type: 'accepted'
      /** What the API calls it: kept with the attempt, and given to `poll`. */
      readonly operation: Json
      readonly external_id?: string
      readonly outputs?: JsonObject
      readonly poll_after_ms?: number
    }
  | {
      /** It is over, and nobody can tell what it left: an operation that failed half-way. */
      readonly type: 'unknown'
      readonly reason: string
    }

/** The effect happened, and the API said so. With `gone`: it was done once, and nothing is there any more. */
export const applied = (
  state: Json,
  extra: {
    readonly external_id?: string
    readonly outputs?: JsonObject
    readonly gone?: boolean
  } = {},
): Outcome => ({ type: 'applied', state, ...extra })

/** The effect certainly did not happen. With `retry_after_ms` it is tried again, without it is final. */
export const rejected = (
  reason: string,
  extra: { readonly retry_after_ms?: number; readonly throttled?: boolean } = {},
): Outcome => ({ type: 'rejected', reason, ...extra })

/** The API has taken it on and is at it: from now on `poll` is asked, and no slot is held meanwhile. */
export const accepted = (
  operation: Json,
  extra: {
    readonly external_id?: string
    readonly outputs?: JsonObject
    readonly poll_after_ms?: number
  } = {},
): Outcome => ({ type: 'accepted', operation, ...extra })

/** It has ended, and nobody can tell what it left. To be returned by `poll`: what is thrown there is asked again. */
export const unknown = (reason: string): Outcome => ({ type: 'unknown', reason })

/** Throw this when the request certainly never left: connection refused, name not resolved. */
export class NotSent extends Error {
  override readonly name = 'NotSent'
}

/**
 * Throw this where nobody can tell what came of it, and the API asks that nothing be sent on this account
 * for so long: a look that is answered 429, a write that is answered 503 with Retry-After.
 */
export class Throttled extends Error {
  override readonly name = 'Throttled'
  readonly retry_after_ms: number

  constructor(reason: string, retry_after_ms: number) {
    super(reason)
    this.retry_after_ms = retry_after_ms
  }
}

/** Wraps the reason why a request certainly never left this machine. Anything else that is thrown is unknown. */
export const notSent = (reason: string, cause?: unknown): NotSent => new NotSent(reason, { cause })

/** Adapter for one kind of external resource. */
export interface Provider<Spec = unknown, State = unknown> {
  readonly kind: string
  /** Codec of the desired and assumed state. */
  readonly spec: t.Type<Spec, Json>
  /** Codec of what `read` returns. */
  readonly state: t.Type<State, Json>
  readonly traits: Traits
  /**
   * Whether two of one name may be there at once. `free`: they are told apart by their external ids, and the name
   * is only foreword's: a replacement may be made before the old one goes, and a resource be renamed. Default:
   * `unique`.
   */
  readonly names?: 'free' | 'unique'
  /** Path patterns that no update can change: a change there needs a new one. */
  readonly immutable?: readonly string[]
  create(call: Call<Spec>): Promise<Outcome>
  update(call: Call<Spec>): Promise<Outcome>
  delete(call: Call<Spec>): Promise<Outcome>
  /** What the API shows now; null: it says that there is none. Throws where it cannot tell. */
  read(look: Look): Promise<Sighting | null>
  /** What the call with this idempotency key left behind; null: nothing found. Only where the API can tell. */
  find?(call: Call<Spec>): Promise<Sighting | null>
  /** Whether the effect of this call shows where it must be seen (a secondary, say). Default: compare `read`. */
  confirm?(call: Call<Spec>): Promise<'shown' | 'not_yet'>
  /**
   * How it stands with an operation that a call was answered with: `accepted` again while the API is at it, else
   * what came of it. Throws where it cannot tell now.
   */
  poll?(call: Call<Spec> & { readonly operation: Json }): Promise<Outcome>
  /** All of the kind in a scope, page after page. */
  list?(look: ListLook): AsyncIterable<Listed>
  /** Actions that are not states: reboot, rotate. The key is the verb. */
  readonly calls?: { readonly [verb: string]: (call: Call<Spec>) => Promise<Outcome> }
}

/** Any provider, its types forgotten: how a registry holds it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Spec is contravariant in `create`; a registry decodes by `spec` before it calls.
export type AnyProvider = Provider<any, any>
