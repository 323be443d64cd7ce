/** The work itself: who does it, what is late, what waits for a person, which accounts fail, how large the log is. */
import { nextRunOf } from '../domain/cron-next.ts'
import { queueVersion } from '../worker/queue-needs.ts'
import { readUnserved, type Unserved } from './intents.ts'
import { fail, ok, only, unseen, warn, type Check, type Said } from './doctor-finding.ts'
import { names } from './doctor-names.ts'
import { size } from './doctor-size.ts'
import { moment, plural, span } from './print.ts'

interface Worker {
  readonly id: number
  readonly host: string
  readonly version: string
  readonly alive: boolean
  readonly running: number
}

/** Of kinds that nobody who lives has a provider for: nothing but a configuration ends that. */
const unservedSaid = (unserved: readonly Unserved[]): readonly Said[] =>
  unserved.map(({ kind, open }) =>
    fail(
      `${plural(open, 'intent')} of ${kind} under way, and no living worker has a provider for it`,
      'give one back to the configuration of a worker, or cancel and resolve them: foreword status',
    ),
  )

const diedSaid = (dead: readonly Worker[]): readonly Said[] => {
  if (dead.length === 0) return []
  const running = dead.reduce((sum, w) => sum + w.running, 0)
  const ids = dead.map((w) => `${w.id} on ${w.host}`).join(', ')
  return [
    warn(
      `worker ${ids} died with ${plural(running, 'intent')} in hand`,
      'start one, unless another lives, which takes them over',
    ),
  ]
}

const workers: Check = {
  name: 'workers',
  of_foreword: true,
  run: async ({ sql, version }) => {
    const { standby } = only(
      await sql<{ standby: boolean }[]>`select pg_is_in_recovery() as standby`,
    )
    if (standby)
      return [unseen('which workers live: the primary alone has their locks', 'ask that one')]
    const rows = await sql<Worker[]>`
      select w.id, w.host, w.version, w.alive, w.running
      from foreword.worker w
      where w.alive or w.running > 0`
    const { open } = only(
      await sql<{ open: number }[]>`
        select coalesce(sum(b.count), 0)::bigint as open
        from foreword.backlog b
        where b.state in ('pending', 'applying', 'applied')`,
    )
    const unserved = await readUnserved(sql)
    const alive = rows.filter((w) => w.alive)
    const versions = [...new Set(alive.map((w) => w.version))].toSorted()
    const dead = rows.filter((w) => !w.alive)
    const said: Said[] = []
    if (alive.length === 0 && open > 0) {
      said.push(
        fail(
          `${plural(open, 'intent')} under way and no worker is alive`,
          'start `foreword up` or `foreword worker`',
        ),
      )
    }
    if (alive.length > 0) said.push(...unservedSaid(unserved))
    said.push(...diedSaid(dead))
    if (versions.length > 1 || (versions[0] ?? version) !== version) {
      said.push(
        warn(
          `workers of version ${versions.join(' and ')}, this is ${version}`,
          'stop the older ones: schema and code of one release belong together',
        ),
      )
    }
    const told =
      alive.length === 0
        ? 'no worker is alive, and nothing to do'
        : `${plural(alive.length, 'worker')} alive, version ${versions.join(', ')}`
    return said.length > 0 ? said : [ok(told)]
  },
}

interface Schedule {
  readonly name: string
  readonly cron: string
  readonly last_started_at: Date | null
  readonly running: boolean
  readonly now: Date
}

/** What a run may take to begin: the queue looks every minute. */
const late_ms = 3 * 60_000

const scheduleSaid = ({
  name,
  cron,
  last_started_at: started,
  running,
  now,
}: Schedule): readonly Said[] => {
  if (started === null || running) return []
  const due = nextRunOf(cron, started)
  const late = due === null ? 0 : now.getTime() - due.getTime()
  const said: Said[] = []
  if (late > late_ms) {
    said.push(
      warn(
        `${name} (${cron}) is ${span(late)} overdue: it last began ${moment(started)}`,
        'is a worker alive that has it in its configuration?',
      ),
    )
  }
  return said
}

const schedules: Check = {
  name: 'schedules',
  of_foreword: true,
  run: async ({ sql }) => {
    const rows = await sql<Schedule[]>`
      select
        s.name,
        s.cron,
        s.last_started_at,
        s.running,
        clock_timestamp() as now
      from foreword.schedule s
      order by s.name`
    const said = rows.flatMap(scheduleSaid)
    const began = rows.filter(({ last_started_at }) => last_started_at !== null).length
    return said.length > 0
      ? said
      : [
          ok(
            rows.length === 0
              ? 'none'
              : `${plural(rows.length, 'schedule')}, none overdue, ${began} of them ran`,
          ),
        ]
  },
}

const accounts: Check = {
  name: 'accounts',
  of_foreword: true,
  run: async ({ sql }) => {
    const rows = await sql<
      {
        account: string
        health: string
        until: Date | null
        reason: string | null
        tokens: number | null
      }[]
    >`
      select b.account, b.health, b.until, b.reason, b.tokens
      from foreword.budget b
      order by b.account`
    const said = rows.flatMap(({ account, health, until, reason, tokens }): readonly Said[] => {
      const rest = [reason, until === null ? null : `until ${moment(until)}`].filter(
        (x) => x !== null,
      )
      const told = `${account}: ${health.replaceAll('_', ' ')}${rest.length === 0 ? '' : ` (${rest.join(', ')})`}`
      if (health === 'open')
        return [
          warn(
            told,
            'see whether its API is up and its credentials hold; one call in a while tries it',
          ),
        ]
      if (health !== 'well')
        return [warn(told, 'nothing, if it passes: calls are held back meanwhile')]
      return tokens !== null && tokens < 1
        ? [
            warn(
              `${account}: its rate is used up, due intents wait`,
              'raise the rate of its providers, if the API allows it',
            ),
          ]
        : []
    })
    return said.length > 0
      ? said
      : [
          ok(
            rows.length === 0
              ? 'none is limited or failing'
              : `${plural(rows.length, 'account')}, all well`,
          ),
        ]
  },
}

interface Health {
  readonly waits_for_a_person: number
  readonly awaiting_approval: number
  readonly oldest_due_s: number
  readonly drifted_paths: number
  readonly live_workers: number | null
}

const late_s = 60

const intents: Check = {
  name: 'intents',
  of_foreword: true,
  run: async ({ sql }) => {
    const h = only(await sql<Health[]>`select * from foreword.health`)
    const said: Said[] = []
    if (h.waits_for_a_person > 0) {
      said.push(
        warn(
          `${plural(h.waits_for_a_person, 'doubt')} that only a person can end`,
          'foreword doubts',
        ),
      )
    }
    if (h.awaiting_approval > 0) {
      said.push(
        warn(`${plural(h.awaiting_approval, 'intent')} awaiting approval`, 'foreword doubts'),
      )
    }
    if (h.oldest_due_s > late_s && h.live_workers !== null && h.live_workers > 0) {
      said.push(
        warn(
          `work is ${span(h.oldest_due_s * 1_000)} late though ${plural(h.live_workers, 'worker')} live`,
          'see accounts, foreword.backlog for kinds that no worker has, and the log of the workers',
        ),
      )
    }
    return said.length > 0
      ? said
      : [ok(`none is parked, none is late; ${plural(h.drifted_paths, 'path')} drifted`)]
  },
}

const queue: Check = {
  name: 'queue',
  of_foreword: true,
  run: async ({ sql }) => {
    const wanted = await queueVersion()
    const { there, may } = only(
      await sql<{ there: boolean; may: boolean }[]>`
        select
          exists (select from pg_namespace n where n.nspname = 'graphile_worker') as there,
          coalesce(
            has_schema_privilege(
              (select n.oid from pg_namespace n where n.nspname = 'graphile_worker'),
              'usage'
            ),
            false
          ) as may`,
    )
    if (!there) return [fail('graphile-worker is not installed here', 'run `foreword migrate`')]
    if (!may) return [unseen('the schema graphile_worker', 'connect as the user who migrated')]
    const { version } = only(
      await sql<{ version: number }[]>`
        select coalesce(max(m.id), 0)::bigint as version from graphile_worker.migrations m`,
    )
    if (version === wanted)
      return [ok(`graphile-worker’s schema ${version}, as its package at hand`)]
    return [
      version < wanted
        ? fail(
            `graphile-worker’s schema is ${version}, its package at hand needs ${wanted}`,
            'run `foreword migrate`',
          )
        : fail(
            `graphile-worker’s schema is ${version}, its package at hand knows ${wanted}`,
            'use the release of foreword that migrated',
          ),
    ]
  },
}

export const workChecks: readonly Check[] = [
  workers,
  schedules,
  accounts,
  intents,
  names,
  queue,
  size,
]
