/** What the queue's library says of itself, in our log: errors and warnings, without its chatter about jobs. */
import { Logger as GraphileLog } from 'graphile-worker'
import type { Logger } from '../domain/ports.ts'

/** Each of its connections says that it was lost, and so does whoever had it: a dozen lines for one restart of Postgres. */
const of_connections =
  /^(PostgreSQL (active|idle) client generated error|Error with notify listener.*?|Error occurred attempting to UNLISTEN): /

/** Lines of this sort that come within so long of the last one are of the same loss. */
const one_loss_ms = 10_000

export const queueLog = (logger: Logger, now: () => number = () => performance.now()) => {
  let last = -Infinity
  const tell = (level: string, message: string): void => {
    const from = { from: 'graphile-worker' }
    if (of_connections.test(message)) {
      logger.debug?.(from, message)
      const same = now() - last < one_loss_ms
      last = now()
      if (same) return
      const why = message.replace(of_connections, '')
      logger.warn(from, `the queue has lost its connections to the database: ${why}`)
    } else if (level === 'error') logger.error(from, message)
    else if (level === 'warning') logger.warn(from, message)
  }
  return new GraphileLog(() => tell)
}
