/** `foreword replay`: the upgrade check. Exit 1 when a decision would not be the same. */
import { replay as replayAll, type IntentDifference, type Replayed } from '../decide/replay.ts'
import type { Config } from '../domain/config.ts'
import type { AnyDecider } from '../domain/decider.ts'
import { ForewordError } from '../domain/errors.ts'
import { resourceKey } from '../domain/reference.ts'
import { converge } from '../reconcile/converge.ts'
import { replayStore } from '../store/replay-store.ts'
import { pathLine, signOf } from './change-lines.ts'
import type { Context } from './context.ts'
import { harmless, moment, plural, truncate } from './print.ts'
import { configOf, openReaderOf } from './session.ts'
import { momentsOf } from './times.ts'

export interface ReplayOptions {
  readonly since: string
  readonly until?: string
  readonly decider?: string
  readonly scope?: string
}

/** More than this nobody reads; all of it is in --json. */
const told_max = 50
const names_max = 5

type Outcome = Replayed['replay']

/** Deciders of this code, foreword's own that only look at what is recorded with them included. */
const decidersOf = (config: Config): ReadonlyMap<string, AnyDecider> =>
  new Map([converge, ...config.deciders].map((decider) => [decider.name, decider]))

const listed = (names: readonly string[]): string => {
  const some = names.slice(0, names_max).map(harmless).join(', ')
  return names.length > names_max ? `${some} and ${names.length - names_max} more` : some
}

const readsText = (unread: readonly string[], dropped: readonly string[]): readonly string[] => [
  ...(unread.length === 0 ? [] : [`asks for ${listed(unread)}: not read then, so not known now`]),
  ...(dropped.length === 0 ? [] : [`no longer asks for ${listed(dropped)}`]),
]

const differenceLines = (
  { colors, width }: Context,
  { change, verb, paths, ...at }: IntentDifference,
): readonly string[] => {
  const [sign, paint, text] =
    change === 'more'
      ? (['+', 'green', `would also ${verb}`] as const)
      : change === 'less'
        ? (['-', 'red', `would no longer ${verb}`] as const)
        : (['~', 'yellow', `would ${verb} otherwise`] as const)
  const head = `${sign} ${harmless(text)}`
  const name = truncate(harmless(resourceKey(at)), width - head.length - 5)
  return [
    `    ${colors[paint](head)} ${name}`,
    ...paths.map(
      (p) => `    ${pathLine(change === 'more' ? 'create' : 'update', p, colors, width - 4)}`,
    ),
  ]
}

const headline: Readonly<Record<Outcome['type'], string>> = {
  same: 'the same',
  differs: 'differs',
  refuses: 'would refuse',
  throws: 'throws',
  reads: 'reads something else',
  unknown: 'cannot be replayed',
}

const many = {
  same: 'the same',
  differs: 'differ',
  refuses: 'would refuse',
  throws: 'throw',
  reads: 'read something else',
} as const

const detailLines = (context: Context, outcome: Outcome): readonly string[] => {
  const indent = (line: string): string => `    ${truncate(line, context.width - 4)}`
  switch (outcome.type) {
    case 'differs':
      return [
        ...outcome.differences.flatMap((d) => differenceLines(context, d)),
        ...readsText([], outcome.dropped).map(indent),
      ]
    case 'refuses':
      return [indent(harmless(outcome.reason))]
    case 'throws':
      return [indent(harmless(outcome.message))]
    case 'reads':
      return readsText(outcome.unread, outcome.dropped).map(indent)
    case 'same':
    case 'unknown':
      return []
  }
}

const tell = (context: Context, { decision, version, replay }: Replayed): void => {
  const { colors, out, width } = context
  const { decider, decider_version: then, decided_at, scope, id } = decision
  const versions = version === then ? `v${then}` : `v${then} → v${version ?? '?'}`
  const head = `${harmless(decider)} ${versions} ${headline[replay.type]}`
  const tail = harmless(`${moment(decided_at)}  ${scope}  ${id}`)
  const { sign } = replay.type === 'differs' ? signOf('update') : { sign: '✗' }
  const room = width - head.length - 4
  const painted = replay.type === 'differs' ? colors.yellow : colors.red
  out(
    `${painted(`${sign} ${truncate(head, width - 2)}`)}${room > 20 ? `  ${colors.dim(truncate(tail, room))}` : ''}`,
  )
  for (const line of detailLines(context, replay)) out(line)
}

/** One line of --json: what was compared, and what came of it. */
const lineOf = ({ decision, version, replay }: Replayed) => ({
  decision: decision.id,
  scope: decision.scope,
  decider: decision.decider,
  recorded_version: decision.decider_version,
  version,
  decided_at: decision.decided_at,
  outcome: replay.type,
  ...replay,
  type: undefined,
})

interface Tally {
  readonly count: Map<Outcome['type'], number>
  readonly reasons: Map<string, number>
}

const note = ({ count, reasons }: Tally, { replay }: Replayed): void => {
  count.set(replay.type, (count.get(replay.type) ?? 0) + 1)
  if (replay.type === 'unknown') reasons.set(replay.why, (reasons.get(replay.why) ?? 0) + 1)
}

const of = ({ count }: Tally, type: Outcome['type']): number => count.get(type) ?? 0

/** What an upgrade should not bring unnoticed. */
const wrong = ['differs', 'refuses', 'throws', 'reads'] as const

const summaryOf = (tally: Tally) => ({
  same: of(tally, 'same'),
  differs: of(tally, 'differs'),
  refuses: of(tally, 'refuses'),
  throws: of(tally, 'throws'),
  reads: of(tally, 'reads'),
  unknown: of(tally, 'unknown'),
  reasons: Object.fromEntries(tally.reasons),
})

const tellSummary = (context: Context, tally: Tally): void => {
  const { out } = context
  const known = [...tally.count].filter(([type]) => type !== 'unknown')
  const all = known.reduce((sum, [, n]) => sum + n, 0)
  const parts = (['same', ...wrong] as const)
    .filter((type) => type === 'same' || of(tally, type) > 0)
    .map((type) => `${of(tally, type)} ${of(tally, type) === 1 ? headline[type] : many[type]}`)
  out(
    all === 0
      ? 'No decision was replayed.'
      : `${plural(all, 'decision')} replayed: ${parts.join(', ')}.`,
  )
  const reasons = [...tally.reasons].map(([why, n]) => `${n} ${harmless(why)}`)
  if (reasons.length > 0) {
    out(`${of(tally, 'unknown')} cannot be replayed: ${reasons.toSorted().join(', ')}.`)
  }
}

const checkDecider = (name: string | undefined, known: ReadonlyMap<string, AnyDecider>): void => {
  if (name === undefined || known.has(name)) return
  throw new ForewordError(`no decider ${JSON.stringify(harmless(name))} is registered`, {
    where: 'deciders of the configuration',
    remedy: `known: ${[...known.keys()].map(harmless).join(', ')}`,
    exit_code: 2,
  })
}

export const replay =
  (options: ReplayOptions) =>
  async (context: Context): Promise<number> => {
    const config = await configOf(context)
    const deciders = decidersOf(config)
    checkDecider(options.decider, deciders)
    const { sql } = await openReaderOf(context, config, {
      connection: { default_transaction_read_only: 'on', statement_timeout: '0' },
    })
    const [since, until] = await momentsOf(sql, [options.since, options.until ?? 'now'])
    if (since === undefined || until === undefined) throw new Error('no time was asked for')
    const json = context.options.json === true
    if (!json) context.say(`decided from ${since.told} until ${until.told} UTC`)
    const providers = new Map(config.providers.map((provider) => [provider.kind, provider]))
    const rules = { providers, policies: config.policies }
    const filter = {
      since: since.at,
      until: until.at,
      scope: options.scope ?? null,
      decider: options.decider ?? null,
    }
    const tally: Tally = { count: new Map(), reasons: new Map() }
    let told = 0
    for await (const one of replayAll({ store: replayStore(sql), rules, deciders }, filter)) {
      if (context.signal.aborted) return 130
      note(tally, one)
      if (json) context.out(JSON.stringify(lineOf(one)))
      else if (one.replay.type !== 'same' && one.replay.type !== 'unknown' && ++told <= told_max) {
        tell(context, one)
      }
    }
    if (json) context.out(JSON.stringify({ summary: summaryOf(tally) }))
    else {
      if (told > told_max) context.out(`… and ${told - told_max} more: see --json`)
      tellSummary(context, tally)
    }
    return wrong.some((type) => of(tally, type) > 0) ? 1 : 0
  }
