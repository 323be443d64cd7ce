/** An engine that counts, its /metrics, and the samples in what that answers. */
import { request } from 'node:http'
import type { Config } from '../../src/domain/config.ts'
import type { Engine } from '../../src/foreword.ts'
import { metricsReads } from '../../src/store/metrics-reads.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { createScrape } from '../../src/telemetry/scrape.ts'
import { startMetrics, type MetricsOptions, type MetricsServer } from '../../src/web/metrics.ts'
import { testDatabase } from '../support/database.ts'
import { engineOn } from '../support/engine.ts'
import { testConfig } from '../support/settings.ts'
import { silent } from '../support/web.ts'

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

export interface Measured {
  readonly engine: Engine
  readonly url: string
  readonly scrape: () => Promise<string>
  /** Errors of a database that did not answer. */
  readonly silences: readonly unknown[]
}

/** On a database of its own, or on the one of that URL. */
export const measured = async (
  t: Teardown,
  over: Partial<Config> = {},
  at?: string,
): Promise<Measured> => {
  const url = at ?? (await testDatabase(t)).url
  const metrics = createMetrics({ version: '1.2.3' })
  const engine = engineOn(t, url, testConfig(url, over), '1.2.3', { metrics })
  const silences: unknown[] = []
  const scrape = createScrape({
    metrics,
    read: metricsReads(engine.sql),
    silent: (error) => silences.push(error),
  })
  return { engine, url, scrape, silences }
}

/** The value of a sample, by its name with its labels as Prometheus writes them; undefined: it is not there. */
export const sample = (text: string, name: string): number | undefined => {
  const line = text.split('\n').find((row) => row.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

export const serve = async (
  t: Teardown,
  over: Partial<MetricsOptions> = {},
): Promise<MetricsServer> => {
  const server = await startMetrics({
    port: 0,
    host: '127.0.0.1',
    token: null,
    scrape: () => Promise.resolve('foreword_up 1\n'),
    logger: silent,
    ...over,
  })
  t.teardown(() => server.close())
  return server
}

export interface Got {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** With whatever headers: `fetch` would not let us lie about the host. */
export const get = (
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Got> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
    sent.once('error', reject)
    sent.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.once('end', () => {
        const { statusCode: status = 0, headers: said } = response
        resolve({ status, type: said['content-type'] ?? '', text })
      })
    })
    sent.end()
  })
