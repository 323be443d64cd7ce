/** What is told of the work, for Prometheus and for traces. Nobody who does the work knows to whom. */
import type { ApplyLog, Lease, StepResult } from './ports.ts'
import type { AnyProvider } from './provider.ts'
import type { DecideResult } from './result.ts'

/** Where decisions were traced: the W3C traceparent of each that has one. */
export type TracesOf = (decisions: readonly string[]) => Promise<ReadonlyMap<string, string>>

export interface ReconcileFacts {
  readonly looked: number
  readonly failed: number
  readonly drifted: readonly string[]
}

/** Wraps the work, once for each decision, batch, step and call. */
export interface Telemetry {
  /** `run` is given the traceparent of its span, where one is recorded: it is kept with the decision. */
  readonly decision: (
    of: { readonly scope: string; readonly decider: string; readonly instead_of?: string },
    run: (traceparent?: string) => Promise<DecideResult>,
  ) => Promise<DecideResult>
  readonly log: (log: ApplyLog, traces: TracesOf) => ApplyLog
  readonly step: (lease: Lease, run: () => Promise<StepResult | null>) => Promise<StepResult | null>
  readonly provider: (provider: AnyProvider) => AnyProvider
  readonly reconcile: <A extends ReconcileFacts>(
    of: { readonly scope?: string; readonly kind?: string; readonly actor?: string },
    run: () => Promise<A>,
  ) => Promise<A>
  /** The part of a reconcile that looks. */
  readonly observe: <A>(
    of: { readonly scope?: string; readonly kind?: string },
    run: () => Promise<A>,
  ) => Promise<A>
}

/** What a scrape reads of the database, in rows: few, however large the log. */
export interface MetricRows {
  readonly backlog: readonly {
    readonly kind: string
    readonly state: string
    readonly count: number
    readonly oldest_s: number
    /** Below zero: not yet due; null: due to nobody. */
    readonly overdue_s: number | null
  }[]
  readonly parked: number
  readonly paused: { readonly scopes: number; readonly intents: number }
  readonly drift: readonly {
    readonly kind: string
    readonly paths: number
    readonly oldest_s: number
  }[]
  /** Who lives, and who died with work in hand. */
  readonly workers: readonly {
    readonly version: string
    readonly alive: boolean
    readonly count: number
  }[]
  /** Accounts that are limited or not well, the worst first. */
  readonly accounts: readonly {
    readonly account: string
    readonly health: string
    readonly tokens: number | null
    readonly burst: number | null
  }[]
  readonly schedules: readonly {
    readonly name: string
    readonly running: boolean
    readonly started_s: number | null
    readonly next_s: number | null
    readonly skipped: number
  }[]
  readonly conflicts: readonly { readonly sqlstate: string; readonly count: number }[]
  readonly server: {
    readonly commits: number
    /** Of the transactions that this login may see; null: none is open. */
    readonly oldest_transaction_s: number | null
    readonly ssi_margin: number
  }
}

export type ReadMetrics = () => Promise<MetricRows>
