/** Settings of the server against those that foreword advises. */
import type { Sql } from '../store/connect.ts'
import { settings } from '../store/settings.ts'
import { fail, ok, warn, type Check, type Said } from './doctor-finding.ts'
import { isWorse, remedyOf, type ServerSetting } from './settings-warning.ts'

/** What was acknowledged may be lost, or rows never go. */
const grave = new Set(['fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum'])

const others = [
  'autovacuum',
  'idle_in_transaction_session_timeout',
  'default_transaction_read_only',
  'default_transaction_isolation',
  'max_connections',
  'track_counts',
] as const

const read = async (sql: Sql): Promise<ReadonlyMap<string, ServerSetting>> => {
  const names = [...settings.map(({ name }) => name), ...others]
  const rows = await sql<ServerSetting[]>`
    select s.name, s.setting as value, s.context
    from pg_settings s
    where s.name = any (${names}::text[])`
  return new Map(rows.map((row) => [row.name, row]))
}

const advisedIn = (all: ReadonlyMap<string, ServerSetting>): readonly Said[] =>
  settings.flatMap((setting) => {
    const found = all.get(setting.name)
    if (!setting.advised || found === undefined || !isWorse(setting, found.value, all)) return []
    const say = grave.has(setting.name) ? fail : warn
    const says = `${setting.name} is ${found.value}, ${setting.value} is advised: ${setting.reason.replace(/\.$/, '')}`
    return [say(says, remedyOf(setting, found))]
  })

const forbidden = (all: ReadonlyMap<string, ServerSetting>): readonly Said[] => [
  ...(all.get('autovacuum')?.value === 'off'
    ? [
        fail(
          'autovacuum is off: dead versions stay, and every read goes through them',
          'alter system set autovacuum = on; select pg_reload_conf()',
        ),
      ]
    : []),
  ...(all.get('default_transaction_read_only')?.value === 'on'
    ? [
        fail(
          'default_transaction_read_only is on: nobody can decide',
          'alter database … reset default_transaction_read_only',
        ),
      ]
    : []),
]

/** Sessions of foreword bound themselves; a forgotten psql does not. */
const idleIn = (all: ReadonlyMap<string, ServerSetting>, own: boolean): readonly Said[] =>
  own || all.get('idle_in_transaction_session_timeout')?.value !== '0'
    ? []
    : [
        warn(
          'idle_in_transaction_session_timeout is off: a transaction that somebody forgets makes Postgres forget conflicts',
          `alter database … set idle_in_transaction_session_timeout = '5min'`,
        ),
      ]

export const settingsCheck: Check = {
  name: 'settings',
  of_foreword: false,
  run: async ({ sql, own }) => {
    const all = await read(sql)
    const wrong = [...advisedIn(all), ...forbidden(all), ...idleIn(all, own)]
    if (wrong.length > 0) return wrong
    const told = settings
      .filter(({ advised }) => advised)
      .map(({ name }) => `${name} ${all.get(name)?.value ?? '?'}`)
    const isolation = all.get('default_transaction_isolation')?.value ?? '?'
    const rest = `max_connections ${all.get('max_connections')?.value ?? '?'}`
    return [ok(`${told.join(', ')}, ${rest}; by default transactions are ${isolation}`)]
  },
}
