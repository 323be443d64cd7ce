/** The routes. Everything is a GET of what the views say. */
import { Hono } from 'hono'
import type { Logger } from '../domain/ports.ts'
import type { HealthRow, WebReads } from '../domain/web-ports.ts'
import { livePage, plainPage } from './document.ts'
import { guard, protect, type WebEnv } from './guard.ts'
import { inTime, shared, stream } from './live.ts'
import { overviewMain, troubleMain } from './overview.ts'

export interface AppOptions {
  readonly reads: WebReads
  readonly logger: Logger
  readonly version: string
  readonly token: string
  readonly port: () => number
  readonly closing: AbortSignal
}

const rest_ms = 500

type Health = { readonly status: 'ok' | 'no_worker' | 'no_database' } & Partial<HealthRow>

/** Says once that the database is silent, not with every try. */
const troubleLog = (logger: Logger) => {
  let silent = false
  return {
    worked: (): void => {
      silent = false
    },
    failed: (error: unknown): void => {
      if (!silent) logger.error({ error }, 'the page cannot read the database')
      silent = true
    },
  }
}

/** What can be shown now; a silent database is something to show too. */
const readings = ({ reads, logger }: AppOptions) => {
  const log = troubleLog(logger)
  const overview = shared(reads.overview, rest_ms)
  const health = shared(reads.health, rest_ms)
  return {
    main: async () => {
      try {
        const main = await overviewMain(await inTime(overview()))
        log.worked()
        return { main, status: 200 as const }
      } catch (error) {
        log.failed(error)
        return { main: await troubleMain(), status: 503 as const }
      }
    },
    health: async (): Promise<Health> => {
      try {
        const row = await inTime(health())
        log.worked()
        return { status: row.live_workers > 0 ? 'ok' : 'no_worker', ...row }
      } catch (error) {
        log.failed(error)
        return { status: 'no_database' }
      }
    },
  }
}

/** The pages and figures as one handler of requests. */
export const createApp = (options: AppOptions): Hono<WebEnv> => {
  const { version, logger, closing } = options
  const now = readings(options)
  const app = new Hono<WebEnv>()
  app.use(protect)
  app.use(guard({ ...options, open: ['/healthz'] }))
  app.get('/', async (context) => {
    const { main, status } = await now.main()
    return context.html(livePage({ version, nonce: context.get('nonce') }, main), status)
  })
  app.get('/live', (context) => stream(context, async () => (await now.main()).main, closing))
  app.get('/healthz', async (context) => {
    const health = await now.health()
    return context.json(health, health.status === 'ok' ? 200 : 503)
  })
  app.get('/api/health.json', async (context) => {
    const health = await now.health()
    return context.json({ version, ...health }, health.status === 'no_database' ? 503 : 200)
  })
  app.notFound((context) => {
    const frame = { version, nonce: context.get('nonce') }
    return context.html(plainPage(frame, 'There is no such page', 'All there is so far is /.'), 404)
  })
  app.onError((error, context) => {
    logger.error({ error }, 'the page failed')
    return context.text('foreword: this page failed; its log says why\n', 500)
  })
  return app
}
