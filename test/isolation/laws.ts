/** What every spec of the suite must show, on every server and by every kind of actor. */
import type { Test } from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import type { Sql } from '../../src/store/connect.ts'
import { testDatabase, type TestDatabase } from '../support/database.ts'
import { onEachServer } from '../support/each-server.ts'
import { flights, productPath } from './actors.ts'
import { historyIsSerializable } from './history.ts'
import { openSessions } from './sessions.ts'
import type { Spec } from './spec.ts'
import { hasSqlFunctions, sqlActor } from './sql-actors.ts'
import { lineOf, runSpec, totalsOf, type Cast, type Report } from './suite.ts'

/** TypeScript's path. */
export const flightsCast: Cast = {
  name: 'flights',
  play: flights({ path: productPath, held: false }),
  prepared: 'unread',
  locks: false,
}

/** The same as it is from the second try on. */
const heldCast: Cast = {
  name: 'flights, rows held',
  play: flights({ path: productPath, held: true }),
  prepared: 'unread',
  locks: true,
}

/** Functions of SQL, on names that were named before. */
const sqlCast: Cast = { name: 'sql', play: sqlActor, prepared: 'all', locks: false }

/** The same where nobody has: who reads or writes a new name makes its slot, and others wait for him. */
const newNamesCast: Cast = { name: 'sql, new names', play: sqlActor, prepared: 'none', locks: true }

export interface Ground extends TestDatabase {
  /** Its version, for people. */
  readonly server: string
}

/**
 * While anybody has an old snapshot, dead rows stay and pages fill up: updates are HOT no longer, and disturb who
 * reads beside them. ANALYZE is such a somebody, and comes when it pleases.
 */
const keepVacuumOut = async (sql: Sql): Promise<void> => {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name
    from pg_tables
    where schemaname = 'foreword_private'`
  for (const { name } of tables) {
    await sql.unsafe(`alter table ${name} set (autovacuum_enabled = off)`)
  }
}

/** A law on a database of its own, on the oldest Postgres and on ours. */
export const onServers = (
  t: Test,
  title: string,
  law: (t: Test, ground: Ground) => Promise<void>,
): void => {
  onEachServer(t, title, async (t, server) => {
    const database = await testDatabase(t, { server })
    await keepVacuumOut(database.sql)
    await law(t, { ...database, server: `Postgres ${server}` })
  })
}

const assertLaws = (t: Test, report: Report, cast: Cast): void => {
  const { spec } = report
  const totals = totalsOf(report)
  const what = `${spec.name}, ${cast.name}`
  t.strictSame(totals.anomalies, [], `${what}: ${spec.law}`)
  t.equal(totals.serial_lost, 0, `${what}: who is alone loses to nobody`)
  t.ok(totals.nobody_lost > 0, `${what}: in some order nobody loses`)
  if (spec.meet === 'always') t.ok(totals.aborted > 0, `${what}: in some order somebody loses`)
  // Locks make others wait, and sometimes lose, who only read beside each other.
  else if (!cast.locks) t.equal(totals.aborted, 0, `${what}: nobody loses for nothing`)
  if (spec.blind !== true)
    t.equal(totals.invalid, 0, `${what}: what was decided on facts fits them`)
}

const castsOf = async (t: Test, { sql }: Ground): Promise<readonly Cast[]> => {
  const by_sql = await hasSqlFunctions(sql)
  if (!by_sql) t.comment('no actors of SQL: the functions are not there')
  return [flightsCast, ...(by_sql ? [sqlCast, newNamesCast] : []), heldCast]
}

/** All specs by all actors, then the history of all of it. */
export const holdLaws = async (
  t: Test,
  ground: Ground,
  specs: readonly Spec[],
  judge: (t: Test, report: Report, cast: Cast) => void = assertLaws,
): Promise<void> => {
  const sessions = await openSessions(t, ground.url)
  for (const cast of await castsOf(t, ground)) {
    for (const spec of specs) {
      // Three who wait for each other's rows take many times as long, and show nothing that two do not.
      if (cast.locks && spec.actors.length > 2) continue
      const report = await runSpec(sessions, spec, cast)
      t.comment(lineOf(report, cast, ground.server))
      judge(t, report, cast)
    }
  }
  const history = await historyIsSerializable(ground.sql)
  t.comment(`history: ${history.decisions} decisions, ${history.edges} edges`)
  t.strictSame(history.circle, [], 'and no circle is in the history of all of them')
  const report = await audit(auditStore(ground.sql))
  const broken = report.checks.filter((check) => check.violated > 0)
  t.strictSame(broken, [], 'and the audit finds nothing')
}
