/** What reconciling needs of the store, as types. `store` implements them. */
import type { Json, JsonObject } from './json.ts'
import type { Counters, Labels } from './decider.ts'
import type { Difference } from './diff.ts'
import type { ResourceName } from './ports.ts'
import type { WantedLifecycle } from './wanted-lifecycle.ts'

export interface DesiredRow extends ResourceName {
  readonly resource: string
  readonly stack: string
  /** Null: wanted absent. */
  readonly spec: Json
  readonly labels: Labels
  readonly counters: Counters
  readonly needs: readonly string[]
  readonly lifecycle?: WantedLifecycle
  readonly generation: number
}

/** What deciders assume of a resource. */
export interface Held {
  readonly version: number
  /** Null: absent. */
  readonly state: Json
  readonly labels: Labels
  readonly counters: Counters
}

/** What was last seen of a resource, and whether anything is under way with it. */
export interface Seen {
  readonly observed: Json
  readonly external_id: string | null
  readonly outputs: JsonObject
  readonly open: boolean
}

/** A resource that is assumed to be there, as it was when a look at it may begin. */
export interface Watched extends ResourceName {
  readonly resource: string
  readonly version: number
  readonly assumed: Json
  readonly labels: Labels
  readonly external_id: string | null
  readonly outputs: JsonObject
  /** Nothing is under way, and the last write had settled when the look began. */
  readonly quiet: boolean
  /** The moment from which a look counts, by the database's clock. */
  readonly began_at: string
  /** Path patterns that its owner leaves to others. */
  readonly ignore: readonly string[]
}

export interface LookNote {
  readonly resource: string
  /** The version that was assumed when the look began. */
  readonly version: number
  readonly began_at: string
  readonly observed: Json
  readonly external_id?: string
  readonly outputs?: JsonObject
  readonly revision?: string
  readonly condition?: 'ready' | 'pending' | 'failed'
  /** Bounds of the time until the next look that a schedule takes. Absent: every run looks. */
  readonly interval?: { readonly min_ms: number; readonly max_ms: number }
  readonly paths: readonly Difference[]
}

/** All of one kind in one scope that is assumed to be there. */
export interface Place {
  readonly scope: string
  readonly kind: string
  readonly all: number
  /** Those whose next look has come. */
  readonly due: number
}

export interface WatchFilter {
  readonly scope: string
  readonly kind: string
  readonly settle_ms: number
  readonly limit: number
  /** Names behind this one. */
  readonly after?: string
  /** Not those that have been looked at since. */
  readonly unseen_since?: string
  readonly due_only?: boolean
  readonly names?: readonly string[]
  /** When the looks at them have begun; absent: they begin now. */
  readonly began_at?: string
}

/** A belief that came from a look, of something that nobody wants by a stack, as it was before. */
export interface Believed extends ResourceName {
  readonly resource: string
  /** The version that the belief made. */
  readonly version: number
  readonly before: Json
  readonly labels: Labels
  readonly gone: boolean
}

/** A resource of which somebody has told something that a look shall tell for certain. */
export interface Noticed {
  readonly scope: string
  readonly kind: string
  readonly names: readonly string[]
}

/** A scope in which nothing is decided, and who has said so. */
export interface Paused {
  readonly scope: string
  readonly by: string
  readonly note: string
  readonly since: Date
}

export interface ReconcileStore {
  /** Scopes in which something is wanted. */
  readonly scopes: () => Promise<readonly string[]>
  readonly desired: (filter: {
    readonly scope: string
    readonly kind?: string
    readonly stack?: string
  }) => Promise<readonly DesiredRow[]>
  /** Those that were ever named, by their ids. */
  readonly held: (resources: readonly string[]) => Promise<ReadonlyMap<string, Held>>
  /** Of what is absent at these versions, with nothing under way: what it still consumes. */
  readonly giveBack: (
    gone: readonly { readonly resource: string; readonly version: number }[],
  ) => Promise<void>
  readonly seen: (resources: readonly string[]) => Promise<ReadonlyMap<string, Seen>>
  /** By `KIND/NAME`: whose open intents replace a state that refers to one of these. */
  readonly leaving: (
    scope: string,
    keys: readonly string[],
  ) => Promise<readonly { readonly left: string; readonly leaver: string }[]>
  /** By external id of these: the name under which it is known to be there. */
  readonly namesOf: (
    scope: string,
    kind: string,
    external_ids: readonly string[],
  ) => Promise<ReadonlyMap<string, string>>
  readonly want: (
    rows: readonly Omit<DesiredRow, 'generation' | 'resource'>[],
    by: string,
    options?: { readonly take_over?: boolean },
  ) => Promise<void>
  /** Marks as wanted absent whatever of the stack is not among the names. */
  readonly unwantOthers: (
    scope: string,
    stack: string,
    keep: readonly ResourceName[],
    by: string,
  ) => Promise<number>
  /** Ends the wishes that something be absent, where it is: whoever makes it again keeps it. */
  readonly endWishes: (scope: string) => Promise<void>
  /** The desired rows of some resources, as far as there are any. */
  readonly desiredOf: (resources: readonly string[]) => Promise<readonly DesiredRow[]>
  readonly places: (filter: {
    readonly kinds: readonly string[]
    readonly scope?: string
  }) => Promise<readonly Place[]>
  /** In the order of their names. */
  readonly watched: (filter: WatchFilter) => Promise<readonly Watched[]>
  /** The database's clock. */
  readonly now: () => Promise<string>
  /** The resources whose looks count: nothing has come between. */
  readonly noteLooks: (looks: readonly LookNote[]) => Promise<readonly string[]>
  readonly forgetGone: (resources: readonly string[]) => Promise<void>
  readonly believed: (filter: {
    readonly kinds: readonly string[]
    readonly scope?: string
  }) => Promise<readonly Believed[]>
  /** What differed is what is assumed now: it is no drift any more. */
  readonly endDrift: (resources: readonly string[]) => Promise<void>
  /** Of those that are absent since their creation was refused: as what, and whether another one was found there. */
  readonly refused: (
    resources: readonly string[],
  ) => Promise<ReadonlyMap<string, { readonly state: Json; readonly taken: boolean }>>
  /** Another one has its name: told as drift, at `#id`, until that is over. */
  readonly noteTaken: (resource: string, external_id: string | null) => Promise<void>
  /** Scopes that are paused now. */
  readonly paused: () => Promise<readonly Paused[]>
  /** Notices that are due, leased for a while: should whoever has them die, they are due again. */
  readonly claimNotices: (kinds: readonly string[], max: number) => Promise<readonly Noticed[]>
}
