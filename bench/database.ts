/** A database for measuring: embedded, durable (fsync on), migrated; thrown away afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { defaultLimits, type Config } from '../src/domain/config.ts'
import { migrateAll, openEngine, type Engine } from '../src/foreword.ts'
import { createLogger } from '../src/logger.ts'
import { connectSql, type Sql } from '../src/store/connect.ts'
import { openEmbedded } from '../src/store/embedded.ts'

export interface BenchDatabase {
  readonly url: string
  readonly engine: (over?: Partial<Config>) => Engine
  readonly sql: Sql
  readonly close: () => Promise<void>
}

export const benchDatabase = async (): Promise<BenchDatabase> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-bench-'))
  const server = await openEmbedded({ directory, mode: 'own' })
  await migrateAll(server.url)
  const sql = connectSql({ url: server.url, application_name: 'foreword:bench', max: 4 })
  const engines: Engine[] = []
  return {
    url: server.url,
    sql,
    engine: (over = {}) => {
      const config: Config = {
        database: server.url,
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
        url: server.url,
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
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Makes so many resources of a kind, present, version 1; quickly, and not through decisions. */
export const seedResources = async (
  sql: Sql,
  scope: string,
  kind: string,
  count: number,
): Promise<void> => {
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`
      insert into foreword_private.resource (id, scope, kind, name)
      select foreword_code.resource_id(${scope}, ${kind}, 'r' || i), ${scope}, ${kind}, 'r' || i
      from generate_series(0, ${count - 1}::integer) as i`
    await tx`
      insert into foreword_private.resource_state (resource, version, assumed)
      select foreword_code.resource_id(${scope}, ${kind}, 'r' || i), 1, '{"size":"s"}'
      from generate_series(0, ${count - 1}::integer) as i`
  })
  await sql`vacuum analyze foreword_private.resource_state`
  await sql`vacuum analyze foreword_private.resource`
}
