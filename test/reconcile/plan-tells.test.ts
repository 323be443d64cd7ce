/** A plan of files says beforehand what applying them decides: of several stacks, and of names that change. */
import t from 'tap'
import { planStacks } from '../../src/cli/plan-stack.ts'
import type { WantedStack } from '../../src/cli/wanting.ts'
import type { Engine } from '../../src/foreword.ts'
import { rename, type Renaming } from '../../src/reconcile/rename.ts'
import { runConverge } from '../../src/reconcile/run-converge.ts'
import { allSettled, cloudWorld, testWorker } from '../support/engine.ts'
import { brokenLaws, scope, thingsIn, toldEffects, want, type Wanted } from '../support/wanting.ts'

const stackOf = (
  stack: string,
  rows: readonly Wanted[],
  renamed: readonly Renaming[] = [],
): WantedStack => ({ scope, stack, rows: rows.map((row) => ({ ...row, stack })), renamed })

/** As `foreword apply` of these files does: what was planned, and what was decided. */
const applied = async (engine: Engine, all: readonly WantedStack[]) => {
  const deps = engine.reconcileDeps
  const planned = await planStacks(engine, all, { prune: false, take_over: false })
  const told = planned.flatMap(({ plan }) =>
    plan.changes.flatMap(({ verb, name, create_first }) =>
      verb === 'replace'
        ? [`delete ${create_first?.deposed ?? name}`, `create ${name}`]
        : [`${verb} ${name}`],
    ),
  )
  const by = { actor: 'test', reason: 'test' }
  for (const { plan } of planned) await rename(deps, scope, plan.renamed, by)
  for (const { rows } of all) await deps.store.want(rows, 'test')
  const decided: string[] = []
  for (const { stack } of all) {
    const { intents } = await runConverge(deps)({ scope, stack })
    decided.push(...intents.map(({ verb, name }) => `${verb} ${name}`))
  }
  await allSettled(engine)
  return { told: told.toSorted(), decided: decided.toSorted() }
}

const lan = (cidr: string, name = 'lan'): Wanted => want('network', name, { cidr })
const web = (network: string, over: Partial<Wanted> = {}): Wanted =>
  want('vm', 'web', { size: 's', network: { ref: `network/${network}#id` } }, over)
const fixed: Partial<Wanted> = { lifecycle: { replace_on: ['network'] } }

t.test(
  'what is renamed and replaced at once goes on as the old one that the plan names',
  async (t) => {
    const { engine } = await cloudWorld(t)
    await testWorker(t, engine)
    await applied(engine, [stackOf('one', [lan('10.0.0.0/24'), web('lan')])])
    const renamed = [{ kind: 'network', from: 'lan', to: 'edge' }]
    const { told, decided } = await applied(engine, [
      stackOf('one', [lan('10.1.0.0/24', 'edge'), web('edge')], renamed),
    ])
    t.same(decided, ['create edge', 'delete edge~v1', 'update web'])
    t.same(told, decided)
    t.same(await brokenLaws(engine), [])
  },
)

t.test('who refers to what another stack renames is not planned to be replaced', async (t) => {
  const { engine } = await cloudWorld(t)
  await testWorker(t, engine)
  await applied(engine, [
    stackOf('nets', [lan('10.0.0.0/24')]),
    stackOf('vms', [web('lan', fixed)]),
  ])
  const renamed = [{ kind: 'network', from: 'lan', to: 'edge' }]
  const { told, decided } = await applied(engine, [
    stackOf('vms', [web('edge', fixed)]),
    stackOf('nets', [lan('10.0.0.0/24', 'edge')], renamed),
  ])
  t.same(decided, ['update web'])
  t.same(told, decided)
})

t.test(
  'what is made on something that another stack makes anew is made once, on the new one',
  async (t) => {
    const { engine, cloud } = await cloudWorld(t)
    await testWorker(t, engine)
    await applied(engine, [stackOf('nets', [lan('10.0.0.0/24')])])
    const { told, decided } = await applied(engine, [
      stackOf('vms', [web('lan', fixed)]),
      stackOf('nets', [lan('10.1.0.0/24')]),
    ])
    t.same(decided, ['create lan', 'create web', 'delete lan'])
    t.same(told, decided)
    t.same((await toldEffects(cloud)).slice(1), ['delete lan', 'create lan', 'create web'])
    const { networks, vms } = await thingsIn(cloud)
    t.match(vms, [{ network: networks?.[0]?.id }])
    t.same(await brokenLaws(engine), [])
  },
)
