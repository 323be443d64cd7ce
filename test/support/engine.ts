/** An engine on a database of the test's own, and a simulated cloud to act on. */
import { startCloud, type Cloud, type CloudOptions } from '../../src/cloud/index.ts'
import type { Config } from '../../src/domain/config.ts'
import type { Logger } from '../../src/domain/ports.ts'
import type { AnyProvider, Traits } from '../../src/domain/provider.ts'
import { openEngine, type Engine, type EngineOptions } from '../../src/foreword.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { testDatabase, type TestDatabaseOptions } from './database.ts'
import { eventually } from './eventually.ts'
import { quick, testConfig } from './settings.ts'

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

const silent: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }

export const engineOn = (
  t: Teardown,
  url: string,
  config: Config,
  version = 'test',
  over: Partial<EngineOptions> = {},
): Engine => {
  const engine = openEngine({
    url,
    config,
    secrets: (reference) => (typeof reference === 'string' ? reference : 'secret'),
    logger: silent,
    version,
    ...over,
  })
  t.teardown(engine.close)
  return engine
}

/** An engine on a fresh database; no worker runs. */
export const testEngine = async (
  t: Teardown,
  over: Partial<Config> = {},
  options: TestDatabaseOptions = {},
): Promise<{ readonly engine: Engine; readonly url: string }> => {
  const { url } = await testDatabase(t, options)
  return { url, engine: engineOn(t, url, testConfig(url, over)) }
}

/** Starts a worker; a fatal end of it fails the test as an unhandled error would. */
export const testWorker = async (t: Teardown, engine: Engine): Promise<void> => {
  const worker = await engine.startWorker((reason) => {
    throw new Error(`the worker died: ${reason}`)
  })
  t.teardown(async () => {
    await worker.stop()
  })
}

export interface CloudWorld {
  readonly engine: Engine
  readonly url: string
  readonly cloud: Cloud
  readonly providers: readonly AnyProvider[]
}

export const cloudWorld = async (
  t: Teardown,
  options: {
    readonly faults?: CloudOptions['faults']
    readonly traits?: Partial<Traits>
    readonly config?: Partial<Config>
  } = {},
): Promise<CloudWorld> => {
  const cloud = await startCloud({
    seed: 1,
    ...(options.faults === undefined ? {} : { faults: options.faults }),
  })
  t.teardown(() => cloud.close())
  const providers = simulatedCloud({ url: cloud.url, traits: { ...quick, ...options.traits } })
  const { engine, url } = await testEngine(t, { providers, ...options.config })
  return { engine, url, cloud, providers }
}

/** Waits until nothing is open; the intents as they ended. */
export const allSettled = async (
  engine: Engine,
  deadline_ms = 30_000,
): Promise<readonly { name: string; verb: string; state: string; reason: string | null }[]> => {
  await eventually(
    'every intent settled',
    async () => {
      const [row] = await engine.sql<{ open: number }[]>`
        select count(*)::integer as open from foreword.intent where settled_at is null`
      return row?.open === 0
    },
    { deadline_ms },
  )
  return engine.sql`select name, verb, state, reason from foreword.intent order by id`
}

export interface LedgerSummary {
  readonly effects: number
  readonly distinct_intents: number
  readonly max: number
  readonly repeated: Readonly<Record<string, number>>
}

/** The cloud's own count of effects, kept apart from everything that foreword believes. */
export const ledgerOf = async (cloud: Cloud): Promise<LedgerSummary> => {
  const answer = await fetch(`${cloud.url}/admin/ledger/summary`)
  return (await answer.json()) as LedgerSummary
}
