/** `foreword worker`: one more worker. */
import { schedulesOf } from '../domain/retention.ts'
import { version } from '../version.ts'
import type { Context } from './context.ts'
import { measuringOf, serveMetrics } from './metrics.ts'
import { servingLogger, startServing, tellDatabase, type ServeOptions } from './serve.ts'
import { configOf, openSession } from './session.ts'
import { warnOfSettings } from './settings-warning.ts'

export const worker =
  (options: ServeOptions) =>
  async (context: Context): Promise<number> => {
    context.setPatience('long')
    const logger = servingLogger(context)
    const config = await configOf(context)
    const measuring = measuringOf(config, options.metricsPort)
    const counted = measuring === null ? {} : { metrics: measuring.metrics }
    const session = await openSession(context, { config, logger, ...counted })
    const { database, engine } = session
    await warnOfSettings(context, database)
    const scraped =
      measuring === null ? null : await serveMetrics(context, measuring, { ...session, logger })
    const { colors, say } = context
    say(colors.bold(`foreword ${version}`))
    tellDatabase(context, database)
    const serving = await startServing(context, engine, schedulesOf(config))
    if (scraped !== null) say(`  ${colors.dim('metrics')}   ${scraped}`)
    say('Ready. Ctrl-C ends it.')
    return serving.untilStopped()
  }
