/** The server: its version, what its SERIALIZABLE can be trusted with, its clock, and how much room is left. */
import { setTimeout as pause } from 'node:timers/promises'
import { tryCanaries } from '../store/ssi-canary.ts'
import {
  fail,
  ok,
  only,
  stats_remedy,
  unseen,
  warn,
  type Check,
  type Probe,
  type Said,
} from './doctor-finding.ts'
import { plural, span } from './print.ts'

const known_min = 15
const known_max = 18

const version: Check = {
  name: 'server',
  of_foreword: false,
  run: async ({ sql }) => {
    const { number, text, standby } = only(
      await sql<{ number: number; text: string; standby: boolean }[]>`
        select
          current_setting('server_version_num')::integer as number,
          current_setting('server_version') as text,
          pg_is_in_recovery() as standby`,
    )
    const major = Math.floor(number / 10_000)
    const said: Said[] = []
    if (major < known_min) {
      said.push(fail(`Postgres ${text} is too old`, 'use Postgres 15 to 18'))
    } else if (major > known_max) {
      said.push(
        warn(`Postgres ${text} is newer than foreword knows`, 'use Postgres 15 to 18, or try it'),
      )
    } else {
      said.push(
        ok(
          `Postgres ${text}; holes of its SERIALIZABLE that are known (ON CONFLICT before 15.20, ranges of ctid, ` +
            'summarisation) are gone around, and decisions certified',
        ),
      )
    }
    if (standby) {
      said.push(fail('the server is a standby: nobody can decide here', 'connect to the primary'))
    }
    return said
  },
}

const canaries: Check = {
  name: 'canaries',
  of_foreword: false,
  run: async ({ sql, canaries: asked }) => {
    if (!asked) {
      return [
        ok(
          'not asked for: --canaries tries, in tables made for it, what SERIALIZABLE lets through',
        ),
      ]
    }
    const tried = await tryCanaries(sql)
    return tried.map(({ name, caught, expected }) => {
      if (caught) return ok(`${name}: one of two that cannot both be is aborted`)
      return expected === 'relied_on'
        ? fail(
            `${name}: both of two that cannot both be have committed`,
            'use another server, and no pooler or proxy between: decisions would rest on certificates alone',
          )
        : ok(`${name}: let through by this server; foreword does not read like that`)
    })
  },
}

const clock_warn_ms = 1_000
const clock_fail_ms = 30_000

const clock: Check = {
  name: 'clock',
  of_foreword: false,
  run: async ({ sql }) => {
    const offsets: { skew_ms: number; trip_ms: number }[] = []
    for (let i = 0; i < 5; i++) {
      const before = Date.now()
      const { at } = only(await sql<{ at: Date }[]>`select clock_timestamp() as at`)
      const after = Date.now()
      offsets.push({ skew_ms: at.getTime() - (before + after) / 2, trip_ms: after - before })
    }
    const best = only(offsets.toSorted((a, b) => a.trip_ms - b.trip_ms))
    const skew = Math.abs(best.skew_ms)
    const told = `${span(skew)} ${best.skew_ms < 0 ? 'behind' : 'ahead of'} this machine’s, round trip ${span(best.trip_ms)}`
    if (skew <= clock_warn_ms + best.trip_ms) return [ok(`the server’s clock is ${told}`)]
    const say = skew > clock_fail_ms ? fail : warn
    return [
      say(
        `the server’s clock is ${told}: deciders are given this machine’s, deadlines are by the server’s`,
        'set both by NTP',
      ),
    ]
  },
}

const connections: Check = {
  name: 'connections',
  of_foreword: false,
  run: async ({ sql }) => {
    const { used, most } = only(
      await sql<{ used: number; most: number }[]>`
        select
          (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
          (
            current_setting('max_connections')::integer
            - current_setting('superuser_reserved_connections')::integer
          )::bigint as most`,
    )
    const told = `${used} of ${most} connections in use`
    return [
      used * 10 < most * 8
        ? ok(told)
        : warn(told, 'raise max_connections, or lower limits.pool_connections_max'),
    ]
  },
}

interface Sampled {
  readonly commits: number
  readonly at: number
}

const sampleOf = async ({ sql }: Probe): Promise<Sampled> => {
  const { commits } = only(
    await sql<{ commits: number }[]>`
      select s.xact_commit as commits
      from pg_stat_database s
      where s.datname = current_database()`,
  )
  return { commits, at: performance.now() }
}

const sample_ms = 1_000
const margin_s_min = 10

/** All commits, serializable or not: more than the truth, so the margin is no smaller than told. */
const commitsPerSecond = async (probe: Probe): Promise<number> => {
  const before = await sampleOf(probe)
  await pause(sample_ms)
  const after = await sampleOf(probe)
  return Math.max(0, (after.commits - before.commits) / ((after.at - before.at) / 1_000))
}

const oldest = ({ sql }: Probe) => sql<
  { age_s: number | null; who: string | null; state: string | null; hidden: number }[]
>`
  select
    extract(epoch from clock_timestamp() - o.xact_start)::double precision as age_s,
    o.who,
    o.state,
    (
      select count(*)
      from pg_stat_activity h
      where h.backend_type = 'client backend' and h.state is null
    ) as hidden
  from (select 1) one
  left join lateral (
    select
      a.xact_start,
      a.state,
      format('pid %s, %s', a.pid, coalesce(nullif(a.application_name, ''), a.usename)) as who
    from pg_stat_activity a
    where
      a.backend_type = 'client backend'
      and a.datname = current_database()
      and a.xact_start is not null
      and a.pid <> pg_backend_pid()
    order by a.xact_start
    limit 1
  ) o on true`

/** How many serializable transactions Postgres remembers besides those that are open. */
const margin: Check = {
  name: 'margin',
  of_foreword: false,
  run: async (probe) => {
    const { pool } = only(
      await probe.sql<{ pool: number }[]>`
        select (10 * sum(s.setting::bigint))::bigint as pool
        from pg_settings s
        where
          s.name in (
            'max_connections',
            'max_prepared_transactions',
            'autovacuum_max_workers',
            'max_worker_processes',
            'max_wal_senders'
          )`,
    )
    const rate = await commitsPerSecond(probe)
    const { age_s, who, state, hidden } = only(await oldest(probe))
    const lasts_s = pool / Math.max(rate, 0.1)
    const told =
      `${pool} serializable commits may pass during one open transaction; at ${rate.toFixed(0)} commits/s measured ` +
      `that is ${span(lasts_s * 1_000)}`
    const open =
      age_s === null
        ? 'no transaction is open'
        : `the oldest open transaction is ${span(age_s * 1_000)} old (${who ?? ''}, ${state ?? ''})`
    const said: Said[] = []
    if (age_s !== null && age_s > lasts_s) {
      said.push(
        fail(
          `${told}; ${open}: conflicts are being forgotten`,
          `end it: select pg_terminate_backend(…)`,
        ),
      )
    } else if (lasts_s < margin_s_min || (age_s !== null && age_s > lasts_s / 2)) {
      said.push(
        warn(`${told}; ${open}`, 'raise max_prepared_transactions, keep transactions short'),
      )
    } else said.push(ok(`${told}; ${open}`))
    if (hidden > 0) {
      said.push(unseen(`the transactions of ${plural(hidden, 'session')} of others`, stats_remedy))
    }
    return said
  },
}

const prepared: Check = {
  name: 'prepared',
  of_foreword: false,
  run: async ({ sql }) => {
    const { count, age_s } = only(
      await sql<{ count: number; age_s: number | null }[]>`
        select
          count(*) as count,
          extract(epoch from clock_timestamp() - min(p.prepared))::double precision as age_s
        from pg_prepared_xacts p
        where p.database = current_database()`,
    )
    if (count === 0) return [ok('no prepared transaction is left open')]
    return [
      fail(
        `${plural(count, 'prepared transaction')} left open, the oldest for ${span((age_s ?? 0) * 1_000)}`,
        'commit prepared or roll back prepared each of pg_prepared_xacts',
      ),
    ]
  },
}

export const serverChecks: readonly Check[] = [
  version,
  canaries,
  clock,
  connections,
  margin,
  prepared,
]
