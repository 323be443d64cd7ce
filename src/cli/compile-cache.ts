/**
 * What Node has compiled is kept for the next start: most of what a short command takes is that. In a folder of the
 * user's own, since whoever may write there may run code as him; Node's default is one for all, under /tmp.
 */
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

const folderOf = (env: Environment): string => {
  const named = env['XDG_CACHE_HOME'] ?? ''
  return join(isAbsolute(named) ? named : join(homedir(), '.cache'), 'foreword')
}

/** Never fails: without a folder that can be written to nothing is kept, and all is as before. */
export const keepCompiled = (env: Environment): void => {
  try {
    enableCompileCache(folderOf(env))
  } catch {
    // A user without a home.
  }
}
