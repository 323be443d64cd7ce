/** What `up` and `worker` count and serve for a scraper, where it is asked for. */
import { default_metrics } from '../domain/codec/metrics.ts'
import type { Config, MetricsConfig } from '../domain/config.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Logger } from '../domain/ports.ts'
import type { Secrets } from '../domain/provider.ts'
import type { Engine } from '../foreword.ts'
import { metricsReads } from '../store/metrics-reads.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'
import { createScrape } from '../telemetry/scrape.ts'
import { version } from '../version.ts'
import { startMetrics } from '../web/metrics.ts'
import type { Context } from './context.ts'

export interface Measuring {
  readonly at: MetricsConfig
  readonly metrics: Metrics
}

/** Null: nobody asks, and nothing is counted. */
export const measuringOf = (config: Config, port: number | undefined): Measuring | null => {
  if (config.metrics === undefined && port === undefined) return null
  const at = { ...default_metrics, ...config.metrics }
  return { at: port === undefined ? at : { ...at, port }, metrics: createMetrics({ version }) }
}

/** A token that is not there must not mean that none is needed. */
const tokenOf = ({ token }: MetricsConfig, secrets: Secrets): (() => string) | null => {
  if (token === undefined) return null
  const resolved = (): string => {
    const value = secrets(token)
    if (value.trim() !== '') return value
    throw new ForewordError('the token of /metrics is empty', {
      where: 'metrics.token',
      remedy: 'write one into the secret that it names',
    })
  }
  resolved()
  return resolved
}

export const serveMetrics = async (
  context: Context,
  { at, metrics }: Measuring,
  with_: { readonly engine: Engine; readonly secrets: Secrets; readonly logger: Logger },
): Promise<string> => {
  const { engine, secrets, logger } = with_
  const server = await startMetrics({
    ...at,
    token: tokenOf(at, secrets),
    logger,
    scrape: createScrape({
      metrics,
      read: metricsReads(engine.sql),
      silent: (error) => {
        logger.warn({ error }, 'the database does not answer /metrics')
      },
    }),
  })
  context.atEnd(server.close)
  return server.url
}
