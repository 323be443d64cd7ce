/** What the page tells of one resource, intent or decision, and of what waits; and what a person may say to it. */
import type { Json, JsonObject } from './json.ts'
import type {
  HealthRow,
  IntentRow,
  Overview,
  ResourceRow,
  ScheduleRow,
  WorkerRow,
} from './web-ports.ts'

export interface ResourceKey {
  readonly scope: string
  readonly kind: string
  readonly name: string
}

/** What a person remembers of a resource; '' is anything. */
export interface Search extends ResourceKey {
  readonly label: string
  readonly value: string
  readonly condition: string
  /** The last key of the page before. */
  readonly after: ResourceKey | null
}

export interface FoundRow extends ResourceRow {
  readonly in_sync: boolean
}

export interface Found {
  readonly taken_at: Date
  readonly rows: readonly FoundRow[]
  /** Where the next page goes on. */
  readonly next: ResourceKey | null
  /** The search ended before it was through: nothing more was found up to `next`. */
  readonly tired: boolean
  /** Scopes and kinds that there are, a few hundred at most. */
  readonly scopes: readonly string[]
  readonly kinds: readonly string[]
}

export interface ResourceDetail extends FoundRow {
  readonly desired: Json
  readonly assumed: Json
  readonly observed: Json
  readonly observed_at: Date | null
  readonly external_id: string | null
  readonly outputs: JsonObject
}

export interface EntryRow extends ResourceKey {
  readonly id: number
  readonly version: number
  readonly cause: string
  readonly verb: string
  readonly state: string
  readonly reason: string | null
  readonly decision_id: string
  readonly recorded_at: Date
  readonly applied_at: Date | null
  readonly settled_at: Date | null
  readonly state_after: Json
  readonly decider: string
  readonly decider_version: number
  readonly actor: string
  readonly decided_because: string
}

export interface AttemptRow {
  readonly intent_id: number
  readonly number: number
  readonly started_at: Date
  readonly ended_at: Date | null
  readonly deadline_at: Date
  readonly outcome: string | null
  readonly error_class: string | null
  readonly error: string | null
  readonly response: Json
  readonly idempotency_key: string
  readonly worker: number
  readonly external_id: string | null
}

export interface RulingRow {
  readonly id: number
  readonly intent_id: number
  readonly ruling: string
  readonly by: string
  readonly note: string
  readonly at: Date
  readonly state_before: string
  readonly external_id: string | null
}

export interface DriftRow {
  readonly path: string
  readonly assumed: Json
  readonly observed: Json
  readonly since: Date
  readonly resolved_at: Date | null
}

/** One intent waits for another, each with its resource. */
export interface WaitRow {
  readonly intent: IntentRow
  readonly waits_for: IntentRow
  readonly why: string
}

export interface ResourceStory {
  readonly taken_at: Date
  readonly resource: ResourceDetail
  /** The newest, newest first. */
  readonly entries: readonly EntryRow[]
  readonly attempts: readonly AttemptRow[]
  readonly rulings: readonly RulingRow[]
  readonly drifts: readonly DriftRow[]
  readonly waits: readonly WaitRow[]
}

export interface DoubtRow extends ResourceKey {
  readonly intent_id: number
  readonly verb: string
  readonly since: Date | null
  readonly question: string
  readonly sent: JsonObject
  readonly answered: string | null
  readonly lookup: JsonObject
  readonly blocks: number
  readonly waits_for_a_person: boolean
  readonly reason: string | null
  /** Calls begun: a ruling speaks of these. */
  readonly attempts: number
}

export interface ApprovalRow extends ResourceKey {
  readonly intent_id: number
  readonly verb: string
  readonly since: Date
  readonly state_before: Json
  readonly state_after: Json
  readonly decision_id: string
  readonly decider: string
  readonly actor: string
  readonly decided_because: string
  readonly attempts: number
}

/** All that waits for a person, the oldest first, so many at most. */
export interface Parked {
  readonly taken_at: Date
  readonly doubts: readonly DoubtRow[]
  readonly approvals: readonly ApprovalRow[]
  readonly rulings: readonly (RulingRow & ResourceKey & { readonly verb: string })[]
  readonly doubts_left: number
  readonly approvals_left: number
}

export interface IntentStory {
  readonly taken_at: Date
  readonly intent: EntryRow & { readonly due_at: Date | null; readonly worker: number | null }
  readonly state_before: Json
  readonly attempts: readonly AttemptRow[]
  readonly rulings: readonly RulingRow[]
  readonly waits: readonly WaitRow[]
  readonly doubt: DoubtRow | null
}

export interface PremiseRow {
  readonly scope: string
  readonly kind: string | null
  readonly name: string | null
  readonly version: number | null
  readonly predicate: string | null
  readonly holds: boolean | null
}

export interface DecisionRow {
  readonly id: string
  readonly scope: string
  readonly decider: string
  readonly decider_version: number
  readonly actor: string
  readonly reason: string
  readonly decided_at: Date
  readonly intents: number
  readonly premises: number
  readonly tries: number
  readonly certified: boolean
  readonly input: Json
  readonly compensation: string
  readonly decided_again: string | null
  readonly instead_of: string | null
}

export interface DecisionStory {
  readonly taken_at: Date
  readonly decision: DecisionRow
  readonly premises: readonly PremiseRow[]
  readonly intents: readonly IntentRow[]
}

export interface BudgetRow {
  readonly account: string
  readonly kinds: readonly string[]
  readonly scope: string | null
  readonly per_second: number | null
  readonly burst: number | null
  readonly tokens: number | null
  readonly health: string
  readonly until: Date | null
  readonly reason: string | null
}

export interface PausedScope {
  readonly scope: string
  readonly by: string | null
  readonly note: string | null
  readonly since: Date | null
  readonly waiting: number
}

export interface Machinery {
  readonly taken_at: Date
  readonly workers: readonly (WorkerRow & { readonly stopped_at: Date | null })[]
  readonly schedules: readonly ScheduleRow[]
  readonly budgets: readonly BudgetRow[]
  readonly paused: readonly PausedScope[]
}

/** Unsettled intents and what they wait for; those beyond the first few hundred are only counted. */
export interface WaitGraph {
  readonly taken_at: Date
  readonly nodes: readonly IntentRow[]
  readonly edges: readonly { readonly from: number; readonly to: number; readonly why: string }[]
  readonly open: number
}

/** What a person says to an intent that waits. */
export interface RulingRequest {
  readonly intent: number
  readonly ruling: 'happened' | 'did_not_happen' | 'retry' | 'abandon' | 'approve' | 'cancel'
  readonly by: string
  readonly note: string
  readonly external_id: string | null
  /** How many calls the person knew of. */
  readonly attempts: number
}

export type RulingResult =
  | { readonly type: 'ruled'; readonly state: string }
  /** By the database, in its words; nothing was changed. */
  | { readonly type: 'refused'; readonly why: string; readonly remedy: string }

/** All reject when the database does not answer, or takes too long; null: there is none. */
export interface WebReads {
  readonly health: () => Promise<HealthRow>
  readonly overview: () => Promise<Overview>
  readonly search: (search: Search) => Promise<Found>
  readonly resource: (key: ResourceKey) => Promise<ResourceStory | null>
  readonly intent: (id: number) => Promise<IntentStory | null>
  readonly decision: (id: string) => Promise<DecisionStory | null>
  readonly parked: () => Promise<Parked>
  readonly machinery: () => Promise<Machinery>
  readonly waiting: () => Promise<WaitGraph>
}

/** The one thing that the page changes. */
export interface WebRulings {
  readonly rule: (request: RulingRequest) => Promise<RulingResult>
}
