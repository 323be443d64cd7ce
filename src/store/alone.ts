/**
 * The lock under which decisions are judged and taken back: who holds it keeps every worker from claiming.
 * So nothing done under it waits without bound, neither for a row that somebody else has locked nor for a
 * client that is silent: the server ends the session of a process that was stopped, and frees the lock.
 */
import type { Reserved, Sql } from './connect.ts'

/** sql/058_certify.sql and 060_claim.sql take the same. */
const lock_key = 20143

const begin_alone = `
  set idle_session_timeout = '5s';
  set lock_timeout = '5s';
  select pg_advisory_lock(${lock_key});
  set lock_timeout = '1s'`

const end_alone = `
  select pg_advisory_unlock_all();
  reset lock_timeout;
  reset idle_session_timeout`

/** For how long one who works alone may try again what others are in the way of. */
export const alone_patience_ms = 5_000

/**
 * Runs work that only one may do at a time. All of it must go through the session that it is given: once
 * the server has ended that one, whatever its process does next comes too late and fails.
 */
export const alone = async <A>(sql: Sql, work: (session: Reserved) => Promise<A>): Promise<A> => {
  const session = await sql.reserve()
  try {
    await session.unsafe(begin_alone).simple()
    return await work(session)
  } finally {
    const ended = await session
      .unsafe(end_alone)
      .simple()
      .then(
        () => true,
        () => false,
      )
    if (ended) session.release()
    else await session.end({ timeout: 0 })
  }
}
