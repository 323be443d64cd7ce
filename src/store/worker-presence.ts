/**
 * A worker lives as long as its session holds an advisory lock: the server frees it the moment the
 * process dies, without leases to run out or heartbeats to miss.
 */
import { hostname } from 'node:os'
import { connectSql } from './connect.ts'

/** First key of the lock; sql/050_sweep.sql and the view `worker` look for it. */
const lock_class = 20141

export interface Presence {
  readonly worker: number
  readonly leave: () => Promise<void>
}

export interface PresenceOptions {
  readonly url: string
  readonly version: string
  readonly kinds: readonly string[]
  /** The session, and with it the lock, is gone: others take over, so this process must stop at once. */
  readonly onLost: () => void
}

export const enterAsWorker = async (options: PresenceOptions): Promise<Presence> => {
  let leaving = false
  const sql = connectSql({
    url: options.url,
    application_name: 'foreword:presence',
    max: 1,
    connection: {
      // A host that vanished is noticed by the server after about 25 seconds.
      tcp_keepalives_idle: '10',
      tcp_keepalives_interval: '5',
      tcp_keepalives_count: '3',
    },
    onclose: () => {
      if (!leaving) options.onLost()
    },
  })
  const enter = async (): Promise<number> => {
    // It says nothing for as long as it lives: what a database does with idle sessions must not end it.
    const [row] = await sql<{ id: number }[]>`
      select
        foreword_code.enter_worker(
          ${hostname()}, ${process.pid}, ${options.version}, ${[...options.kinds]}::text[]
        ) as id,
        set_config('idle_session_timeout', '0', false)`
    const worker = row?.id ?? 0
    await sql`select pg_advisory_lock(${lock_class}, ${worker}::integer)`
    return worker
  }
  const close = async (): Promise<void> => {
    leaving = true
    await sql.end({ timeout: 2 })
  }
  const worker = await enter().catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    worker,
    leave: async () => {
      leaving = true
      // Of another release by now, the database may not know that function: the lock is let go all the same.
      try {
        await sql`select foreword_code.leave_worker(${worker})`
      } finally {
        await close()
      }
    },
  }
}
