/**
 * /metrics, on a port of its own: a scraper has neither the page's link nor its cookie, and whoever may scrape
 * need not see the page.
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { isIP } from 'node:net'
import type { Logger } from '../domain/ports.ts'
import { hostsOf, same } from './guard.ts'
import { listen } from './listen.ts'

export interface MetricsOptions {
  /** 0: any free one. */
  readonly port: number
  readonly host: string
  /** What a scraper must show as a bearer; null: nothing. Asked for each request: a secret may be rotated. */
  readonly token: (() => string) | null
  readonly scrape: () => Promise<string>
  readonly logger: Logger
}

export interface MetricsServer {
  readonly url: string
  readonly port: number
  readonly close: () => Promise<void>
}

/** What Prometheus asks for; registries say the same. */
const content_type = 'text/plain; version=0.0.4; charset=utf-8'

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)

/** As it stands in a URL. */
const inUrl = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

/**
 * On loopback only under its own names: a page in a browser on this machine, with a rebound DNS name, could read
 * it else. Elsewhere it is whoever bound it there who says who reaches it, and by which name.
 */
const isForUs = (host: string | undefined, options: MetricsOptions, port: number): boolean => {
  if (!isLoopback(options.host)) return true
  const given = (host ?? '').toLowerCase()
  return hostsOf(port).has(given) || given === `${inUrl(options.host)}:${port}`
}

/** Serves /metrics. Rejects with a ForewordError when the port is busy. */
export const startMetrics = async (options: MetricsOptions): Promise<MetricsServer> => {
  const { host, token, scrape, logger } = options
  let bound = options.port
  const app = new Hono<{ readonly Bindings: HttpBindings }>()
  app.use(async (context, next) => {
    context.header('Cache-Control', 'no-store')
    context.header('X-Content-Type-Options', 'nosniff')
    const { headers } = context.env.incoming
    if (!isForUs(headers.host, options, bound)) {
      return context.text('foreword: this host name is not mine\n', 421)
    }
    if (!['GET', 'HEAD'].includes(context.req.method)) {
      return context.text('foreword: only GET, HEAD here\n', 405, { Allow: 'GET, HEAD' })
    }
    const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
    if (token !== null && !same(bearer, token())) {
      return context.text('foreword: metrics.token is needed, as a bearer\n', 401, {
        'WWW-Authenticate': 'Bearer',
      })
    }
    return next()
  })
  app.get('/metrics', async (context) =>
    context.body(await scrape(), 200, { 'Content-Type': content_type }),
  )
  app.notFound((context) => context.text('foreword: only /metrics is here\n', 404))
  app.onError((error, context) => {
    logger.error({ error }, '/metrics failed')
    return context.text('foreword: this scrape failed; its log says why\n', 500)
  })
  const remedy = 'set metrics.port and metrics.host in foreword.config.ts, or --metrics-port'
  const { port, close } = await listen(app.fetch, { host, port: options.port, remedy })
  bound = port
  return { url: `http://${inUrl(host)}:${port}/metrics`, port, close }
}
