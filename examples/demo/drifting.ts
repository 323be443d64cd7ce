/** Step 4: somebody changes the cloud by hand, and a reconcile run puts it right. */
import { inline, span } from '../../src/cli/print.ts'
import type { Json } from '../../src/index.ts'
import { scope } from './scale-out.ts'
import type { Story } from './story.ts'
import { until } from './until.ts'
import { allSettled, type World } from './world.ts'

interface DriftRow {
  readonly kind: string
  readonly name: string
  readonly path: string
  readonly assumed: Json
  readonly observed: Json
  readonly since: Date
  readonly resolved_at: Date | null
}

const twoVms = async ({ engine }: World): Promise<readonly [string, string]> => {
  const rows = await engine.sql<{ name: string }[]>`
    select r.name from foreword.resource r where r.kind = 'vm' order by r.name limit 2`
  const [first, second] = rows.map(({ name }) => name)
  if (first === undefined || second === undefined) throw new Error('there are no two vms')
  return [first, second]
}

const driftHistory = ({ engine }: World): Promise<readonly DriftRow[]> => engine.sql<DriftRow[]>`
  select d.kind, d.name, d.path, d.assumed, d.observed, d.since, d.resolved_at
  from foreword.drift_history d
  order by d.name, d.path`

const tellHistory = (rows: readonly DriftRow[], story: Story): void => {
  story.table(
    [
      { title: 'drifted', min: 10 },
      { title: 'at' },
      { title: 'assumed', min: 8 },
      { title: 'observed', min: 8 },
      { title: 'repaired after' },
    ],
    rows.map((d) => [
      `${d.kind}/${d.name}`,
      d.path === '' ? 'all of it' : d.path,
      inline(d.assumed),
      d.observed === null ? 'gone' : inline(d.observed),
      d.resolved_at === null ? 'not yet' : span(d.resolved_at.getTime() - d.since.getTime()),
    ]),
  )
}

/** Level-based: a look counts only where nothing was written a moment ago, so it is simply made again. */
const reconcileUntilFound = (world: World, story: Story, expected: number): Promise<true> => {
  let runs = 0
  return until('a reconcile run finds the drift', world.patience(60), async () => {
    runs += 1
    story.progress(`reconcile run ${runs}`)
    await world.engine.reconcile({ scope, actor: 'cron' })
    return (await driftHistory(world)).length >= expected ? true : null
  })
}

export const makeDrift = async (world: World, story: Story): Promise<void> => {
  story.step(
    'Somebody changes the cloud by hand',
    'A reconcile run, as cron starts it, looks at what there is, believes a difference only when ' +
      'it shows twice, feeds it back as decisions like any other, and puts it right.',
  )
  const [resized, deleted] = await twoVms(world)
  await world.cloud.drift(scope, resized, { set: { size: 's' } })
  await world.cloud.drift(scope, deleted, { delete: true })
  story.fact(`at the cloud’s console: vm/${resized} made smaller and vm/${deleted} deleted`)
  await reconcileUntilFound(world, story, 2)
  await allSettled(world, story)
  story.fact('reconcile found both, and both are as they were (foreword.drift_history)')
  tellHistory(await driftHistory(world), story)
}
