/** Long-lived connections, one for each actor, with what deciders' sessions are set to. */
import { decider_settings } from '../../src/store/decider-settings.ts'
import { connectSql, type Reserved, type Sql } from '../../src/store/connect.ts'

export interface Session {
  readonly tx: Reserved
  readonly pid: number
}

export interface Sessions {
  readonly actors: readonly Session[]
  /** Outside of all transactions of actors. */
  readonly observer: Sql
}

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

/**
 * As deciders' sessions are set, but for two limits: an actor may idle in its transaction, and wait
 * for a lock, as long as the order of steps asks for. A deadlock is found at once.
 */
const actor_settings: Readonly<Record<string, string>> = {
  ...decider_settings,
  idle_in_transaction_session_timeout: '0',
  lock_timeout: '0',
  deadlock_timeout: '20ms',
}

const actors_max = 4

export const openSessions = async (
  t: Teardown,
  url: string,
  over: Readonly<Record<string, string>> = {},
): Promise<Sessions> => {
  const pool = connectSql({
    url,
    application_name: 'test:actor',
    max: actors_max,
    connection: { ...actor_settings, ...over },
  })
  const observer = connectSql({ url, application_name: 'test:observer', max: 2 })
  const actors: Session[] = []
  for (let i = 0; i < actors_max; i++) {
    const tx = await pool.reserve()
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
    actors.push({ tx, pid: row?.pid ?? 0 })
  }
  t.teardown(async () => {
    for (const { tx } of actors) tx.release()
    await Promise.all([pool.end({ timeout: 5 }), observer.end({ timeout: 5 })])
  })
  return { actors, observer }
}
