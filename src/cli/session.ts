/** A command's way to the database: configuration, server, engine; all closed when the command ends. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../domain/config.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Logger } from '../domain/ports.ts'
import type { Secrets } from '../domain/provider.ts'
import { migrateAll, openEngine, type Engine } from '../foreword.ts'
import { resolveSecret } from '../secrets.ts'
import { connectSql, type Sql } from '../store/connect.ts'
import { openDatabase, type Database } from '../store/database.ts'
import type { MigrateReport } from '../store/migrate/migrate.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { version } from '../version.ts'
import { loadConfig } from './config-file.ts'
import { lineLogger, type Context } from './context.ts'

export const configOf = (context: Context): Promise<Config> =>
  loadConfig(context.options.config, context.cwd, context.env)

/** Opens the database for this command, and closes it when the command ends. */
export const databaseOf = async (
  context: Context,
  config: Config,
  mode: 'own' | 'join' = 'join',
): Promise<Database> => {
  if (config.database === undefined && !existsSync(join(config.directory, 'postgres'))) {
    context.note(`making a Postgres under ${config.directory}, once`)
  }
  const database = await openDatabase(config, mode)
  context.setUrl(database.url)
  context.atEnd(database.close)
  return database
}

export interface Session {
  readonly config: Config
  readonly database: Database
  readonly engine: Engine
  readonly secrets: Secrets
  readonly migrated: MigrateReport
}

export interface SessionOptions {
  readonly config?: Config
  readonly mode?: 'own' | 'join'
  readonly logger?: Logger
  readonly metrics?: Metrics
}

/** Secrets in files are named from the configuration's folder on. */
const secretsFolder = (context: Context): string =>
  context.options.config === undefined
    ? context.cwd
    : dirname(resolve(context.cwd, context.options.config))

/** For commands that decide or apply: brings the database to this version first. */
export const openSession = async (
  context: Context,
  options: SessionOptions = {},
): Promise<Session> => {
  const config = options.config ?? (await configOf(context))
  const database = await databaseOf(context, config, options.mode)
  const migrated = await migrateAll(database.url)
  const secrets = resolveSecret(context.env, secretsFolder(context))
  const engine = openEngine({
    url: database.url,
    config,
    secrets,
    logger: options.logger ?? lineLogger(context),
    version,
    ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
  })
  context.atEnd(engine.close)
  return { config, database, engine, secrets, migrated }
}

interface ReaderOptions {
  /** Settings of its sessions. */
  readonly connection?: Readonly<Record<string, string>>
}

/** For commands that only read: nothing is made, started from nothing, or migrated by looking at it. */
export const openReaderOf = async (
  context: Context,
  config: Config,
  options: ReaderOptions = {},
): Promise<{ readonly sql: Sql; readonly database: Database }> => {
  if (config.database === undefined && !existsSync(join(config.directory, 'postgres'))) {
    throw new ForewordError('there is no database here yet', {
      where: config.directory,
      remedy: 'run `foreword up`, or `foreword migrate`',
    })
  }
  const database = await databaseOf(context, config)
  const { connection = {} } = options
  const sql = connectSql({
    url: database.url,
    application_name: 'foreword:cli',
    max: 2,
    connection,
  })
  context.atEnd(() => sql.end({ timeout: 2 }))
  return { sql, database }
}

export const openReader = async (context: Context): Promise<Sql> =>
  (await openReaderOf(context, await configOf(context))).sql
