/** `foreword url`: the URL of the database in use, for tools; it carries the password. */
import { setTimeout as pause } from 'node:timers/promises'
import { connectionError } from '../store/connect.ts'
import { reachable } from '../store/reachable.ts'
import type { Context } from './context.ts'
import { configOf, databaseOf } from './session.ts'

/** A server that stops as we leave answers for another moment. */
const answers = async (url: string): Promise<boolean> => {
  await pause(50)
  return reachable(url).then(
    () => true,
    (error: unknown) => connectionError(url, error) === error && Promise.reject(error as Error),
  )
}

export const url =
  () =>
  async (context: Context): Promise<number> => {
    const database = await databaseOf(context, await configOf(context))
    if (context.options.json === true) context.json({ url: database.url, log: database.log })
    else context.out(database.url)
    if (database.log === null) return 0
    await database.close()
    if (!(await answers(database.url).catch(() => false))) {
      context.note('the server stops when no foreword runs: `foreword up` keeps it up')
    }
    return 0
  }
