/**
 * A pooler between foreword and Postgres. Its sessions are not ours alone: it may take no settings for them, and in
 * transaction mode it hands them from one client to another between two statements. Then a worker's lock is anybody's
 * and the settings of a decider are lost, without an error: so that is found out, and refused.
 */
import { ForewordError } from '../domain/errors.ts'
import { codeOf, connectSql, takesNoSettings, type Sql } from './connect.ts'
import { placeOf } from './database-url.ts'

/** What a session begins with where nobody hears of it but the server. */
const mark = { idle_in_transaction_session_timeout: '54321' } as const
const marked = '54321ms'

interface Answer {
  readonly version: number
  /** Who answered, and who the client believes to speak with: two, where somebody stands between. */
  readonly pid: number
  readonly believed: number
  readonly marked: boolean
  readonly isolation: string
}

const ask = async (sql: Sql): Promise<Answer> => {
  const rows = await sql<Omit<Answer, 'believed'>[]>`
    select
      current_setting('server_version_num')::integer as version,
      pg_backend_pid() as pid,
      current_setting('idle_in_transaction_session_timeout') = ${marked} as marked,
      current_setting('default_transaction_isolation') as isolation`
  const [row] = rows
  if (row === undefined) throw new Error('the server did not tell its version')
  return { ...row, believed: rows.state.pid }
}

const probe = async <A>(url: string, work: (sql: Sql) => Promise<A>): Promise<A> => {
  const sql = connectSql({ url, application_name: 'foreword:probe', max: 1, connection: mark })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** PgBouncer refuses a client for a setting that it does not know. */
const isRefusedSetting = (error: unknown): boolean =>
  codeOf(error) === '08P01' &&
  error instanceof Error &&
  /unsupported startup parameter/.test(error.message)

const pidOf = async (sql: Sql): Promise<number> => {
  // By the simple protocol: what is prepared on one session would be executed on another.
  const [row] = await sql.unsafe<{ pid: number }[]>('select pg_backend_pid() as pid').simple()
  return row?.pid ?? 0
}

/** Whether a session that a client holds is ever another's. Two clients: a pooler without traffic gives one the same again. */
const isHandedOn = (url: string): Promise<boolean> =>
  probe(url, async (one) => {
    const held = [await pidOf(one), await pidOf(one)]
    const other = await probe(url, pidOf)
    return new Set([...held, await pidOf(one)]).size > 1 || held.includes(other)
  })

const remedy =
  'connect to Postgres itself, or by a pool in session mode (pool_mode = session); see docs/operations.md'

/** Where a pooler is between, sees to it that it is one that foreword can work through. */
const checkPooler = async (url: string, answer: Answer): Promise<void> => {
  if (answer.pid === answer.believed) return
  if (await isHandedOn(url)) {
    const what =
      'a pooler is between, in transaction mode: its sessions hold neither locks nor settings'
    throw new ForewordError(what, { where: placeOf(url), remedy })
  }
  if (answer.marked) return
  takesNoSettings(url)
  if (answer.isolation === 'read committed') return
  const what = `the pooler between takes no settings, and by default transactions are ${answer.isolation}`
  throw new ForewordError(what, {
    where: placeOf(url),
    remedy:
      "alter role … set default_transaction_isolation = 'read committed', and reload the pooler",
  })
}

/** Asks the server once, and finds out what a pooler in between lets through. */
export const askServer = async (url: string): Promise<Answer> => {
  const answer = await probe(url, ask).catch((error: unknown) => {
    if (!isRefusedSetting(error)) throw error
    takesNoSettings(url)
    return probe(url, ask)
  })
  await checkPooler(url, answer)
  return answer
}
