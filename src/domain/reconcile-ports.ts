/** What reconciling needs of the store, as types. `store` implements them. */
import type { Json, JsonObject } from './json.ts'
import type { Counters, Labels } from './decider.ts'
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
}

/** What was last seen of a resource, and whether anything is under way with it. */
export interface Seen {
  readonly observed: Json
  readonly external_id: string | null
  readonly outputs: JsonObject
  readonly open: boolean
}

/** A resource that may be looked at: nothing under way, settled long enough. */
export interface Watched extends ResourceName {
  readonly resource: string
  readonly version: number
  readonly assumed: Json
  readonly labels: Labels
  readonly external_id: string | null
  readonly outputs: JsonObject
  readonly settled_ms_ago: number
  readonly busy: boolean
  /** Path patterns that its owner leaves to others. */
  readonly ignore: readonly string[]
}

export interface LookNote {
  readonly resource: string
  /** The version that was assumed when the look began. */
  readonly version: number
  readonly observed: Json
  readonly external_id?: string
  readonly outputs?: JsonObject
  readonly revision?: string
  readonly condition?: 'ready' | 'pending' | 'failed'
  readonly paths: readonly {
    readonly path: string
    readonly assumed: Json
    readonly observed: Json
  }[]
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
  readonly seen: (resources: readonly string[]) => Promise<ReadonlyMap<string, Seen>>
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
  /** Marks one resource as wanted absent. */
  readonly unwant: (at: ResourceName, by: string) => Promise<void>
  /** Marks as wanted absent whatever of the stack is not among the names. */
  readonly unwantOthers: (
    scope: string,
    stack: string,
    keep: readonly ResourceName[],
    by: string,
  ) => Promise<number>
  readonly watched: (filter: {
    readonly scope?: string
    readonly kind?: string
  }) => Promise<readonly Watched[]>
  readonly noteLooks: (looks: readonly LookNote[]) => Promise<void>
  /** What differed is what is assumed now: it is no drift any more. */
  readonly endDrift: (resources: readonly string[]) => Promise<void>
  /** Scopes that are paused now. */
  readonly paused: () => Promise<readonly Paused[]>
}
