/** Databases for measuring: on an embedded, durable server (fsync on), migrated; thrown away afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { defaultLimits, type Config } from '../src/domain/config.ts'
import { migrateAll, openEngine, type Engine } from '../src/foreword.ts'
import { createLogger } from '../src/logger.ts'
import { connectSql, type Sql } from '../src/store/connect.ts'
import { openEmbedded, type Embedded } from '../src/store/embedded/open.ts'

export interface BenchDatabase {
  readonly url: string
  readonly engine: (over?: Partial<Config>) => Engine
  readonly sql: Sql
  readonly close: () => Promise<void>
}

export interface BenchServer {
  /** One more database, empty and as young as on the day of its migration. Closing it drops it. */
  readonly database: () => Promise<BenchDatabase>
  readonly close: () => Promise<void>
}

const openDatabase = (url: string, directory: string): BenchDatabase => {
  const sql = connectSql({ url, application_name: 'foreword:bench', max: 4 })
  const engines: Engine[] = []
  return {
    url,
    sql,
    engine: (over = {}) => {
      const config: Config = {
        database: url,
        directory,
        providers: [],
        deciders: [],
        schedules: [],
        policies: [],
        limits: { ...defaultLimits, pool_connections_max: 16 },
        web: { port: 0 },
        ...over,
      }
      const engine = openEngine({
        url,
        config,
        secrets: String,
        logger: createLogger({ level: 'silent' }),
        version: 'bench',
      })
      engines.push(engine)
      return engine
    },
    close: async () => {
      for (const engine of engines) await engine.close()
      await sql.end({ timeout: 5 })
    },
  }
}

/** Sets what only a start of the server reads. */
const restarted = async (
  server: Embedded,
  directory: string,
  settings: readonly string[],
): Promise<Embedded> => {
  const admin = connectSql({ url: server.url, application_name: 'foreword:bench', max: 1 })
  for (const setting of settings) await admin.unsafe(`alter system set ${setting}`)
  await admin.end({ timeout: 5 })
  await server.close()
  return openEmbedded({ directory, mode: 'own' })
}

/** A server of the bench's own. Its first database was migrated and is never used, but copied. */
export const benchServer = async (settings: readonly string[] = []): Promise<BenchServer> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-bench-'))
  const first = await openEmbedded({ directory, mode: 'own' })
  const server = settings.length === 0 ? first : await restarted(first, directory, settings)
  await migrateAll(server.url)
  const urlOf = (name: string): string => {
    const at = new URL(server.url)
    at.pathname = `/${name}`
    return at.href
  }
  const admin = connectSql({ url: urlOf('postgres'), application_name: 'foreword:bench', max: 1 })
  const template = new URL(server.url).pathname.slice(1)
  let made = 0
  return {
    database: async () => {
      const name = `bench_${++made}`
      await admin`create database ${admin(name)} template ${admin(template)}`
      const database = openDatabase(urlOf(name), directory)
      return {
        ...database,
        close: async () => {
          await database.close()
          await admin`drop database ${admin(name)} with (force)`
        },
      }
    },
    close: async () => {
      await admin.end({ timeout: 5 })
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A server with one database. */
export const benchDatabase = async (): Promise<BenchDatabase> => {
  const server = await benchServer()
  const database = await server.database()
  return {
    ...database,
    close: async () => {
      await database.close()
      await server.close()
    },
  }
}

export interface Seeds {
  readonly scope: string
  readonly kind: string
  /** So many resources: `r0`, `r1`, … */
  readonly count: number
  /** Each resource belongs to owner `i % owners` and consumes 1 of that owner's metric, `m0`, `m1`, … */
  readonly owners?: number
  /** Each resource carries the label `cell`, its value `i % cells`; a multiple of `owners`. */
  readonly cells?: number
  /** False: as a young database is, of which the planner knows nothing yet. */
  readonly analyzed?: boolean
}

/**
 * Makes resources, present, version 1; quickly, and not through decisions. In the order of their ids,
 * which are digests: in the order of their names a million would take minutes.
 */
export const seedResources = async (sql: Sql, seeds: Seeds): Promise<void> => {
  const { scope, kind, count, owners = null, cells = null, analyzed = true } = seeds
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`
      create temporary table seed on commit drop as
      select
        foreword_code.resource_id(${scope}, ${kind}, 'r' || i) as id,
        'r' || i as name,
        'm' || i % ${owners}::integer as metric,
        (i % ${cells}::integer)::text as cell
      from generate_series(0, ${count - 1}::integer) as i
      order by 1`
    await tx`
      insert into foreword_private.resource (id, scope, kind, name)
      select id, ${scope}, ${kind}, name from seed`
    await tx`
      insert into foreword_private.resource_state (resource, version, assumed, labels, counters)
      select
        id,
        1,
        '{"size":"s"}',
        case when cell is null then '{}' else jsonb_build_object('cell', cell) end,
        case when metric is null then '{}' else jsonb_build_object(metric, 1) end
      from seed`
    if (cells !== null) {
      await tx`
        insert into foreword_private.member (key, scope, kind, label, value, resource, name)
        select foreword_code.member_key(${scope}, ${kind}, '', ''), ${scope}, ${kind}, '', '', id, name from seed`
      await tx`
        insert into foreword_private.member (key, scope, kind, label, value, resource, name)
        select foreword_code.member_key(${scope}, ${kind}, 'cell', cell), ${scope}, ${kind}, 'cell', cell, id, name from seed`
    }
    if (owners !== null) {
      await tx`
        insert into foreword_private.quota (scope, metric, consumed, version)
        select ${scope}, metric, count(*), 1 from seed group by metric`
    }
  })
  if (!analyzed) return
  for (const table of ['resource', 'resource_state', 'member', 'quota']) {
    await sql`vacuum analyze foreword_private.${sql(table)}`
  }
  await sql`checkpoint`
}
