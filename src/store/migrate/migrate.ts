/**
 * Brings a database to this version of foreword: versioned migrations, then schema `foreword` made
 * anew from `sql/`, all in one transaction, so that a database is of one version or of the other.
 */
import { codeOf, connectionError, type Sql, type TransactionSql } from '../connect.ts'
import { placeOf } from '../database-url.ts'
import { readGrants, refuseToDropOthers, restoreGrants } from './dependents.ts'
import { explained } from './explained.ts'
import { expectDeployed, isGuest } from './guest.ts'
import { countAhead, logHasMoved } from './moved.ts'
import { migrationsFolder, postgratorOn, readRelease, type Folders, type Release } from './files.ts'
import { refuseToGoBack } from '../release-watch.ts'
import { ForewordError } from '../../domain/errors.ts'

export interface MigrateReport {
  /** Version of the schema before and after; 0: the database was empty. */
  readonly from: number
  readonly to: number
  /** Names of the migrations that were run. */
  readonly applied: readonly string[]
  /** Whether the views and functions were made anew. */
  readonly rebuilt: boolean
}

export interface MigrateOptions extends Folders {
  /** For messages; where to connect is the handle's affair. */
  readonly url: string
  /** Called after the commit, each time: the queue's own migrations. */
  readonly afterwards?: () => Promise<void>
  /** Somebody has asked for it: also from a later release with the same migrations. */
  readonly back?: boolean
}

/** Two migrators of one database wait for each other. */
const migrate_lock_key = 4_627_003
/** Views are replaced under exclusive locks: longer than this nobody's report may hold us, and all others, up. */
const lock_timeout_ms = 30_000
const server_version_min = 150_000

interface Applied {
  readonly version: number
  readonly md5: string | null
}

const newestOf = (release: Release): number => release.migrations.at(-1)?.version ?? 0

const readApplied = async (sql: Sql | TransactionSql): Promise<readonly Applied[]> => {
  const [found] = await sql<{ there: boolean }[]>`
    select to_regclass('foreword_private.migration') is not null as there`
  if (found?.there !== true) return []
  return sql<Applied[]>`
    select version, md5 from foreword_private.migration where version > 0 order by version`
}

const readHash = async (sql: Sql | TransactionSql): Promise<string | undefined> => {
  const [found] = await sql<{ there: boolean }[]>`
    select to_regclass('foreword_private.deployment') is not null
      and to_regnamespace('foreword') is not null as there`
  if (found?.there !== true) return undefined
  const [latest] = await sql<{ hash: string }[]>`
    select hash from foreword_private.deployment order by at desc limit 1`
  return latest?.hash
}

const newerDatabase = (where: string, theirs: number, ours: number): ForewordError =>
  new ForewordError(
    `the database is of a newer foreword (schema ${String(theirs)}, this one knows ${String(ours)})`,
    { where, remedy: 'upgrade foreword here, or use another database' },
  )

/** What was run once must be what we would run: else nobody knows what the schema is. */
const checkHistory = (release: Release, applied: readonly Applied[], where: string): void => {
  const theirs = applied.at(-1)?.version ?? 0
  if (theirs > newestOf(release)) throw newerDatabase(where, theirs, newestOf(release))
  const recorded = new Map(applied.map(({ version, md5 }) => [version, md5]))
  for (const { version, filename, md5 } of release.migrations) {
    if (version > theirs) continue
    const before = recorded.get(version)
    if (before === undefined) {
      throw new ForewordError(
        `migration ${String(version)} is older than the schema, and was never run`,
        {
          where: `${filename}, ${where}`,
          remedy: `give it a number above ${String(theirs)}`,
        },
      )
    }
    if (before !== null && before !== md5) {
      throw new ForewordError(
        `migration ${String(version)} is not the one that this database was made with`,
        {
          where: `${filename}, ${where}`,
          remedy: 'use the foreword that made it or a later one; changes belong in a new migration',
        },
      )
    }
  }
  const missing = applied.find(({ version }) =>
    release.migrations.every((m) => m.version !== version),
  )
  if (missing === undefined) return
  throw new ForewordError(
    `the database has a migration ${String(missing.version)} that this foreword lacks`,
    {
      where,
      remedy: 'use the foreword that made it or a later one',
    },
  )
}

const checkServer = async (sql: Sql, where: string): Promise<void> => {
  const [server] = await sql<
    { number: number; name: string; encoding: string; standby: boolean }[]
  >`
    select
      current_setting('server_version_num')::int as number,
      current_setting('server_version') as name,
      current_setting('server_encoding') as encoding,
      pg_is_in_recovery() as standby`
  if (server === undefined) return
  if (server.number < server_version_min) {
    throw new ForewordError(`foreword needs Postgres 15 or later, this is ${server.name}`, {
      where,
      remedy: 'upgrade the server, or leave `database` unset for the embedded one',
    })
  }
  if (server.encoding !== 'UTF8') {
    throw new ForewordError(`the database is in ${server.encoding}, foreword needs UTF8`, {
      where,
      remedy: "create one with `encoding 'UTF8' template template0`, and name that",
    })
  }
  if (server.standby) {
    throw new ForewordError('this server is a standby: nothing can be written here', {
      where,
      remedy: 'name the primary in the URL',
    })
  }
}

const runFile = async (
  tx: TransactionSql,
  file: { readonly path: string; readonly text: string },
  where: string,
): Promise<void> => {
  try {
    await tx.unsafe(file.text)
  } catch (error) {
    throw explained(error, file.path, file.text, where)
  }
}

const runMigrations = async (
  tx: TransactionSql,
  folders: Folders,
  where: string,
): Promise<readonly string[]> => {
  const postgrator = postgratorOn(tx, migrationsFolder(folders))
  let running: { readonly filename: string; readonly getSql: () => string } | undefined
  postgrator.on('migration-started', (migration) => (running = migration))
  try {
    return (await postgrator.migrate()).map(({ version, name }) => `${String(version)} ${name}`)
  } catch (error) {
    throw explained(error, running?.filename ?? 'foreword_private', running?.getSql() ?? '', where)
  }
}

const rebuild = async (tx: TransactionSql, release: Release, where: string): Promise<void> => {
  await refuseToDropOthers(tx, where)
  const grants = await readGrants(tx)
  const renewed = 'drop schema if exists foreword cascade; create schema foreword'
  await runFile(tx, { path: 'schema foreword', text: renewed }, where)
  for (const file of release.objects) await runFile(tx, file, where)
  await restoreGrants(tx, grants)
}

/** The session may come with limits for deciders; names must mean the same for every user. */
const prepareSession = async (tx: TransactionSql): Promise<void> => {
  await tx.unsafe(`
    set local search_path = pg_catalog;
    set local idle_in_transaction_session_timeout = 0;
    set local statement_timeout = 0;
    set local lock_timeout = 0;
    set local client_min_messages = warning`)
  await tx`select pg_advisory_xact_lock(${migrate_lock_key})`
  await tx.unsafe(`set local lock_timeout = ${String(lock_timeout_ms)}`)
}

const migrateIn = async (
  tx: TransactionSql,
  release: Release,
  options: MigrateOptions,
  where: string,
): Promise<MigrateReport> => {
  await prepareSession(tx)
  const before = await readApplied(tx)
  checkHistory(release, before, where)
  const from = before.at(-1)?.version ?? 0
  const to = newestOf(release)
  const hash = await readHash(tx)
  if (hash === release.hash && !(await logHasMoved(tx))) {
    return { from, to, applied: [], rebuilt: false }
  }
  if (hash !== undefined && options.back !== true) await refuseToGoBack(tx, release.version, where)
  const applied = await runMigrations(tx, options, where)
  await rebuild(tx, release, where)
  if (await logHasMoved(tx)) {
    await countAhead(tx)
    await rebuild(tx, release, where)
  }
  await runFile(tx, { path: 'foreword_private.deployment', text: deployment_table }, where)
  await tx`
    insert into foreword_private.deployment (version, hash, at)
    values (${release.version}, ${release.hash}, clock_timestamp())`
  return { from, to, applied, rebuilt: true }
}
const deployment_table = `
  create schema if not exists foreword_private;
  create table if not exists foreword_private.deployment (
    version text not null,
    hash text not null,
    at timestamptz not null
  )`

/**
 * Migrates. Throws a ForewordError naming file, line, database and remedy when it cannot; then
 * nothing was changed. A second call, or one at the same moment, finds nothing to do; so does who only
 * was given a role, where the owner has migrated.
 */
export const migrate = async (sql: Sql, options: MigrateOptions): Promise<MigrateReport> => {
  const where = placeOf(options.url)
  const release = await readRelease(options)
  try {
    await checkServer(sql, where)
    if (await isGuest(sql)) {
      await expectDeployed(sql, release.hash, where)
      return { from: newestOf(release), to: newestOf(release), applied: [], rebuilt: false }
    }
    const report = await sql.begin('isolation level read committed read write', (tx) =>
      migrateIn(tx, release, options, where),
    )
    await options.afterwards?.()
    return report
  } catch (error) {
    throw connectionError(options.url, error)
  }
}

/** For commands that do not migrate. Throws a ForewordError when the database is not of this foreword. */
export const assertMigrated = async (
  sql: Sql,
  options: { readonly url: string } & Folders,
): Promise<void> => {
  const where = placeOf(options.url)
  const release = await readRelease(options)
  try {
    const [applied, hash] = [await readApplied(sql), await readHash(sql)]
    if (hash === release.hash && !(await logHasMoved(sql))) return
    if (applied.length > 0) checkHistory(release, applied, where)
    throw new ForewordError(
      applied.length === 0
        ? 'the database is empty'
        : hash === release.hash
          ? 'the log has come from another server'
          : 'the database is of another version of foreword',
      { where, remedy: 'run `foreword migrate`' },
    )
  } catch (error) {
    if (codeOf(error) === '42501') {
      throw new ForewordError('this user may not read schema foreword_private', {
        where,
        remedy: 'connect as the user who ran `foreword migrate`',
        cause: error,
      })
    }
    throw connectionError(options.url, error)
  }
}
