/** `foreword up`: database, migrations, worker, schedules and page in one process. */
import { schedulesOf } from '../domain/retention.ts'
import { webReads } from '../store/web/reads.ts'
import { webRulings } from '../store/web/rulings.ts'
import { version } from '../version.ts'
import { startWeb } from '../web/index.ts'
import { actorOf } from './actor.ts'
import type { Context } from './context.ts'
import { measuringOf, serveMetrics } from './metrics.ts'
import { servingLogger, startServing, tellDatabase, type ServeOptions } from './serve.ts'
import { configOf, openSession } from './session.ts'
import { warnOfSettings } from './settings-warning.ts'

export const up =
  (options: ServeOptions & { readonly port?: number }) =>
  async (context: Context): Promise<number> => {
    context.setPatience('long')
    const logger = servingLogger(context)
    const config = await configOf(context)
    const measuring = measuringOf(config, options.metricsPort)
    const counted = measuring === null ? {} : { metrics: measuring.metrics }
    const session = await openSession(context, { config, mode: 'own', logger, ...counted })
    const { database, engine } = session
    await warnOfSettings(context, database)
    // The page before the worker: on a busy port nothing has begun that would have to end.
    const port = options.port ?? config.web.port
    const web = await startWeb({
      reads: webReads(engine.sql),
      rulings: webRulings(engine.sql, engine.wakeup.wake),
      person: actorOf(context.env),
      port,
      logger,
      version,
    })
    context.atEnd(() => web.close())
    const scraped =
      measuring === null ? null : await serveMetrics(context, measuring, { ...session, logger })
    const { colors, say } = context
    say(colors.bold(`foreword ${version}`))
    tellDatabase(context, database)
    const serving = await startServing(context, engine, schedulesOf(config))
    if (scraped !== null) say(`  ${colors.dim('metrics')}   ${scraped}`)
    say(`  ${colors.dim('page')}      ${web.url}`)
    say('Ready. Ctrl-C ends it.')
    return serving.untilStopped()
  }
