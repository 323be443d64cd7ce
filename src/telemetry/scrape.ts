/** What a scraper is answered: what this process counted, and what the database shows now. */
import { Counter, Gauge, Registry } from 'prom-client'
import { shared } from '../domain/shared.ts'
import type { MetricRows, ReadMetrics } from '../domain/telemetry-ports.ts'
import { within } from '../domain/within.ts'
import { of_database, type Family } from './families.ts'
import type { Metrics } from './metrics.ts'

/** Prometheus gives up after ten seconds unless told otherwise, and then has nothing of this process either. */
const database_ms_max = 4_000
/** Two scrapers of one process share a reading. */
const rest_ms = 1_000
/** Kinds are names from outside: each is a time series. The others are added up. */
const kinds_max = 100

type Labels = Readonly<Record<string, string>>

/** Made anew for each reading: nothing stays of a schedule or a kind that is gone. */
const page = () => {
  const registry = new Registry()
  return {
    tell: ({ type, name, help, labels }: Family, samples: Samples): void => {
      const of = { name, help, labelNames: [...labels], registers: [registry] }
      if (type === 'counter') {
        const counter = new Counter(of)
        for (const [at, value] of samples) counter.inc(at, value)
        return
      }
      const gauge = new Gauge(of)
      for (const [at, value] of samples) gauge.set(at, value)
    },
    text: () => registry.metrics(),
  }
}

/** The first hundred kinds by name; whatever else there is under `other`, put together. */
const fewKinds = <A extends { readonly kind: string }>(
  rows: readonly A[],
  together: (a: A, b: A) => A,
  keyOf: (row: A) => string,
): readonly A[] => {
  const kinds = new Set([...new Set(rows.map(({ kind }) => kind))].toSorted().slice(0, kinds_max))
  const kept = new Map<string, A>()
  for (const row of rows) {
    const told = kinds.has(row.kind) ? row : { ...row, kind: 'other' }
    const same = kept.get(keyOf(told))
    kept.set(keyOf(told), same === undefined ? told : together(same, told))
  }
  return [...kept.values()]
}

const few = ({ backlog, drift }: MetricRows) => ({
  backlog: fewKinds(
    backlog,
    (a, b) => ({
      ...a,
      count: a.count + b.count,
      oldest_s: Math.max(a.oldest_s, b.oldest_s),
    }),
    ({ kind, state }) => JSON.stringify([kind, state]),
  ),
  drift: fewKinds(
    drift,
    (a, b) => ({ ...a, paths: a.paths + b.paths, oldest_s: Math.max(a.oldest_s, b.oldest_s) }),
    ({ kind }) => kind,
  ),
})

type Samples = readonly (readonly [Labels, number])[]

const one = (value: number): Samples => [[{}, value]]

/** What is not known is left out: 0 would be a value. */
const each = <A>(
  rows: readonly A[],
  labels: (row: A) => Labels,
  value: (row: A) => number | null,
): Samples =>
  rows.flatMap((row) => {
    const of = value(row)
    return of === null ? [] : [[labels(row), of] as const]
  })

type Tell = (family: Family, samples: Samples) => void

const tellWork = (tell: Tell, rows: MetricRows): void => {
  const d = of_database
  const { backlog, drift } = few(rows)
  const at = ({ kind, state }: MetricRows['backlog'][number]) => ({ kind, state })
  const of_kind = ({ kind }: { readonly kind: string }) => ({ kind })
  tell(
    d.backlog,
    each(backlog, at, (b) => b.count),
  )
  tell(
    d.backlog_age,
    each(backlog, at, (b) => b.oldest_s),
  )
  tell(
    d.drifted,
    each(drift, of_kind, (r) => r.paths),
  )
  tell(
    d.drift_age,
    each(drift, of_kind, (r) => r.oldest_s),
  )
  tell(
    d.conflicts,
    each(
      rows.conflicts,
      ({ sqlstate }) => ({ sqlstate }),
      (c) => c.count,
    ),
  )
}

const tellHealth = (tell: Tell, rows: MetricRows): void => {
  const d = of_database
  const { server, paused } = rows
  const live = rows.workers.filter(({ alive }) => alive)
  const countOf = (workers: MetricRows['workers']): number =>
    workers.reduce((sum, { count }) => sum + count, 0)
  tell(d.overdue, one(Math.max(0, ...rows.backlog.map(({ overdue_s }) => overdue_s ?? 0))))
  tell(d.parked, one(rows.parked))
  tell(d.live_workers, one(countOf(live)))
  tell(
    d.versions,
    each(
      live,
      ({ version }) => ({ version }),
      (w) => w.count,
    ),
  )
  tell(d.dead_workers, one(countOf(rows.workers) - countOf(live)))
  tell(d.paused_scopes, one(paused.scopes))
  tell(d.paused_intents, one(paused.intents))
  tell(d.margin, one(server.ssi_margin))
  tell(d.oldest_transaction, one(Math.max(0, server.oldest_transaction_s ?? 0)))
  tell(d.commits, one(server.commits))
}

const tellAccounts = (tell: Tell, { accounts }: MetricRows): void => {
  const d = of_database
  type Account = MetricRows['accounts'][number]
  const account = (a: Account) => ({ account: a.account })
  const standing = (a: Account) => ({ ...account(a), health: a.health })
  tell(
    d.account_health,
    each(accounts, standing, () => 1),
  )
  tell(
    d.account_tokens,
    each(accounts, account, (a) => a.tokens),
  )
  tell(
    d.account_burst,
    each(accounts, account, (a) => a.burst),
  )
}

const tellSchedules = (tell: Tell, { schedules }: MetricRows): void => {
  const d = of_database
  const schedule = ({ name }: { readonly name: string }) => ({ schedule: name })
  tell(
    d.schedule_running,
    each(schedules, schedule, (s) => Number(s.running)),
  )
  tell(
    d.schedule_started,
    each(schedules, schedule, (s) => s.started_s),
  )
  tell(
    d.schedule_next,
    each(schedules, schedule, (s) => s.next_s),
  )
  tell(
    d.schedule_skipped,
    each(schedules, schedule, (s) => s.skipped),
  )
}

/** What the rows of a reading come to, as Prometheus reads it. */
const databaseText = (rows: MetricRows): Promise<string> => {
  const { tell, text } = page()
  for (const part of [tellHealth, tellWork, tellAccounts, tellSchedules]) part(tell, rows)
  return text()
}

export interface ScrapeDeps {
  readonly metrics: Metrics
  readonly read: ReadMetrics
  /** Told once that the database is silent, not with every scrape. */
  readonly silent: (error: unknown) => void
}

/**
 * The text for a scraper. However many scrape, the database is read once at a time; where it does not answer
 * within four seconds, or not at all, what this process counted is told all the same, and `foreword_up` is 0.
 */
export const createScrape = ({ metrics, read, silent }: ScrapeDeps): (() => Promise<string>) => {
  let was_silent = false
  const reading = shared(async () => {
    const began = performance.now()
    const rows = await read()
    const took_ms = performance.now() - began
    return { took_ms, text: await databaseText(rows) }
  }, rest_ms)
  return async () => {
    try {
      const { took_ms, text } = await within(database_ms_max, reading)
      was_silent = false
      return `${await metrics.text(took_ms)}\n${text}`
    } catch (error) {
      if (!was_silent) silent(error)
      was_silent = true
      return metrics.text(null)
    }
  }
}
