/**
 * Who uses the embedded Postgres, told by session locks in the server itself: they cannot outlive
 * their process, no pid is ever compared, and two that come at the same instant are put in order.
 *
 * Everyone present holds `presence` shared. The one owner holds `ownership`. Whoever stops the
 * server as the last one out holds `presence` alone, so nobody can come in meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { connectSql, type Sql } from '../connect.ts'
import { ForewordError } from '../../domain/errors.ts'

/** Keys of advisory locks in the database `postgres`, where nobody else has business. */
const presence_key = 4_627_001
const ownership_key = 4_627_002

/** A killed owner's lock is free as soon as the server sees its socket closed: milliseconds, unless it is busy. */
const owner_wait_ms = 1_000
/** Pools that were just closed stay visible until their server processes have ended. */
const leave_wait_ms = 2_000

export interface Presence {
  readonly sql: Sql
}

export type Entered =
  | { readonly type: 'present'; readonly presence: Presence }
  /** The last one is just leaving, and the server will stop; or another start is due. */
  | { readonly type: 'closing' }
  /** Another server answers on this port: the pid file was copied with the data. */
  | { readonly type: 'foreign' }

/** Connects to the maintenance database and takes the shared lock. Throws what the connection throws. */
export const enter = async (
  url: string,
  isOurs: (data_directory: string) => Promise<boolean>,
  onlost: () => void,
): Promise<Entered> => {
  const sql = connectSql({
    url,
    application_name: `foreword:presence:${String(process.pid)}`,
    max: 1,
    onclose: onlost,
  })
  let entered = false
  try {
    const [row] = await sql<{ data_directory: string; entered: boolean }[]>`
      select
        current_setting('data_directory') as data_directory,
        pg_try_advisory_lock_shared(${presence_key}) as entered`
    if (row === undefined || !(await isOurs(row.data_directory))) return { type: 'foreign' }
    entered = row.entered
    return entered ? { type: 'present', presence: { sql } } : { type: 'closing' }
  } finally {
    if (!entered) await sql.end({ timeout: 1 })
  }
}

/** Becomes the owner. Undefined: done; else the pid of the owner there is (0: it cannot be told). */
export const own = async ({ sql }: Presence): Promise<number | undefined> => {
  const deadline = Date.now() + owner_wait_ms
  for (;;) {
    const [row] = await sql<{ owned: boolean; owner: string | null }[]>`
      select
        pg_try_advisory_lock(${ownership_key}) as owned,
        (
          select a.application_name
          from pg_locks l
          join pg_stat_activity a on a.pid = l.pid
          where l.locktype = 'advisory' and l.objid = ${ownership_key} and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
          limit 1
        ) as owner`
    if (row?.owned === true) return undefined
    if (Date.now() > deadline) return Number(/\d+$/.exec(row?.owner ?? '')?.[0] ?? 0)
    await pause(20)
  }
}

/** The error for a second owner of one directory. */
export const alreadyOwned = (directory: string, pid: number): ForewordError =>
  new ForewordError(`foreword is already up here, as pid ${String(pid)}`, {
    where: directory,
    remedy: `\`foreword worker\` starts one more worker beside it; or stop pid ${String(pid)} first`,
  })

/** Whether nobody else is present; keeps others out until `letIn` or the end of the session. */
const keepOut = async ({ sql }: Presence): Promise<boolean> => {
  const [row] = await sql<{ alone: boolean }[]>`
    select pg_try_advisory_lock(${presence_key}) as alone`
  return row?.alone ?? false
}

const letIn = async ({ sql }: Presence): Promise<void> => {
  await sql`select pg_advisory_unlock(${presence_key})`
}

/** Clients that came by the URL alone: our own pools, colleagues' processes, nobody's psql. */
const othersConnected = async ({ sql }: Presence): Promise<boolean> => {
  const [row] = await sql<{ others: number }[]>`
    select count(*)::int as others
    from pg_stat_activity
    where application_name like 'foreword%' and pid <> pg_backend_pid()
      and application_name not like 'foreword:presence:%'`
  return (row?.others ?? 0) > 0
}

/** Whether we are the only one here. True: nobody can come in either, until this session ends. */
export const isAlone = async (presence: Presence): Promise<boolean> => {
  if (!(await keepOut(presence))) return false
  if (!(await othersConnected(presence))) return true
  await letIn(presence)
  return false
}

/** Takes leave. True: we were the last one, nobody can come in, and the server is to be stopped. */
export const leave = async (presence: Presence): Promise<boolean> => {
  await presence.sql`select pg_advisory_unlock_shared(${presence_key})`
  if (!(await keepOut(presence))) return false
  const deadline = Date.now() + leave_wait_ms
  while (await othersConnected(presence)) {
    if (Date.now() > deadline) return false
    await pause(20)
  }
  return true
}
