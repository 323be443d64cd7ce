/** The programmer's door: a connection that decides, and tells what became of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { wrongWithArguments } from './decide/check-asked.ts'
import { decodeConfig } from './domain/codec/config.ts'
import type { Config } from './domain/config.ts'
import type { Decider, Reads } from './domain/decider.ts'
import type { ConfigInput } from './domain/define-config.ts'
import { ForewordError } from './domain/errors.ts'
import { checkedNotice, type Notice, type Noted } from './domain/notice.ts'
import type { DecideResult } from './domain/result.ts'
import { migrateAll, openEngine, type Engine } from './foreword.ts'
import { createLogger, logLevelOf } from './logger.ts'
import type { Reconciled } from './reconcile/reconcile.ts'
import { resolveSecret } from './secrets.ts'
import { connectionError, type Sql } from './store/connect.ts'
import { openDatabase } from './store/database.ts'
import { otherRelease } from './store/release-watch.ts'
import { metricsReads } from './store/metrics-reads.ts'
import { tell } from './store/notice-store.ts'
import { intentsOf, isDecided, type Standing } from './store/standing.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { createScrape } from './telemetry/scrape.ts'
import { createUnderWay, type UnderWay } from './under-way.ts'
import { version } from './version.ts'

/** Where and with what a decider is run. */
export interface DecideCall<Input> {
  readonly scope: string
  readonly input?: Input
  /** Who or what decides; shown in `foreword.decision`. */
  readonly actor?: string
  /** Why, in the actor's words. */
  readonly reason?: string
  /** `here`: this process carries the intents out at once; should it die, any worker goes on. */
  readonly apply?: 'here'
}

/** How an intent of a decision stands. */
export type IntentStanding = Omit<Standing, 'open' | 'stuck'>

/** What became of a decision's intents. */
export interface Settled {
  /**
   * `settled`: no more work is owed. `waits`: nothing goes on before a person rules, approves or resumes the scope,
   * be it on another decision's intent that comes first. `timeout`: not yet.
   */
  readonly type: 'settled' | 'waits' | 'timeout'
  readonly intents: readonly IntentStanding[]
}

/** What `connect` gives: deciding, reconciling and waiting, until it is closed. */
export interface Connected extends AsyncDisposable {
  /** The database in use. */
  readonly url: string
  /** The postgres.js handle, for views and anything else. */
  readonly sql: Sql
  readonly decide: <R extends Reads, Input, Thought = undefined>(
    decider: Decider<R, Input, Thought>,
    call: DecideCall<Input>,
  ) => Promise<DecideResult>
  /** Waits until every intent of a decision is settled or waits for a person. Throws a ForewordError where there is no such decision. */
  readonly settled: (
    decision: string,
    options?: { readonly timeout_ms?: number },
  ) => Promise<Settled>
  /** Observes, finds drift, converges: what a schedule does. */
  readonly reconcile: (options?: {
    readonly scope?: string
    readonly kind?: string
  }) => Promise<Reconciled>
  /**
   * Tells what was seen of a resource, as a webhook does. It is not believed by itself: what is news makes a
   * look due, which a worker takes within seconds. Throws a ForewordError for what cannot be told.
   */
  readonly observe: (notice: Notice) => Promise<Noted>
  /**
   * What Prometheus is to be answered by this program's own server: what was decided and applied here, and what
   * the database shows. Nothing listens for it. Throws a ForewordError unless the configuration has `metrics`.
   */
  readonly metrics: () => Promise<string>
  /**
   * Lets what runs here end, within `limits.drain_timeout_ms`, and closes. What is called later is refused. May be
   * called again.
   */
  readonly close: () => Promise<void>
}

const decoded = (input: ConfigInput): Config => {
  const config = decodeConfig(input)
  if (E.isLeft(config)) {
    const problem = config.left[0]
    throw new ForewordError(problem?.message ?? 'the configuration is wrong', {
      where: problem?.path ?? '',
      remedy: problem?.remedy ?? '',
      exit_code: 2,
    })
  }
  const { database, directory } = config.right
  const from_env = process.env['FOREWORD_DATABASE_URL'] ?? process.env['DATABASE_URL']
  return {
    ...config.right,
    database: database ?? (from_env === '' ? undefined : from_env),
    directory: resolve(directory ?? '.foreword'),
  }
}

const wrongCall = (where: string, what: string, remedy: string): ForewordError =>
  new ForewordError(what, { where: `foreword.${where}`, remedy, exit_code: 2 })

const checkWait = (decision: unknown, timeout_ms: unknown): void => {
  if (typeof decision !== 'string' || !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(decision))
    throw wrongCall('settled', 'this is no id of a decision', 'give the `decision` of a result')
  if (typeof timeout_ms !== 'number' || Number.isNaN(timeout_ms))
    throw wrongCall('settled', 'timeout_ms is no number', 'give milliseconds')
}

const endOf = (standing: readonly Standing[]): Settled['type'] => {
  const open = standing.filter((intent) => intent.open)
  if (open.length === 0) return 'settled'
  return open.every((intent) => intent.stuck) ? 'waits' : 'timeout'
}

/** Polls the views: at most every half second, so that many waiters cost little. */
const settled =
  (sql: Sql, under_way: UnderWay): Connected['settled'] =>
  async (decision, { timeout_ms = 60_000 } = {}) => {
    checkWait(decision, timeout_ms)
    const until = performance.now() + timeout_ms
    for (let pause_ms = 10; ; pause_ms = Math.min(500, pause_ms * 1.5)) {
      under_way.check()
      const standing = await intentsOf(sql, decision, { reasons: false })
      if (standing.length === 0 && !(await isDecided(sql, decision)))
        throw wrongCall('settled', `there is no decision ${decision}`, 'give one of this database')
      const late = performance.now() >= until
      if (late || endOf(standing) !== 'timeout') {
        const told = await intentsOf(sql, decision, { reasons: true })
        const type = endOf(told)
        const intents = told.map(({ open: _open, stuck: _stuck, ...intent }) => intent)
        if (late || type !== 'timeout') return { type, intents }
      }
      await sleep(pause_ms)
    }
  }

const uncounted = async (): Promise<string> => {
  throw new ForewordError('nothing is counted', {
    where: 'metrics',
    remedy: 'write `metrics: {}` into the configuration that `connect` is given',
  })
}

const scrapeOf = (engine: Engine, metrics: Metrics | undefined): Connected['metrics'] =>
  metrics === undefined
    ? uncounted
    : createScrape({ metrics, read: metricsReads(engine.sql), silent: () => undefined })

const connected = (
  engine: Engine,
  metrics: Metrics | undefined,
  closeDatabase: () => Promise<void>,
  drain_timeout_ms: number,
): Connected => {
  /** A database that is away is not waited for: whoever calls knows whether to try again, and when. */
  const unreachable = (error: unknown): never => {
    throw connectionError(engine.url, otherRelease(engine.url, error))
  }
  const under_way = createUnderWay()
  let closing: Promise<void> | undefined
  const shut = async (): Promise<void> => {
    await under_way.close(drain_timeout_ms)
    await engine.close()
    await closeDatabase()
  }
  const close = (): Promise<void> => (closing ??= shut())
  return {
    url: engine.url,
    sql: engine.sql,
    decide: async (decider, call) => {
      const wrong = wrongWithArguments(decider, call)
      if (wrong !== null) return { type: 'invalid', ...wrong }
      const { apply, input, ...rest } = call
      const decide = apply === 'here' ? engine.decideHere : engine.decide
      const options = { ...rest, input: input as never }
      return under_way.run(() => decide(decider, options)).catch(unreachable)
    },
    settled: async (decision, options) =>
      settled(engine.sql, under_way)(decision, options).catch(unreachable),
    metrics: scrapeOf(engine, metrics),
    reconcile: async (options = {}) =>
      under_way.run(() => engine.reconcile(options)).catch(unreachable),
    observe: async (notice) => {
      const checked = checkedNotice(notice, new Set(engine.providers.keys()))
      return under_way.run(() => tell(engine.sql, checked)).catch(unreachable)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/**
 * Connects, and brings the database to this version of foreword where it is older. Throws a
 * ForewordError that names place and remedy when it cannot.
 */
export const connect = async (input: ConfigInput = {}): Promise<Connected> => {
  const config = decoded(input)
  const level = logLevelOf(process.env)
  const database = await openDatabase(config, 'join')
  try {
    await migrateAll(database.url)
    const metrics = config.metrics === undefined ? undefined : createMetrics({ version })
    const engine = openEngine({
      url: database.url,
      config,
      secrets: resolveSecret(process.env),
      logger: createLogger({ level }),
      version,
      ...(metrics === undefined ? {} : { metrics }),
    })
    return connected(engine, metrics, database.close, config.limits.drain_timeout_ms)
  } catch (error) {
    await database.close()
    throw error
  }
}
