/** Foreword's own short serializable statements: withdrawals and releases, retried like any decision. */
import { setTimeout as sleep } from 'node:timers/promises'
import { conflict_sqlstates, decide_again_ms } from '../domain/retry-policy.ts'
import { codeOf, type Sql, type TransactionSql } from './connect.ts'

const tries_max = 20

/**
 * Runs one statement serializably until it commits, or has been in vain for too often or too long. The
 * statement must be safe to repeat.
 */
export const serializably = async (
  sql: Sql,
  statement: (tx: TransactionSql) => Promise<unknown>,
  patience_ms = Infinity,
): Promise<void> => {
  const deadline = performance.now() + patience_ms
  for (let tries = 1; ; tries++) {
    try {
      await sql.begin('isolation level serializable', statement)
      return
    } catch (error) {
      const late = tries >= tries_max || performance.now() > deadline
      if (late || !conflict_sqlstates.has(codeOf(error))) throw error
      await sleep(decide_again_ms(tries))
    }
  }
}
