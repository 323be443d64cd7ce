/** Who types. */
import { hostname, userInfo } from 'node:os'
import { harmless } from './print.ts'

/** user@host, as the log tells who decided. */
export const actorOf = (env: NodeJS.ProcessEnv): string => {
  let user = env['USER'] ?? env['LOGNAME'] ?? ''
  try {
    user = userInfo().username
  } catch {
    // A user id without a name, as in containers: what the environment says must do.
  }
  return harmless(`${user === '' ? 'somebody' : user}@${hostname()}`)
}
