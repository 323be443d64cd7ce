/** Settings of a server that is not ours, where they are worse than what foreword advises. */
import { connectSql } from '../store/connect.ts'
import type { Database } from '../store/database.ts'
import { settings, type Setting } from '../store/settings.ts'
import type { Context } from './context.ts'

export interface ServerSetting {
  readonly name: string
  readonly value: string
  readonly context: string
}

/** Stronger than `on`, or as strong. */
const on_or_better = new Set(['on', 'remote_apply', 'remote_write'])

/** Where less is better; of all other numbers more is. */
const costs = new Set(['random_page_cost'])

export const isWorse = (
  { name, value: advised }: Setting,
  value: string,
  all: ReadonlyMap<string, ServerSetting>,
): boolean => {
  if (advised === 'on') return !on_or_better.has(value)
  const [have, want] = [Number(value), Number(advised)]
  if (costs.has(name)) return have > want
  if (have >= 0) return have < want
  // Below zero: that part of max_pred_locks_per_transaction.
  const base = Number(all.get('max_pred_locks_per_transaction')?.value ?? 0)
  return base / -have < want
}

const readSettings = async (url: string): Promise<ReadonlyMap<string, ServerSetting>> => {
  const sql = connectSql({ url, application_name: 'foreword:cli', max: 1 })
  try {
    const names = settings.map(({ name }) => name)
    const rows = await sql<ServerSetting[]>`
      select s.name, s.setting as value, s.context
      from pg_settings s
      where s.name = any (${names}::text[])`
    return new Map(rows.map((row) => [row.name, row]))
  } finally {
    await sql.end({ timeout: 1 })
  }
}

export const remedyOf = (
  { name, value }: Setting,
  found: Pick<ServerSetting, 'context'>,
): string => {
  const then = found.context === 'postmaster' ? 'restart the server' : 'select pg_reload_conf()'
  return `alter system set ${name} = ${value}; then ${then}`
}

/** One line each on stderr with its remedy; none for a server of our own, and none with --quiet. */
export const warnOfSettings = async (context: Context, database: Database): Promise<void> => {
  if (database.log !== null || context.options.quiet === true) return
  const all = await readSettings(database.url)
  for (const setting of settings) {
    const found = all.get(setting.name)
    if (!setting.advised || found === undefined || !isWorse(setting, found.value, all)) continue
    const { name, value, reason } = setting
    context.note(
      `foreword: warning: ${name} is ${found.value}, ${value} is advised: ${reason} ` +
        `Remedy: ${remedyOf(setting, found)}`,
    )
  }
}
