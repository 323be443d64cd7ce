/** `foreword worker`: one more worker. */
import { version } from '../version.ts'
import type { Context } from './context.ts'
import { servingLogger, startServing, tellDatabase } from './serve.ts'
import { openSession } from './session.ts'
import { warnOfSettings } from './settings-warning.ts'

export const worker =
  () =>
  async (context: Context): Promise<number> => {
    context.setPatience('long')
    const logger = servingLogger(context)
    const { config, database, engine } = await openSession(context, { logger })
    await warnOfSettings(context, database)
    context.say(context.colors.bold(`foreword ${version}`))
    tellDatabase(context, database)
    const serving = await startServing(context, engine, config.schedules)
    context.say('Ready. Ctrl-C ends it.')
    return serving.untilStopped()
  }
