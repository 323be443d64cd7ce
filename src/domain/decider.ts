/**
 * Deciders: named pure functions from what they read to intents or a refusal. Reads are data, so
 * that they travel in one flight, are recorded as premises, and can be replayed against new code.
 * (Compatible with the Decider pattern of event sourcing: decide, without evolve.)
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Json } from './json.ts'

/** A resource as all deciders assume it to be: last known facts overlaid with every unsettled intent. */
export interface Assumed {
  readonly scope: string
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly state: Json
  readonly labels: Labels
}

export type Labels = { readonly [label: string]: string }
export type Counters = { readonly [metric: string]: number }

/** A read as data. The phantom field carries the answer's type and never exists. */
export type Query<A> = (
  | { readonly type: 'get'; readonly scope?: string; readonly kind: string; readonly name: string }
  | {
      readonly type: 'get_all'
      readonly scope?: string
      readonly kind: string
      readonly names: readonly string[]
      /** What is assumed absent is answered with its version and a state of null. */
      readonly absent?: 'with_version'
    }
  | {
      readonly type: 'find'
      readonly scope?: string
      readonly kind: string
      readonly labels: Labels
      readonly max: number
    }
  | { readonly type: 'counter'; readonly scope?: string; readonly metric: string }
) & { readonly answer?: A }

/** More rows than this would lock too much of everyone else's world: ask narrower, or keep a counter. */
export const find_rows_max = 1_000
export const get_all_names_max = 1_000

const find = (
  kind: string,
  labels: Labels = {},
  options: { readonly scope?: string; readonly max?: number } = {},
): Query<readonly Assumed[]> => ({
  type: 'find',
  kind,
  labels,
  max: options.max ?? find_rows_max,
  ...(options.scope === undefined ? {} : { scope: options.scope }),
})

/** The reads a decider may make. */
export const queries = {
  /** One resource by its name; null: assumed absent, which is a fact like any other. */
  get: (
    kind: string,
    name: string,
    options: { readonly scope?: string } = {},
  ): Query<Assumed | null> => ({ type: 'get', kind, name, ...options }),
  /** Many resources by name, in the order of the names. */
  getAll: (
    kind: string,
    names: readonly string[],
    options: { readonly scope?: string } = {},
  ): Query<readonly (Assumed | null)[]> => ({ type: 'get_all', kind, names, ...options }),
  /** All resources of a kind that carry these labels; without labels, all of the kind. At most `max` rows. */
  find,
  /** What is consumed of a metric now, unsettled intents included. */
  counter: (metric: string, options: { readonly scope?: string } = {}): Query<number> => ({
    type: 'counter',
    metric,
    ...options,
  }),
}
/** The reads that a decider may make: `q` of `read`. */
export type Queries = typeof queries

/** What a decider reads, each under a name of its own. */
export type Reads = { readonly [fact: string]: Query<unknown> }
/** The answers to a decider's reads, under the names that it gave them. */
export type Facts<R extends Reads> = {
  readonly [K in keyof R]: R[K] extends Query<infer A> ? A : never
}

/** What a decider intends for one resource. The version is given when it is recorded. */
export interface IntentDraft {
  readonly type: 'intent'
  readonly scope?: string
  readonly kind: string
  readonly name: string
  readonly verb: string
  /** Assumed state afterwards; null: assumed absent. */
  readonly state: Json
  /** Undefined: left as they are. */
  readonly labels?: Labels
  /** What the resource consumes of each metric from now on. Undefined: as before. */
  readonly counters?: Counters
  /** `KIND/NAME` of resources whose unsettled intents must be through before this one is applied. */
  readonly needs?: readonly string[]
  /** Of a provider's own verb: what it is called with. */
  readonly args?: Json
  /** Only of the verb `replace`, which is foreword's own. */
  readonly replace?: Replacing
}

/** How a resource is replaced. */
export interface Replacing {
  /** What must be through before the old one is deleted. */
  readonly first_needs: readonly string[]
  /** The new one is made first: the old one goes on under this name until it is deleted. */
  readonly deposed?: string
}

/** What an intent says besides its state: labels, counters, and what it needs. */
export interface IntentOptions {
  readonly scope?: string
  readonly labels?: Labels
  readonly counters?: Counters
  readonly needs?: readonly string[]
  /** Of a provider's own verb only: what it is called with. */
  readonly args?: Json
}

/** A decider's no, and why; nothing is written. */
export interface Refusal {
  readonly reason: string
}

const draft =
  (verb: string) =>
  (kind: string, name: string, state: Json, options: IntentOptions = {}): IntentDraft => ({
    type: 'intent',
    kind,
    name,
    verb,
    state,
    ...options,
  })

/** Intend that a resource, assumed absent, shall be. */
export const create = draft('create')
/** Intend that a resource, assumed present, shall have this state. */
export const update = draft('update')
/** Intend that a resource, assumed present, shall be no more. */
export const remove = (
  kind: string,
  name: string,
  options: Pick<IntentOptions, 'scope' | 'needs'> = {},
): IntentDraft => ({ type: 'intent', kind, name, verb: 'delete', state: null, ...options })
/**
 * Intend an action, one of the provider's own verbs (reboot, rotate), on what has been read. Its state stays as
 * it is assumed; it gets a new version all the same, and whoever relied on the old one decides again.
 */
export const act = (
  kind: string,
  name: string,
  verb: string,
  args: Json = null,
  options: IntentOptions = {},
): Omit<IntentDraft, 'state'> & { readonly state: never } => ({
  ...draft(verb)(kind, name, null, options),
  state: undefined as never,
  ...(args === null ? {} : { args }),
})
/** Intend one of the provider's own verbs that changes the state too; `state` is what is assumed afterwards. */
export const call = (
  kind: string,
  name: string,
  verb: string,
  state: Json,
  options: IntentOptions = {},
): IntentDraft => draft(verb)(kind, name, state, options)
/** Decide against it. Nothing is written, and the transaction commits, so that what was read was true. */
export const refuse = (reason: string): E.Either<Refusal, never> => E.left({ reason })

/** What `decide` may return. No intents at all: nothing is to be done, and nothing is written. */
export type Verdict =
  E.Either<Refusal, IntentDraft | readonly IntentDraft[]> | IntentDraft | readonly IntentDraft[]

/** What `decide` is given besides its facts and its input: the clock, and what was thought. */
export interface DecideContext<Thought = undefined> {
  readonly scope: string
  /** The clock of the decision, recorded with it. A decider has no other. */
  readonly now: Date
  /** What `think` came to, on just these facts. */
  readonly thought: Thought
}

/**
 * What becomes of a decision once one of its intents was rejected, or taken back with what it relied on.
 * - `keep_going`: its other intents are carried out all the same.
 * - `halt`: those not yet begun are taken back too.
 * - `all_or_compensate`: that, and what was begun is undone by intents that foreword decides at once, in
 *   reverse order.
 */
export const compensations = ['keep_going', 'halt', 'all_or_compensate'] as const
/** What becomes of the other intents of a decision once one of them is taken back. */
export type Compensation = (typeof compensations)[number]

/** A named function from what it reads to intents or a refusal; made by `defineDecider`. */
export interface Decider<R extends Reads = Reads, Input = unknown, Thought = undefined> {
  readonly name: string
  readonly version: number
  /**
   * Each of its intents relies on its own resource and on what it `needs`, and on nothing else that was read:
   * one that cannot be carried out yet then holds up none of the others. What was counted or found still counts
   * for all of them.
   */
  readonly apart?: boolean
  /** Default: `keep_going`. */
  readonly compensation?: Compensation
  readonly read: (q: Queries, input: Input) => R
  /**
   * For what is slow or not pure (prices, a model): runs outside of any transaction, on a snapshot of the
   * facts, before `decide`; again when they have moved meanwhile. It may take its time, and must not act.
   */
  readonly think?: (
    facts: Facts<R>,
    input: Input,
    context: Omit<DecideContext, 'thought'>,
  ) => Promise<Thought>
  /** Pure and synchronous: it may run many times, and again years later in a replay. */
  readonly decide: (facts: Facts<R>, input: Input, context: DecideContext<Thought>) => Verdict
}

/** Any decider, its types forgotten: how a registry holds it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Input is contravariant; a registry only holds deciders, `decide` is called with the input's own type.
export type AnyDecider = Decider<any, any, any>

/** Declares a decider; the types of its facts follow from its reads. */
export const defineDecider = <R extends Reads, Input = undefined, Thought = undefined>(
  decider: Decider<R, Input, Thought>,
): Decider<R, Input, Thought> => decider

const isDraft = (value: unknown): value is IntentDraft =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  value.type === 'intent' &&
  ['kind', 'name', 'verb'].every((k) => k in value && typeof value[k as never] === 'string')

/** One shape out of the several that `decide` may return; null: it returned something else. */
export const verdictOf = (verdict: unknown): E.Either<Refusal, readonly IntentDraft[]> | null => {
  if (typeof verdict !== 'object' || verdict === null) return null
  if ('_tag' in verdict) {
    const either = verdict as E.Either<Partial<Refusal> | undefined, unknown>
    if (E.isRight(either)) return verdictOf(either.right)
    const reason = either.left?.reason
    return typeof reason === 'string' ? E.left({ reason }) : null
  }
  // A copy has no holes, which `every` would pass over.
  const drafts = Array.isArray(verdict) ? Array.from<unknown>(verdict) : [verdict]
  return drafts.every(isDraft) ? E.right(drafts) : null
}
