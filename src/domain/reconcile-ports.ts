/** What reconciling needs of the store, as types. `store` implements them. */
import type { Json, JsonObject } from './json.ts'
import type { Counters, Labels } from './decider.ts'
import type { ResourceName } from './ports.ts'

export interface DesiredRow extends ResourceName {
  readonly resource: string
  readonly stack: string
  /** Null: wanted absent. */
  readonly spec: Json
  readonly labels: Labels
  readonly counters: Counters
  readonly needs: readonly string[]
  readonly generation: number
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
  readonly want: (
    rows: readonly Omit<DesiredRow, 'generation' | 'resource'>[],
    by: string,
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
