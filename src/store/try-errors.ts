/** What an error in a try at a decision means: lost to somebody, refused for good, or an outage. */
import postgres from 'postgres'
import type { Tried } from '../domain/ports.ts'
import { conflict_sqlstates } from '../domain/retry-policy.ts'
import { codeOf, lost_codes } from './connect.ts'

/** Error of a try to a verdict; what is neither a conflict nor a refusal is a bug or an outage, and is thrown. */
export const triedOf = (error: unknown): Tried => {
  const sqlstate = error instanceof postgres.PostgresError ? error.code : ''
  if (conflict_sqlstates.has(sqlstate)) {
    // A key that was taken may be the decision's own, by a tombstone.
    return { type: 'conflict', sqlstate, id_spent: sqlstate === '23505' }
  }
  if (error instanceof postgres.PostgresError && sqlstate === 'FW050') {
    return { type: 'paused', reason: `${error.message}; ${error.hint ?? ''}` }
  }
  if (error instanceof postgres.PostgresError && /^(FW|22|23|54)/.test(sqlstate)) {
    const remedy = error.hint ?? 'Mend the decider.'
    return { type: 'invalid', sqlstate, reason: error.message, remedy }
  }
  throw error
}

/**
 * Whether nobody can say any more what became of what was sent. Class 08 comes from a pooler or a proxy that has lost
 * the server and stays itself: what it was given may have committed.
 */
export const isConnectionLoss = (error: unknown): boolean =>
  lost_codes.has(codeOf(error)) || /^08...$/.test(codeOf(error))
