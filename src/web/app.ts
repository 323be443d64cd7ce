/** The routes. Everything is a GET of what the views say, but for one form: a person's ruling. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Logger } from '../domain/ports.ts'
import type { WebReads, WebRulings } from '../domain/web-story-ports.ts'
import { document } from './document.ts'
import { guard, protect, type WebEnv } from './guard.ts'
import { stream } from './live.ts'
import { isLive, views, type Page } from './pages.ts'
import { readings } from './readings.ts'
import { answerRuling } from './rule.ts'

export interface AppOptions {
  readonly reads: WebReads
  readonly rulings: WebRulings
  readonly logger: Logger
  readonly version: string
  readonly token: string
  /** Who rules, unless the form says otherwise. */
  readonly person: string
  readonly port: () => number
  readonly closing: AbortSignal
}

/** The address that a live page follows; null: none of ours. */
const followed = (at: string | undefined): URL | null => {
  const address = URL.parse(at ?? '/', 'http://page')
  return address !== null && address.host === 'page' && isLive(address.pathname) ? address : null
}

/** The pages and figures as one handler of requests. */
export const createApp = (options: AppOptions): Hono<WebEnv> => {
  const { version, logger, closing } = options
  const now = readings(options)
  const app = new Hono<WebEnv>()
  const show = (
    context: Context<WebEnv>,
    page: Omit<Page, 'status'>,
    live: boolean,
    status: 200 | 400 | 404 | 409 | 413 | 415 | 422 | 503,
  ) =>
    context.html(
      document({ version, nonce: context.get('nonce'), path: context.req.path }, page, live),
      status,
    )
  app.use(protect)
  app.use(guard({ ...options, open: ['/healthz'], changing: ['/rule'] }))
  for (const path of views.keys()) {
    app.get(path, async (context) => {
      const page = await now.page(new URL(context.req.url))
      return show(context, page, isLive(path) && [200, 503].includes(page.status), page.status)
    })
  }
  app.post('/rule', async (context) => {
    const answer = await answerRuling(context, options)
    now.forget()
    if (answer.type === 'ruled') return context.redirect(answer.to, 303)
    return show(context, answer.page, false, answer.status)
  })
  app.get('/live', (context) => {
    const at = followed(context.req.query('at'))
    if (at === null) return context.text('foreword: there is no such page to follow\n', 404)
    return stream(context, async () => (await now.page(at)).main, closing)
  })
  app.get('/healthz', async (context) => {
    const health = await now.health()
    return context.json(health, health.status === 'ok' ? 200 : 503)
  })
  app.get('/api/health.json', async (context) => {
    const health = await now.health()
    return context.json({ version, ...health }, health.status === 'no_database' ? 503 : 200)
  })
  app.notFound(async (context) => {
    const page = await now.page(new URL('/no/such/page', context.req.url))
    return show(context, page, false, 404)
  })
  app.onError((error, context) => {
    logger.error({ error }, 'the page failed')
    return context.text('foreword: this page failed; its log says why\n', 500)
  })
  return app
}
