/**
 * A Postgres that forgets conflicts early: as few connections as can be, so that some hundred
 * serializable commits during one open transaction fill the memory of committed transactions and
 * Postgres begins to summarise.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { migrateAll } from '../../src/foreword.ts'
import { connectSql } from '../../src/store/connect.ts'
import { openEmbedded } from '../../src/store/embedded/open.ts'

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

const few: Readonly<Record<string, string>> = {
  max_connections: '40',
  max_prepared_transactions: '0',
  max_wal_senders: '0',
  max_worker_processes: '1',
  autovacuum_max_workers: '1',
}

/** A migrated database on such a server, and how many commits it remembers, or fewer. */
interface ForgetfulDatabase {
  readonly url: string
  readonly remembered: number
}

export const forgetfulServer = async (
  t: Teardown,
): Promise<{ readonly database: () => Promise<ForgetfulDatabase> }> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-forgetful-'))
  const open = () => openEmbedded({ directory, mode: 'own', fsync: false })
  const first = await open()
  await migrateAll(first.url)
  const admin = connectSql({ url: first.url, application_name: 'test:admin', max: 1 })
  const [row] = await admin<{ template: string }[]>`select current_database() as template`
  for (const [name, value] of Object.entries(few)) {
    await admin.unsafe(`alter system set ${name} = ${value}`)
  }
  await admin.end({ timeout: 5 })
  await first.close()
  const server = await open()
  t.teardown(async () => {
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })
  let databases = 0
  const database = async (): Promise<ForgetfulDatabase> => {
    const at = new URL(server.url)
    at.pathname = '/postgres'
    const sql = connectSql({ url: at.href, application_name: 'test:admin', max: 1 })
    const name = `forgetful_${++databases}`
    await sql`create database ${sql(name)} template ${sql(row?.template ?? '')}`
    await sql.end({ timeout: 5 })
    at.pathname = `/${name}`
    const asking = connectSql({ url: at.href, application_name: 'test:admin', max: 1 })
    const [health] = await asking<{ ssi_margin: number }[]>`select ssi_margin from foreword.health`
    await asking.end({ timeout: 5 })
    return { url: at.href, remembered: health?.ssi_margin ?? 0 }
  }
  return { database }
}
