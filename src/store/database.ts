import type { Config } from '../domain/config.ts'
import { openEmbedded } from './embedded/open.ts'
import { reachable } from './reachable.ts'

export interface Database {
  readonly url: string
  /** The log file of an embedded server; null where the server is not ours. */
  readonly log: string | null
  readonly close: () => Promise<void>
}

/**
 * The database that the configuration names, or the embedded one. `own`: foreword up, the one owner
 * of an embedded server; `join`: everyone else. Throws a ForewordError when it cannot be reached.
 */
export const openDatabase = async (
  config: Pick<Config, 'database' | 'directory'>,
  mode: 'own' | 'join',
): Promise<Database> => {
  if (config.database !== undefined) {
    await reachable(config.database)
    return { url: config.database, log: null, close: () => Promise.resolve() }
  }
  const embedded = await openEmbedded({ directory: config.directory, mode })
  return { url: embedded.url, log: embedded.log, close: () => embedded.close() }
}
