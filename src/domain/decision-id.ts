import { randomUUID } from 'node:crypto'

/**
 * A new id for a decision: a UUID of version 7 (RFC 9562), its first 48 bits the time in milliseconds.
 * Ids of one time lie side by side in the index, so that a decision dirties no page of its own. What
 * follows the version is as random as in a UUID of version 4, which the runtime has in stock.
 */
export const newDecisionId = (now_ms: number): string => {
  const time = now_ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
