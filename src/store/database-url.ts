/**
 * The URL of a database, read as libpq reads it: what Postgres itself, its hosters and `psql` hand out. The drivers read
 * it otherwise, each in its own way, so they are told what it says and not its text.
 */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { ForewordError } from '../domain/errors.ts'

const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
type Mode = (typeof modes)[number]

/** What a URL says; undefined: nothing, and then PGHOST, PGUSER and so on are asked. */
export interface Server {
  /** A name, an address, or a folder of Unix sockets. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  readonly mode: Mode
  /** Files. Of the root: `system` for those that Node knows. */
  readonly root: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** Settings of the session, `options` among them. */
  readonly settings: Readonly<Record<string, string>>
}

const write_it =
  'write postgres://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded'

/** The text is never told: it may have a password in it. */
const wrong = (what: string, remedy = write_it): ForewordError =>
  new ForewordError(what, { remedy, exit_code: 2 })

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('the database URL has a % that no two hex digits follow', 'write %25 for a %')
  }
}

/** An empty text says nothing. */
const said = (text: string | null | undefined): string | undefined =>
  text === null || text === undefined || text === '' ? undefined : decoded(text)

/** Up to the last @ goes what is to be told nobody. */
const shape =
  /^postgres(?:ql)?:\/\/(?:(?<login>[^/?]*)@)?(?<place>[^/?]*)(?:\/(?<name>[^?]*))?(?:\?(?<query>.*))?$/s

/** Says how to connect, and nothing about the session; or is for another client that shares the URL. */
const without_effect = new Set(
  `application_name channel_binding client_encoding connect_timeout fallback_application_name gssdelegation
  gssencmode gsslib keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname
  load_balance_hosts sslcompression sslnegotiation sslsni tcp_user_timeout uselibpqcompat
  connection_limit debug fetch_types idle_timeout keep_alive max max_lifetime pgbouncer pool_timeout prepare schema sslaccept statement_cache_size supa workaround`.split(
    /\s+/,
  ),
)
/** What would lead elsewhere, or to a weaker check, where it was left out. */
const not_known = new Set(
  `hostaddr passfile require_auth requirepeer service servicefile ssl_max_protocol_version
  ssl_min_protocol_version sslcrl sslcrldir sslpassword`.split(/\s+/),
)
const read_here = new Set(
  'dbname host password port ssl sslcert sslkey sslmode sslrootcert target_session_attrs user'.split(
    ' ',
  ),
)

const settingsIn = (query: URLSearchParams): Server['settings'] => {
  const settings: Record<string, string> = {}
  for (const [name, value] of query) {
    if (not_known.has(name))
      throw wrong(`the database URL says ${name}, which foreword does not know`, 'leave it out')
    if (!without_effect.has(name) && !read_here.has(name)) settings[name] = value
  }
  const wanted = query.get('target_session_attrs') ?? 'any'
  if (!['any', 'read-write', 'primary', 'prefer-standby'].includes(wanted))
    throw wrong(
      `the database URL asks for a server that is ${/^[a-z-]+$/.test(wanted) ? wanted : 'not known'}`,
      'name the server, and leave target_session_attrs out',
    )
  return settings
}

const portOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw wrong('the port of the database URL is no whole number from 1 to 65535')
}

/** What the URLs of other drivers say. */
const other_words: Readonly<Record<string, Mode>> = {
  'no-verify': 'require',
  true: 'verify-full',
  '1': 'verify-full',
  false: 'disable',
  '0': 'disable',
}

const modeOf = (asked: string | undefined, root: string | undefined): Mode => {
  const text = asked === undefined ? undefined : (other_words[asked] ?? asked)
  const mode = modes.find((known) => known === text)
  if (text !== undefined && mode === undefined)
    throw wrong('sslmode of the database URL is none that is known', `write ${modes.join(', ')}`)
  if (root === 'system') return 'verify-full'
  // With a root to hold the certificate against, it is: as libpq does.
  if (mode === 'require' && root !== undefined) return 'verify-ca'
  // Anybody's certificate of a public root would do: not without looking at the name.
  return mode === 'verify-ca' && root === undefined ? 'verify-full' : (mode ?? 'disable')
}

/** Throws a ForewordError that shows nothing of the URL. */
export const serverOf = (url: string): Server => {
  const { login = '', place = '', name, query: text = '' } = shape.exec(url)?.groups ?? {}
  if (!shape.test(url)) throw wrong('the database URL is not one')
  const query = new URLSearchParams(text)
  const given = (key: string): string | undefined => query.get(key) ?? undefined
  if (place.includes(',') || given('host')?.includes(',') === true)
    throw wrong('the database URL names several hosts', 'name the primary alone')
  const at = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d*))?$/.exec(place)?.groups
  if (at === undefined) throw wrong('the database URL is not one')
  const [, user, password] = /^([^:]*)(?::(.*))?$/s.exec(login) ?? []
  const root = given('sslrootcert')
  return {
    host: given('host') ?? said(at['host']?.replace(/^\[(.*)\]$/, '$1')),
    port: portOf(given('port') ?? said(at['port'])),
    user: given('user') ?? said(user),
    password: given('password') ?? said(password),
    database: given('dbname') ?? said(name),
    mode: modeOf(given('sslmode') ?? given('ssl'), root),
    root: root === 'system' ? undefined : root,
    certificate: given('sslcert'),
    key: given('sslkey'),
    settings: settingsIn(query),
  }
}

/** host:port/database, for messages: never the password. */
export const placeOf = (url: string): string => {
  const { host = 'localhost', port = 5432, database } = serverOf(url)
  const shown = host.includes(':') ? `[${host}]` : host
  return `${shown}:${port}${database === undefined ? '' : `/${database}`}`
}

/** The URL for people and for argv, which everybody on the machine can read. */
export const withoutPassword = (url: string): string =>
  url
    .replace(/^([a-z]+:\/\/)([^:/?]*)(?::[^/?]*)?@/, (_, scheme: string, user: string) =>
      user === '' ? scheme : `${scheme}${user}@`,
    )
    .replace(/([?&])password=[^&]*&?/g, '$1')
    .replace(/[?&]$/, '')

const contents = (file: string, name: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ForewordError(`${name} of the database URL cannot be read`, {
      where: file,
      remedy: 'correct the path, or let this user read it',
      cause: error,
    })
  }
}

/** As the driver of decisions takes it: `require` and `prefer` are words of its own. */
export const tlsOf = (
  server: Server,
): false | 'require' | 'prefer' | (ConnectionOptions & { readonly host?: string }) => {
  const { mode, root, certificate, key, host } = server
  if (mode === 'disable') return false
  const own = {
    ...(certificate === undefined ? {} : { cert: contents(certificate, 'sslcert') }),
    ...(key === undefined ? {} : { key: contents(key, 'sslkey') }),
  }
  if (mode === 'allow' || mode === 'prefer') return 'prefer'
  if (mode === 'require')
    return certificate === undefined ? 'require' : { ...own, rejectUnauthorized: false }
  const ca = root === undefined ? {} : { ca: contents(root, 'sslrootcert') }
  // Without its host Node takes the certificate of an address for one of `localhost`.
  return mode === 'verify-ca'
    ? { ...own, ...ca, checkServerIdentity: () => undefined }
    : { ...own, ...ca, ...(host === undefined ? {} : { host }) }
}
