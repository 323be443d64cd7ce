/** The end of the demo: what happened, by SELECT, and whether it is as promised. */
import type { Column } from '../../src/cli/print.ts'
import { cores_per_vm, scope } from './scale-out.ts'
import type { Story } from './story.ts'
import type { World } from './world.ts'

interface Counts {
  readonly decisions: number
  readonly aborted: number
  readonly intents: number
  readonly confirmed: number
  readonly attempts: number
  readonly not_done: number
  readonly unheard: number
  readonly unheard_by_death: number
  readonly drift_found: number
  readonly drift_repaired: number
  readonly open: number
  readonly doubts: number
  readonly cores: number
  readonly scale_outs: number
  readonly cores_seen: number
}

const countAll = async ({ engine }: World): Promise<Counts> => {
  const [counts] = await engine.sql<Counts[]>`
    select
      (select count(*) from foreword.decision) as decisions,
      (select count(*) from foreword.conflict) as aborted,
      (select count(*) from foreword.intent) as intents,
      (select count(*) from foreword.intent where state = 'confirmed') as confirmed,
      (select count(*) from foreword.attempt) as attempts,
      (select count(*) from foreword.attempt where outcome = 'rejected') as not_done,
      (select count(*) from foreword.attempt where outcome = 'in_doubt') as unheard,
      (select count(*) from foreword.attempt where error_class = 'worker_lost') as unheard_by_death,
      (select count(*) from foreword.drift_history) as drift_found,
      (select count(resolved_at) from foreword.drift_history) as drift_repaired,
      (select coalesce(sum(count), 0)::bigint from foreword.backlog) as open,
      (select count(*) from foreword.doubt) as doubts,
      (
        select count(*) * ${cores_per_vm}::integer
        from foreword.resource
        where kind = 'vm' and assumed ->> 'size' = 'm'
      ) as cores,
      (select count(*) from foreword.decision where decider = 'scale-out') as scale_outs,
      (select count(distinct predicate) from foreword.premise where name = 'cores') as cores_seen`
  if (counts === undefined) throw new Error('no counts')
  return counts
}

/** Keys of all calls that are said to have had their effect, each once. */
const confirmedKeys = async ({ engine }: World): Promise<ReadonlySet<string>> => {
  const rows = await engine.sql<{ idempotency_key: string }[]>`
    select distinct a.idempotency_key
    from foreword.attempt a
    join foreword.intent i on i.id = a.intent_id
    where i.state = 'confirmed'`
  return new Set(rows.map((row) => row.idempotency_key))
}

const columns: readonly Column[] = [
  { title: 'what happened', min: 30 },
  { title: 'count', align: 'right' },
  { title: 'from', min: 14, spare: 1 },
]

const tellCounts = (counts: Counts, refused: number, effects: number, story: Story): void => {
  const rows = [
    ['decisions committed', counts.decisions, 'foreword.decision'],
    ['tries aborted and decided again', counts.aborted, 'foreword.conflict'],
    ['decisions refused', refused, 'told by the deciders'],
    ['intents', counts.intents, 'foreword.intent'],
    ['  of them confirmed', counts.confirmed, ''],
    ['calls', counts.attempts, 'foreword.attempt'],
    ['  of them throttled or not done', counts.not_done, ''],
    ['  of them without an answer', counts.unheard, ''],
    ['    since the worker was killed', counts.unheard_by_death, ''],
    ['effects at the cloud', effects, 'the cloud’s own ledger'],
    ['drifts found', counts.drift_found, 'foreword.drift_history'],
    ['  of them repaired', counts.drift_repaired, ''],
    ['intents open', counts.open, 'foreword.backlog'],
  ] as const
  story.table(
    columns,
    rows.map(([what, count, from]) => [
      what,
      String(count),
      { text: from, paint: story.colors.dim },
    ]),
  )
}

/** Prints tables and verdicts. False: something is not as it must be. */
export const summarize = async (
  world: World,
  story: Story,
  known: { readonly refused: number; readonly cores_max: number },
): Promise<boolean> => {
  const counts = await countAll(world)
  const keys = await confirmedKeys(world)
  const ledger = await world.cloud.ledger(scope)
  const cores_used = await world.cloud.coresUsed(scope)
  story.title('Summary')
  tellCounts(counts, known.refused, Object.keys(ledger.intents).length, story)

  story.title('Checked')
  const exact = ledger.max === 1 && Object.keys(ledger.repeated).length === 0
  const effects = Object.keys(ledger.intents)
  const same = effects.length === keys.size && effects.every((key) => keys.has(key))
  const most = Object.entries(ledger.repeated).map(([key, times]) => `${key} ${times} times`)
  const laws: readonly (readonly [boolean, string])[] = [
    [
      counts.scale_outs === counts.cores_seen,
      `serializable: ${counts.scale_outs} decisions saw ${counts.cores_seen} different counts of ` +
        'cores in use, so each saw all before it',
    ],
    [
      counts.cores === known.cores_max && cores_used === known.cores_max,
      `the quota of ${known.cores_max} cores is used to the last and was not exceeded: ` +
        `${counts.cores} assumed, ${cores_used} at the cloud`,
    ],
    [
      counts.confirmed === counts.intents && keys.size === counts.intents,
      `nothing lost: ${counts.confirmed} of ${counts.intents} intents are confirmed`,
    ],
    [
      exact && same,
      exact && same
        ? `each of the ${keys.size} intents has exactly one effect in the cloud’s ledger`
        : `the cloud’s ledger has ${effects.length} intents for our ${keys.size}; repeated: ` +
          (most.join(', ') || 'none'),
    ],
    [
      counts.unheard_by_death > 0,
      `${counts.unheard_by_death} calls were cut off by the killed worker, and none had its effect twice`,
    ],
    [
      counts.drift_found === 2 && counts.drift_repaired === 2,
      `2 drifts made, ${counts.drift_found} found, ${counts.drift_repaired} repaired`,
    ],
    [
      counts.open === 0 && counts.doubts === 0,
      `nothing is pending: ${counts.open} open, ${counts.doubts} in doubt`,
    ],
  ]
  for (const [holds, said] of laws) story.check(holds, said)
  return laws.every(([holds]) => holds)
}
