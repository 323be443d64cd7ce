/** What the use-cases need of the outside, as types. `store` and `worker` implement them. */
import type { Json, JsonObject } from './json.ts'
import type { Compensation, Counters, Labels } from './decider.ts'
import type { EarlierDoubt, IntentState } from './lifecycle.ts'
import type { Traits } from './provider.ts'

// ---- deciding

export interface ResourceName {
  readonly scope: string
  readonly kind: string
  readonly name: string
}

/** All reads of one decider, ready to be sent in one flight. */
export interface ReadPlan {
  readonly resources: readonly ResourceName[]
  readonly finds: readonly {
    readonly scope: string
    readonly kind: string
    readonly labels: Labels
    /** The pair that is read by index, `''` for all of a kind; the other labels are checked on what it finds. */
    readonly label: string
    readonly value: string
    readonly max: number
  }[]
  readonly counters: readonly { readonly scope: string; readonly metric: string }[]
}

export interface StateRow {
  readonly resource: string
  readonly name: string
  readonly version: number
  readonly assumed: Json
  readonly labels: Labels
}

/** The answers, in the order of the plan. */
export interface Readings {
  readonly states: ReadonlyMap<string, StateRow>
  readonly finds: readonly (readonly StateRow[])[]
  readonly counters: readonly { readonly consumed: number; readonly version: number }[]
}

/** Why an entry is written. */
export type Cause = 'intent' | 'observation' | 'withdrawal' | 'ruling'

export interface Change extends ResourceName {
  readonly verb: string
  readonly state: Json
  /** Null: as before. */
  readonly labels: Labels | null
  /** Null: as before. */
  readonly counters: Counters | null
  /** What must be through before this is applied. */
  readonly needs: readonly ResourceName[]
  readonly initial: 'pending' | 'awaiting_approval'
  /** Why it awaits approval, where that is not the policy for its verb. */
  readonly held_because?: string
  /** Only of the verb `replace`: the deletion of the old one, or the name under which it goes on until then. */
  readonly replace?: {
    readonly first_needs: readonly ResourceName[]
    readonly first_initial: 'pending' | 'awaiting_approval'
    readonly deposed?: string
  }
  /** What a provider's own verb is called with. */
  readonly args?: Json
}

/** Everything that one decision writes. */
export interface WritePlan {
  readonly head: {
    readonly scope: string
    readonly decider: string
    readonly decider_version: number
    readonly actor: string
    readonly reason: string
    readonly input: Json
    readonly tries: number
    readonly saw_at: string
    /** Its intents do not rely on all that was read: see `Decider`. */
    readonly apart?: true
    /** What becomes of it once a part of it was taken back; absent: `keep_going`. */
    readonly compensation?: Compensation
    /** The stale decision that it is decided instead of. */
    readonly instead_of?: string
    /** What `think` came to, in an array of one; absent: it does not think, or that cannot be kept. */
    readonly thought?: readonly Json[]
    /** Of the span in which it is decided; absent: none is recorded. */
    readonly traceparent?: string
  }
  readonly premises: readonly { readonly resource: string; readonly version: number }[]
  readonly predicates: readonly JsonObject[]
  readonly counters: readonly JsonObject[]
  readonly cause: Cause
  readonly changes: readonly Change[]
  /** Generations of desired state that this decision acts on; it fails when one has moved. */
  readonly acted: readonly {
    readonly resource: string
    readonly generation: number
    /** What was seen is wanted from now on; a spec of null: nothing is. */
    readonly adopted?: { readonly spec: Json }
  }[]
}

export interface WrittenEntry {
  readonly id: number
  readonly resource: string
  readonly version: number
}

/** What came of one try at a serializable transaction. */
export type Tried =
  | { readonly type: 'written'; readonly entries: readonly WrittenEntry[] }
  /** Committed without a write: what was read was true. */
  | { readonly type: 'unwritten' }
  /**
   * Somebody else was first. Decide again; with a new id when this one is spent. `grouped`: it went down
   * with the group that it was in, and may have met nobody itself.
   */
  | {
      readonly type: 'conflict'
      readonly sqlstate: string
      readonly id_spent: boolean
      readonly grouped?: boolean
    }
  /** It wants to write names that nobody had named before the transaction. They are now: again. */
  | { readonly type: 'unprepared' }
  /** Its scope, or that of one of its intents, is paused. */
  | { readonly type: 'paused'; readonly reason: string }
  /** The database refuses what was decided, and always will. */
  | {
      readonly type: 'invalid'
      readonly sqlstate: string
      readonly reason: string
      readonly remedy: string
    }

export interface Try {
  readonly id: string
  /** Whose decision it is; what was paused just now shares its transaction with nobody. */
  readonly scope?: string
  readonly plan: ReadPlan
  /** Pure; null: write nothing. */
  readonly decide: (readings: Readings) => WritePlan | null
  /**
   * `grouped`: may share its transaction with others who wait. `in_line`: queues behind those who want the
   * same, before its transaction begins, and locks what it reads.
   */
  readonly company: 'grouped' | 'alone' | 'in_line'
  readonly read_only: boolean
}

export interface ConflictNote {
  readonly scope: string
  readonly decider: string
  readonly decision: string | null
  readonly tries: number
  readonly sqlstate: string
}

export interface DecisionStore {
  readonly once: (attempt: Try) => Promise<Tried>
  /** How many resources of each kind there are, as of now: no part of any decision. */
  readonly countKinds: (
    kinds: readonly Pick<ResourceName, 'scope' | 'kind'>[],
  ) => Promise<readonly number[]>
  readonly noteConflicts: (notes: readonly ConflictNote[]) => Promise<void>
}

// ---- applying

export type Step = 'certify' | 'apply' | 'recover' | 'look_up' | 'poll' | 'confirm' | 'withdraw'

/** Work leased to a worker. */
export interface Lease extends ResourceName {
  readonly entry: number
  readonly epoch: number
  readonly step: Step
  /** Number of the newest attempt; for `apply`, the one just begun. */
  readonly number: number
  readonly idempotency_key: string
  readonly resource: string
  readonly version: number
  readonly decision: string
  readonly verb: string
  readonly state: Json
  readonly before: Json
  readonly counters: Counters
  readonly looks: number
  readonly reason: string | null
  /** Milliseconds since the API answered that it is done; null: it has not. */
  readonly applied_ms_ago: number | null
  /** Milliseconds until the newest attempt's deadline, at the claim; below zero: it was over. */
  readonly deadline_in_ms: number
  /** Milliseconds since the claim was sent: a process may have been stopped in between. */
  readonly age_ms: () => number
  /** Milliseconds since the first attempt began. */
  readonly first_attempt_ms_ago: number
  readonly external_id: string | null
  readonly outputs: JsonObject
  /** For `poll`: what the API accepted with the newest attempt. */
  readonly operation: Json
  /** What a provider's own verb is called with; null: with nothing. */
  readonly args: Json
}

/** What a step found out, to be written in one batch with others. */
export interface StepResult {
  readonly entry: number
  readonly resource: string
  readonly epoch: number
  readonly number: number
  readonly state: IntentState
  /** Null: nobody looks at it again by itself. */
  readonly due_in_ms: number | null
  readonly reason: string | null
  readonly looks: number
  readonly outcome?: 'applied' | 'rejected' | 'in_doubt'
  readonly error_class?: string
  readonly error?: string
  readonly response?: Json
  readonly external_id?: string
  readonly outputs?: JsonObject
  /** What the API calls what it has begun. */
  readonly operation?: Json
  /** Present: what a look showed; `state` null: it is gone. */
  readonly sighting?: {
    readonly state: Json
    readonly condition: 'ready' | 'pending' | 'failed'
    readonly revision?: string
  }
}

export interface ClaimKind {
  readonly kind: string
  readonly slots: number
  readonly timeout_ms: number
  /** Who pays for its calls, `{scope}` in it standing for the scope. Absent: the kind. */
  readonly account?: string
  readonly rate?: NonNullable<Traits['rate']>
}

/** A decision whose intents were taken back before they were attempted: whoever knows its decider decides again. */
export interface StaleDecision {
  readonly decision: string
  readonly scope: string
  readonly decider: string
  readonly actor: string
  readonly input: Json
  /** Why its intents were taken back. */
  readonly why: string
  /** How often it was begun to decide again, this time included. */
  readonly tries: number
}

export interface ApplyLog {
  readonly claim: (worker: number, kinds: readonly ClaimKind[]) => Promise<readonly Lease[]>
  /** Returns the entries that moved: a result under an old lease is refused. */
  readonly settle: (worker: number, results: readonly StepResult[]) => Promise<readonly number[]>
  /** Takes over what dead workers left; returns how much. */
  readonly sweep: () => Promise<number>
  /** Takes back a rejected intent and what relied on it; decisions that go stale with it are noted. */
  readonly withdraw: (lease: Lease) => Promise<void>
  /**
   * Searches the log for a cycle through the lease's decision. True: there is none, its intents may be
   * attempted. Else the decision was taken back, with those that relied on it.
   */
  readonly certify: (lease: Lease) => Promise<boolean>
  /** Stale decisions of these deciders that are due, leased to the worker. */
  readonly claimAgain: (
    worker: number,
    deciders: readonly string[],
    max: number,
  ) => Promise<readonly StaleDecision[]>
  /** What came of one, if it wrote no decision; null: to be decided again in so long. */
  readonly endAgain: (
    worker: number,
    decision: string,
    outcome: 'refused' | 'unchanged' | 'invalid' | null,
    due_in_ms: number | null,
  ) => Promise<void>
  readonly release: (resource: string, version: number) => Promise<void>
  /** Of an intent's calls before one of them; null: none of them can have happened. */
  readonly earlierDoubt: (entry: number, number: number) => Promise<EarlierDoubt | null>
  readonly outputsOf: (
    names: readonly ResourceName[],
  ) => Promise<readonly { external_id: string | null; outputs: JsonObject; there: boolean }[]>
}

/** A line for people and machines; never a secret, never a whole state. */
export interface Logger {
  /** What only helps to find out about others' code; not everybody listens to it. */
  readonly debug?: (fields: Record<string, unknown>, message: string) => void
  readonly info: (fields: Record<string, unknown>, message: string) => void
  readonly warn: (fields: Record<string, unknown>, message: string) => void
  readonly error: (fields: Record<string, unknown>, message: string) => void
}
