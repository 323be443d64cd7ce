/** `foreword psql`: a shell on the database in use. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ForewordError } from '../domain/errors.ts'
import { serverOf, withoutPassword } from '../store/database-url.ts'
import type { Context } from './context.ts'
import { configOf, databaseOf } from './session.ts'

/** The password in the environment, since argv can be read by everybody on the machine. */
const environment = (url: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { password } = serverOf(url)
  return { ...env, ...(password === undefined ? {} : { PGPASSWORD: password }), PGAPPNAME: 'psql' }
}

const missing = (): ForewordError =>
  new ForewordError('psql is not installed', {
    where: 'not found on PATH',
    remedy:
      'install it (Debian: apt install postgresql-client; macOS: brew install libpq), ' +
      'or give `foreword url` to a tool of your own',
  })

export const psql =
  (args: readonly string[]) =>
  async (context: Context): Promise<number> => {
    const database = await databaseOf(context, await configOf(context))
    // Ctrl-C is for psql: it cancels a query there, and ends nothing.
    context.setPatience('child')
    const child = spawn('psql', ['--dbname', withoutPassword(database.url), ...args], {
      stdio: 'inherit',
      env: environment(database.url, context.env),
    })
    return new Promise<number>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'ENOENT' ? missing() : error)
      })
      child.once('close', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
      })
    })
  }
