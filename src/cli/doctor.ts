/** `foreword doctor`: the server, the schema and the work against what they should be. Exit 1 on any failure. */
import { ForewordError } from '../domain/errors.ts'
import { codeOf, connectionError, type Sql } from '../store/connect.ts'
import { readRelease } from '../store/migrate/files.ts'
import { version } from '../version.ts'
import type { Context } from './context.ts'
import {
  fail,
  only,
  unseen,
  warn,
  type Check,
  type Finding,
  type Level,
  type Probe,
  type Said,
} from './doctor-finding.ts'
import { schemaChecks } from './doctor-schema.ts'
import { serverChecks } from './doctor-server.ts'
import { settingsCheck } from './doctor-settings.ts'
import { workChecks } from './doctor-work.ts'
import { failureOf } from './failure.ts'
import { harmless, plural, wrapped, type Colors } from './print.ts'
import { configOf, openReaderOf } from './session.ts'

const checks: readonly Check[] = [...serverChecks, settingsCheck, ...schemaChecks, ...workChecks]

/** A check that a database under load does not answer in this is no reason to hang. */
const statement_timeout_ms = 10_000

const paints: Readonly<Record<Level, keyof Colors>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  unseen: 'dim',
}
const words: Readonly<Record<Level, string>> = { ok: 'ok', warn: 'warn', fail: 'FAIL', unseen: '?' }

const name_width = 12
const lines_max = 6

const tell = ({ colors, width, out }: Context, finding: Finding): void => {
  const { level, check, says, remedy } = finding
  const head = `${words[level].padEnd(4)}  ${check.padEnd(name_width)}`
  const text = harmless(remedy === null ? says : `${says}; ${remedy}`)
  wrapped(text, width - head.length - 2, lines_max).forEach((line, i) => {
    out(
      i === 0 ? `${colors[paints[level]](head)}  ${line}` : `${' '.repeat(head.length + 2)}${line}`,
    )
  })
}

/** What a check could not do is a finding too: it must not keep the others from being made. */
const saidOf = (error: unknown, check: Check): Said => {
  const message = error instanceof Error ? error.message : String(error)
  switch (codeOf(error)) {
    case '42501':
      return unseen(message, 'connect as a member of foreword_reader, or as the user who migrated')
    case '57014':
      return warn(
        `it took longer than ${statement_timeout_ms / 1_000} s`,
        'see pg_stat_activity: what keeps the server busy?',
      )
    case '42P01':
    case '42703':
    case '42883':
    case '3F000':
      return fail(`what it asks for is not there (${message})`, 'run `foreword migrate`')
    default:
      if (check.of_foreword && codeOf(error) !== '')
        return fail(message, 'see the log of the server')
      throw error
  }
}

const isDeployed = async (sql: Sql): Promise<boolean> => {
  const { deployed } = only(
    await sql<{ deployed: boolean }[]>`
      select count(*) = 3 as deployed
      from pg_namespace n
      where n.nspname in ('foreword', 'foreword_code', 'foreword_private')`,
  )
  return deployed
}

async function* findings(probe: Probe): AsyncGenerator<Finding> {
  const deployed = await isDeployed(probe.sql)
  for (const check of checks) {
    if (check.of_foreword && !deployed) continue
    const said = await check.run(probe).catch((error: unknown) => [saidOf(error, check)])
    for (const one of said) yield { check: check.name, ...one }
  }
  if (!deployed) {
    const says = 'foreword is not deployed in this database'
    yield { check: 'release', ...fail(says, 'run `foreword migrate`') }
  }
}

/** No database to look at is a finding, told like the others. */
const unreachable = (context: Context, error: unknown, url: string | undefined): Finding => {
  const known = url === undefined ? error : connectionError(url, error)
  if (!(known instanceof ForewordError) || known.exit_code === 2) throw error
  const line = failureOf(known, url, context.env).line.replace(/^foreword: /, '')
  const [says = '', ...rest] = line.split('; ')
  return { check: 'server', level: 'fail', says, remedy: rest.join('; ') }
}

const examine = async function* (context: Context, canaries: boolean): AsyncGenerator<Finding> {
  const config = await configOf(context)
  let url: string | undefined
  try {
    const { sql, database } = await openReaderOf(context, config, {
      connection: { statement_timeout: String(statement_timeout_ms) },
    })
    url = database.url
    const own = database.log !== null
    const release = await readRelease()
    yield* findings({ sql, config, own, release, version, canaries })
  } catch (error) {
    yield unreachable(context, error, url)
  }
}

export const doctor =
  (options: { readonly canaries?: boolean }) =>
  async (context: Context): Promise<number> => {
    const { json, quiet } = context.options
    const all: Finding[] = []
    for await (const finding of examine(context, options.canaries === true)) {
      all.push(finding)
      if (json !== true && (quiet !== true || finding.level !== 'ok')) tell(context, finding)
    }
    const count = (level: Level): number => all.filter((f) => f.level === level).length
    const failed = count('fail')
    if (json === true) context.json({ ok: failed === 0, findings: all })
    else {
      const rest = [
        ...(count('warn') > 0 ? [plural(count('warn'), 'warning')] : []),
        ...(count('unseen') > 0 ? [`${count('unseen')} not to be seen by this login`] : []),
      ]
      const verdict = failed === 0 ? 'nothing is wrong' : plural(failed, 'failure')
      context.say(`\n${[verdict, ...rest].join(', ')}.`)
    }
    return failed === 0 ? 0 : 1
  }
