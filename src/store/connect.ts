/** The one place that opens connections to Postgres, and the one that says why one cannot be opened. */
import postgres from 'postgres'
import { ForewordError } from '../domain/errors.ts'
import { knowArrays } from './arrays.ts'
import { placeOf, serverOf, tlsOf, type Server } from './database-url.ts'
import { lending, type OneOptions } from './lend.ts'
import { limitOf } from './server-limits.ts'

/** int8 columns come as numbers; `numeric` (also sum() of int8) as strings, timestamptz as Dates, jsonb parsed. */
interface ColumnTypes extends Record<string, postgres.PostgresType> {
  bigint: postgres.PostgresType<number>
}
/** A handle of postgres.js. */
export type Sql = postgres.Sql<{ bigint: number }>
export type TransactionSql = postgres.TransactionSql<{ bigint: number }>
/** One connection, taken out of the pool until `release()`: session locks live on it. */
export type Reserved = postgres.ReservedSql<{ bigint: number }>

export interface ConnectOptions {
  readonly url: string
  /** `foreword:<role>`: servers are stopped, and backlogs explained, by who is connected. */
  readonly application_name: string
  /** Connections at most. */
  readonly max: number
  /** Settings of each session, e.g. `idle_in_transaction_session_timeout`. */
  readonly connection?: Readonly<Record<string, string>>
  /** Called whenever a connection was closed, by whomever. Session locks held on it are gone. */
  readonly onclose?: () => void
  /** Close connections that were idle for this long; absent: keep them, session locks included. */
  readonly idle_timeout_s?: number
}

const safeInteger = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is too large for a number`)
  return value
}

const columnTypes: ColumnTypes = {
  bigint: { to: 20, from: [20], serialize: (value: unknown) => String(value), parse: safeInteger },
}

/**
 * What a database or a role may have another default for. Claims, settlings and look-ups of a lost COMMIT are
 * single statements that must see what has committed when each of theirs begins; times are read as ISO.
 */
const session_settings: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'read committed',
  DateStyle: 'ISO',
  standard_conforming_strings: 'on',
}

/** What PgBouncer knows of them without being told. */
const known_to_poolers = ['DateStyle', 'standard_conforming_strings']

/** URLs of which a pooler takes no settings for a session: see pooler.ts. */
const without_settings = new Set<string>()

export const takesNoSettings = (url: string): void => {
  without_settings.add(url)
}

export const takesSettings = (url: string): boolean => !without_settings.has(url)

/** What is told to the server with the log-in, and what must be said to each session that is lent. */
const settingsFor = ({
  url,
  connection = {},
}: ConnectOptions): { readonly told: Readonly<Record<string, string>>; readonly said: string } => {
  const settings = { ...session_settings, ...connection }
  if (takesSettings(url)) return { told: settings, said: 'select' }
  const entries = Object.entries(settings)
  return {
    told: Object.fromEntries(entries.filter(([name]) => known_to_poolers.includes(name))),
    said: entries
      .map(([name, value]) => `set ${name} = '${value.replaceAll("'", "''")}'`)
      .join('; '),
  }
}

const silent = (): undefined => undefined

/** The driver takes the colons of an address for those before a port, unless it is one of a list. */
const addressOf = (server: Server): { readonly host?: string; readonly port?: number } => {
  const { host, port, user, password, database } = server
  const address = {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(host?.includes(':') === true ? { host: [host], port: [port ?? 5432] } : {}),
    ...(host?.startsWith('/') === true ? { path: `${host}/.s.PGSQL.${port ?? 5432}` } : {}),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
  }
  // Its types know of one host only.
  return address as object
}

/**
 * A pool. Nothing is sent before the first query; `end()` it, or the process will not exit. What it
 * lends by `reserve` comes besides, up to `max` too.
 */
export const connectSql = (options: ConnectOptions): Sql => {
  const server = serverOf(options.url)
  const ssl = tlsOf(server)
  const { told, said } = settingsFor(options)
  const open = (over: Partial<OneOptions>): Sql => {
    const sql = postgres({
      ...addressOf(server),
      ssl,
      max: options.max,
      connect_timeout: 10,
      backoff,
      idle_timeout: options.idle_timeout_s,
      // By default connections are replaced after half an hour, and session locks would be lost with them.
      max_lifetime: null,
      onnotice: silent,
      fetch_types: false,
      types: columnTypes,
      connection: {
        ...server.settings,
        ...told,
        application_name: options.application_name,
      },
      ...over,
      onclose: () => {
        over.onclose?.()
        options.onclose?.()
      },
    })
    knowArrays(sql.options)
    return sql
  }
  const pool = open({})
  const lent = lending(options.max, open, said)
  const end = pool.end.bind(pool)
  return Object.assign(pool, {
    reserve: lent.reserve,
    end: async (ending?: { readonly timeout?: number | undefined }) => {
      await Promise.all([end(ending), lent.end(ending)])
    },
  })
}

/**
 * Seconds until a connection that failed is tried again. The driver's own wait grows to 20 s: so long would each
 * question hang after an outage, and nobody notice that the database is back.
 */
const backoff_s_max = 0.5
const backoff = (failures: number): number =>
  (0.5 + Math.random() / 2) * Math.min(3 ** failures / 100, backoff_s_max)

/** The SQLSTATE of Postgres or the code of the socket or of TLS; '' for any other error. */
export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''

const start = 'start it, correct the URL, or leave `database` unset for the embedded one'

/** What a failed connection means to a person. */
const unreachable = new Map<string, readonly [what: string, remedy: string]>([
  ['ECONNREFUSED', ['nothing listens there', start]],
  [
    'ECONNRESET',
    [
      'the server closed the connection',
      'try again; if that is no help: does it speak Postgres, and TLS as the URL asks?',
    ],
  ],
  ['ENOTFOUND', ['there is no such host', 'correct the host in the URL']],
  [
    'EAI_AGAIN',
    ['the host name cannot be resolved now', 'check the name server, or the host in the URL'],
  ],
  ['EHOSTUNREACH', ['there is no route to the host', 'check the network']],
  ['ENETUNREACH', ['there is no route to the host', 'check the network']],
  ['ETIMEDOUT', ['no answer', 'check the network, firewalls, host and port']],
  ['CONNECT_TIMEOUT', ['no answer within 10 s', 'check the network, firewalls, host and port']],
  ['28P01', ['the password or user is wrong', 'correct the URL']],
  ['28000', ['this user may not log in from here', 'see pg_hba.conf of the server']],
  ['3D000', ['there is no such database', 'create it (createdb), or correct the URL']],
  ['53300', ['the server has no connection left', 'raise max_connections, or stop clients']],
  ['57P01', ['the server ended the connection', 'try again in a moment']],
  ['57P02', ['the server ended the connection', 'try again in a moment']],
  ['57P03', ['the server is starting up or shutting down', 'try again in a moment']],
  ['57P04', ['the database was dropped', 'correct the URL']],
])

/** A connection that was there, and is not any more. */
export const lost_codes: ReadonlySet<string> = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'ECONNABORTED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
])

const isTls = (error: unknown): boolean =>
  /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/.test(codeOf(error)) ||
  (error instanceof Error && /secure TLS connection/.test(error.message))

/** Of a socket, and not of one of the many files that may be missing. */
const hasNoSocket = (error: unknown): boolean =>
  codeOf(error) === 'ENOENT' && (error as { readonly syscall?: unknown }).syscall === 'connect'

export const isConnectionError = (error: unknown): boolean =>
  unreachable.has(codeOf(error)) ||
  isTls(error) ||
  lost_codes.has(codeOf(error)) ||
  /^08...$/.test(codeOf(error))

/** 25006; and a standby in recovery does not even begin at SERIALIZABLE. */
const takesNoWrites = (error: unknown): boolean =>
  codeOf(error) === '25006' || (error instanceof Error && /in a hot standby/.test(error.message))

const limitReached = (url: string, error: unknown): ForewordError | undefined => {
  const sqlstate = codeOf(error)
  const limit = limitOf(sqlstate)
  if (limit === undefined || !(error instanceof Error)) return undefined
  const { what, remedy } = limit
  return new ForewordError(`${what} (${error.message}, SQLSTATE ${sqlstate})`, {
    where: placeOf(url),
    remedy,
    cause: error,
  })
}

/**
 * A failed connection, and a server at its limits, as a ForewordError that names host:port/database; any other
 * error as it is.
 */
export const connectionError = (url: string, error: unknown): unknown => {
  const limited = limitReached(url, error)
  if (limited !== undefined) return limited
  if (takesNoWrites(error)) {
    return new ForewordError('the database takes no writes', {
      where: placeOf(url),
      remedy: 'name the primary where this is a standby; else see default_transaction_read_only',
      cause: error,
    })
  }
  if (hasNoSocket(error)) {
    return new ForewordError('cannot reach the database: there is no such socket', {
      where: placeOf(url),
      remedy: 'start it, or correct host and port in the URL',
      cause: error,
    })
  }
  if (!isConnectionError(error)) return error
  if (codeOf(error) === '28000' && error instanceof Error && /no encryption/.test(error.message)) {
    return new ForewordError('cannot reach the database: the server takes no log-in without TLS', {
      where: placeOf(url),
      remedy:
        'add ?sslmode=require to the URL, or verify-full with sslrootcert=FILE; else see its pg_hba.conf',
      cause: error,
    })
  }
  const [what, remedy] = isTls(error)
    ? [
        `TLS failed (${error instanceof Error ? error.message : codeOf(error)})`,
        'correct sslmode in the URL (disable, require, verify-full), or name who signed the certificate by sslrootcert=FILE',
      ]
    : (unreachable.get(codeOf(error)) ?? [
        `the connection was lost${codeOf(error).startsWith('08') && error instanceof Error ? ` (${error.message})` : ''}`,
        'try again',
      ])
  return new ForewordError(`cannot reach the database: ${what}`, {
    where: placeOf(url),
    remedy,
    cause: error,
  })
}
