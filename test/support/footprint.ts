/**
 * What an open serializable transaction has read, as Postgres remembers it: its SIReadLocks. A lock of
 * a whole relation is in conflict with everybody who writes there, so it is told in capitals.
 */
import type { Sql } from '../../src/store/connect.ts'

const told = (relation: string, level: string, locks: number): string =>
  level === 'relation'
    ? `${relation} RELATION`
    : `${relation} ${locks} ${level}${locks === 1 ? '' : 's'}`

/** `member 3 tuples, member_pkey 1 page` of the session `pid`, asked on another one of the same database. */
export const footprintOf = async (sql: Sql, pid: number): Promise<string> => {
  const locks = await sql<{ relation: string; level: string; locks: number }[]>`
    select c.relname as relation, l.locktype as level, count(*)::integer as locks
    from pg_locks l
    join pg_class c on c.oid = l.relation
    where
      l.mode = 'SIReadLock'
      and l.pid = ${pid}
      and l.database = (select oid from pg_database where datname = current_database())
    group by c.relname, l.locktype
    order by c.relname, l.locktype`
  return locks.map((l) => told(l.relation, l.level, l.locks)).join(', ')
}
