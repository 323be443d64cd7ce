/** The configuration as people write it, decoded into what the rest of foreword is given. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { Json } from './codec.ts'
import { formatErrors, show, type Problem } from './errors.ts'
import { nearestFirst } from './nearest.ts'
import { defaulted, Kind, Name, rule, Scope, strictObject, wholeNumber } from './parts.ts'
import { Metrics } from './metrics.ts'
import { DeciderShape, ProviderLists, timer_ms_max } from './provider.ts'
import { defaultLimits, type Config } from '../config.ts'
import { parseCrontab } from '../crontab.ts'
import { tokenValidMs } from '../retention.ts'

/** A week: what was missed for longer is history. */
const backfill_minutes_max = 7 * 24 * 60

/** Where `foreword up` shows its page, unless the configuration says otherwise. */
export const default_web_port = 3673

/** The value is not shown in errors: a URL may carry a password. */
const Database = rule<string>(
  'a postgres:// URL',
  (value) =>
    typeof value === 'string' && /^postgres(ql)?:\/\/./.test(value)
      ? undefined
      : 'is not a postgres:// URL',
  'write postgres://USER@HOST:PORT/DATABASE, or leave it out for the embedded Postgres',
)

const Cron = rule<string>(
  'a crontab line',
  (value) => {
    if (typeof value !== 'string') return ''
    const parsed = parseCrontab(value)
    return E.isRight(parsed) ? undefined : `${show(value)} is not a crontab line: ${parsed.left}`
  },
  'write five fields (minute hour day month weekday, UTC), as in */5 * * * *',
)

/** Becomes the identifier of a graphile-worker cron item, which has a narrower alphabet than names. */
const ScheduleName = rule<string>(
  'a name',
  (value) => {
    if (typeof value !== 'string') return ''
    return /^[A-Za-z_][\w-]{0,127}$/.test(value)
      ? undefined
      : `${show(value)} is not the name of a schedule`
  },
  'use up to 128 letters, digits, _ and -, a letter first',
)

const Glob = rule<string>('a glob', (value) =>
  typeof value !== 'string' || value === '' ? 'expected a glob, as in acme/* or *' : undefined,
)

const TimeOfDay = rule<string>(
  'a time of day, UTC',
  (value) =>
    typeof value !== 'string' || !/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(value)
      ? `${show(value)} is not a time of day`
      : undefined,
  'write HH:MM, from 00:00 to 24:00, UTC',
)

const Window = strictObject(
  {},
  {
    days: t.readonlyArray(
      t.keyof({ mon: null, tue: null, wed: null, thu: null, fri: null, sat: null, sun: null }),
    ),
    from: TimeOfDay,
    to: TimeOfDay,
  },
)

const Windows = t.readonlyArray(Window)

/** One of them may be written without the list. */
const OneOrMore = new t.Type<t.TypeOf<typeof Windows>>(
  'a window or a list of them',
  (u): u is t.TypeOf<typeof Windows> => Windows.is(u),
  (u, c) =>
    Array.isArray(u)
      ? Windows.validate(u, c)
      : E.map((one: t.TypeOf<typeof Window>) => [one])(Window.validate(u, c)),
  t.identity,
)

const Percent = rule<number>('a number from 0 to 100', (value) =>
  typeof value === 'number' && value >= 0 && value <= 100 ? undefined : '',
)

const Policy = strictObject(
  { scope: defaulted(Glob, '*'), kind: defaulted(Glob, '*') },
  {
    name: Glob,
    approve: t.readonlyArray(Name),
    prevent_destroy: t.boolean,
    on_drift: t.keyof({ repair: null, report: null, adopt: null }),
    ignore: t.readonlyArray(Name),
    deletes_max: wholeNumber(0, 1_000_000),
    deletes_max_percent: Percent,
    window: OneOrMore,
  },
)

const Schedule = strictObject(
  { name: ScheduleName, cron: Cron, scope: Scope },
  {
    kind: Kind,
    decider: Name,
    input: Json,
    policies: t.readonlyArray(Policy),
    backfill_minutes: wholeNumber(0, backfill_minutes_max),
  },
)

const Limits = strictObject(
  {
    pool_connections_max: defaulted(wholeNumber(1, 10_000), defaultLimits.pool_connections_max),
    decide_tries_max: defaulted(wholeNumber(1, 1_000), defaultLimits.decide_tries_max),
    group_decisions_max: defaulted(wholeNumber(1, 16), defaultLimits.group_decisions_max),
    claim_intents_max: defaulted(wholeNumber(1, 10_000), defaultLimits.claim_intents_max),
    sweep_interval_ms: defaulted(wholeNumber(1, timer_ms_max), defaultLimits.sweep_interval_ms),
    drain_timeout_ms: defaulted(wholeNumber(0, timer_ms_max), defaultLimits.drain_timeout_ms),
    keep_answers_ms: defaulted(wholeNumber(0, timer_ms_max), defaultLimits.keep_answers_ms),
  },
  {},
)

const Retention = strictObject(
  { older_than_days: wholeNumber(1, 36_500) },
  { to: Name, cron: Cron },
)

const Web = strictObject({ port: defaulted(wholeNumber(0, 65_535), default_web_port) }, {})

const Input = strictObject(
  {
    providers: defaulted(ProviderLists, []),
    deciders: defaulted(t.readonlyArray(DeciderShape), []),
    schedules: defaulted(t.readonlyArray(Schedule), []),
    policies: defaulted(t.readonlyArray(Policy), []),
    limits: defaulted(Limits, defaultLimits),
    web: defaulted(Web, { port: default_web_port }),
  },
  { database: Database, directory: Name, metrics: Metrics, retention: Retention },
)
type Input = t.TypeOf<typeof Input>

const duplicates = (list: string, what: string, names: readonly string[]): readonly Problem[] =>
  names.flatMap((name, at) => {
    const first = names.indexOf(name)
    return first === at
      ? []
      : [
          {
            path: `${list}[${at}]`,
            message: `the ${what} ${show(name)} is there already, as number ${first + 1} of ${list}`,
            remedy: 'rename or remove one of the two',
          },
        ]
  })

const unknownName = (
  path: string,
  what: string,
  name: string,
  known: readonly string[],
): Problem => ({
  path,
  message: `there is no ${what} ${show(name)}`,
  remedy:
    known.length === 0
      ? `add it to ${what}s`
      : `known ${what}s: ${nearestFirst(name, known).join(', ')}`,
})

const scheduleProblems = ({ schedules, providers, deciders }: Input): readonly Problem[] =>
  schedules.flatMap(({ kind, decider, input, policies }, at) => {
    const path = `schedules[${at}]`
    const windowed = policies?.findIndex(({ window }) => window !== undefined) ?? -1
    if (windowed >= 0) {
      return [
        {
          path: `${path}.policies[${windowed}].window`,
          message: 'a window is kept by workers, whoever has decided',
          remedy: 'write it among the policies of the configuration',
        },
      ]
    }
    const kinds = providers.map((provider) => provider.kind)
    const names = deciders.map((one) => one.name)
    const remedy = 'a schedule reconciles (with kind) or runs a decider (with decider and input)'
    if (kind !== undefined && decider !== undefined)
      return [{ path, message: 'has both kind and decider', remedy }]
    if (decider === undefined && input !== undefined)
      return [{ path: `${path}.input`, message: 'is there without a decider', remedy }]
    if (kind !== undefined && !kinds.includes(kind))
      return [unknownName(`${path}.kind`, 'provider', kind, kinds)]
    if (decider !== undefined && !names.includes(decider))
      return [unknownName(`${path}.decider`, 'decider', decider, names)]
    return []
  })

/** A window that never opens would hold its intents for ever; that is what a pause is for. */
const windowProblems = ({ policies }: Input): readonly Problem[] =>
  policies.flatMap(({ window }, at) => {
    const path = `policies[${at}].window`
    if (window === undefined) return []
    if (window.length === 0) {
      return [
        { path, message: 'is empty: it would never open', remedy: 'leave it out, or name a time' },
      ]
    }
    return window.flatMap(({ days, from }, i) => [
      ...(days?.length === 0
        ? [
            {
              path: `${path}[${i}].days`,
              message: 'is empty: it would never open',
              remedy: 'leave it out for every day',
            },
          ]
        : []),
      ...(from === '24:00'
        ? [
            {
              path: `${path}[${i}].from`,
              message: '24:00 is the end of a day',
              remedy: 'write 00:00, on the next day',
            },
          ]
        : []),
    ])
  })

/** A key that an API may still know must be found in the log. */
const retentionProblems = ({ retention, providers }: Input): readonly Problem[] => {
  const days = Math.ceil(tokenValidMs({ providers }) / 86_400_000)
  return retention === undefined || retention.older_than_days >= days
    ? []
    : [
        {
          path: 'retention.older_than_days',
          message: `${retention.older_than_days} is less than the time for which an API knows idempotency keys`,
          remedy: `keep ${days} days at least, the longest token_valid_ms of the providers`,
        },
      ]
}

const agreementProblems = (input: Input): readonly Problem[] => [
  ...retentionProblems(input),
  ...windowProblems(input),
  ...duplicates(
    'providers',
    'kind',
    input.providers.map(({ kind }) => kind),
  ),
  ...duplicates(
    'deciders',
    'decider',
    input.deciders.map(({ name }) => name),
  ),
  ...duplicates(
    'schedules',
    'schedule',
    input.schedules.map(({ name }) => name),
  ),
  ...scheduleProblems(input),
]

/** Complete but for what only the place of the file and the environment can tell. */
export type DecodedConfig = Omit<Config, 'database' | 'directory'> & {
  readonly database: string | undefined
  readonly directory: string | undefined
}

/** Decodes a `ConfigInput`. Left: everything that is wrong with it. */
export const decodeConfig = (value: unknown): E.Either<readonly Problem[], DecodedConfig> => {
  const decoded = Input.decode(value)
  if (E.isLeft(decoded)) return E.left(formatErrors(decoded.left))
  const input = decoded.right
  const problems = agreementProblems(input)
  if (problems.length > 0) return E.left(problems)
  const { database, directory, retention } = input
  return E.right({ ...input, database, directory, retention })
}
