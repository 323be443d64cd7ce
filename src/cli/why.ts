/** `foreword why`: the causal story of an intent or a resource. */
import { resourceKey } from '../domain/reference.ts'
import type { Context } from './context.ts'
import { signOf } from './change-lines.ts'
import { factLines, harmless, inline, moment, plural, type Colors, type Fact } from './print.ts'
import { openReader } from './session.ts'
import { decisionFacts, fateFacts } from './why-facts.ts'
import { isDecisionId, readStory, type Story, type Subject } from './why-rows.ts'

type Entry = Story['entries'][number]

const subjectFacts = (subject: Subject): readonly Fact[] => {
  const { desired, assumed, observed, observed_at, external_id } = subject
  const seen =
    observed_at === null
      ? 'not looked at yet'
      : `${observed === null ? 'nothing' : inline(observed)} at ${moment(observed_at)}`
  return [
    ...(subject.reason === null ? [] : [['because', harmless(subject.reason)] as const]),
    ['wanted', desired === null ? 'no (not asked for, or asked to be gone)' : inline(desired)],
    ['assumed', assumed === null ? 'absent' : inline(assumed)],
    ['observed', seen],
    ...(external_id === null ? [] : [['external id', harmless(external_id)] as const]),
  ]
}

const entryTitle = (entry: Entry, colors: Colors, named: boolean): string => {
  const { sign, paint } = signOf(entry.verb)
  const state = entry.state === 'recorded' ? entry.cause : entry.state.replaceAll('_', ' ')
  const good = entry.state === 'confirmed'
  const painted = colors[good ? 'green' : entry.state === 'recorded' ? 'cyan' : 'yellow'](state)
  const name = named ? ` ${harmless(resourceKey(entry))}` : ''
  const what = `#${entry.id}  v${entry.version}  ${harmless(entry.verb)}${name}`
  const head = `${colors[paint](sign)} ${colors.bold(what)}`
  return `${head}  ${painted}  ${colors.dim(moment(entry.recorded_at))}`
}

const tellFacts = (context: Context, facts: readonly Fact[]): void => {
  for (const line of factLines(facts, context)) context.out(line)
}

/** All that one decision wrote: what it relied on once, then what came of each part. */
const tellDecision = (context: Context, { entries, paused }: Story, first: Entry): void => {
  const { colors, out } = context
  const when = `${moment(first.recorded_at)} UTC`
  out(`${colors.bold(`decision ${first.decision}`)} in ${harmless(first.scope)}, ${when}`)
  tellFacts(context, decisionFacts(first))
  for (const entry of entries) {
    out()
    out(entryTitle(entry, colors, true))
    tellFacts(context, fateFacts(entry, paused))
  }
}

const tellResource = (context: Context, story: Story, whole: boolean): void => {
  const { subject, entries, paused, kept_since } = story
  const { colors, out } = context
  const condition = subject.condition.replaceAll('_', ' ')
  out(
    `${colors.bold(harmless(resourceKey(subject)))} in ${harmless(subject.scope)}: ` +
      `${colors.bold(condition)} since ${moment(subject.since)} UTC, version ${subject.version}`,
  )
  tellFacts(context, subjectFacts(subject))
  if (entries.length === 0) out(colors.dim('\nNothing was decided about it yet.'))
  const earlier = (entries[0]?.version ?? 1) - 1
  const kept =
    kept_since === null ? '' : `; of before ${moment(kept_since)} UTC some or all are archived`
  if (earlier > 0 && whole) out(colors.dim(`\n… ${plural(earlier, 'earlier version')}${kept}`))
  for (const entry of entries) {
    out()
    out(entryTitle(entry, colors, false))
    tellFacts(context, [...decisionFacts(entry), ...fateFacts(entry, paused)])
  }
}

export const why =
  (what: string, options: { readonly scope?: string }) =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const story = await readStory(sql, what, options.scope)
    const [first] = story.entries
    if (context.options.json === true) context.json(story)
    else if (isDecisionId(what) && first !== undefined) tellDecision(context, story, first)
    else tellResource(context, story, !/^#?\d+$/.test(what))
    return 0
  }
