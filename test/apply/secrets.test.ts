/** Secrets that went out with a call are in no table, whatever its provider makes of them. */
import t from 'tap'
import * as codec from 'io-ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import {
  defaultTraits,
  rejected,
  Throttled,
  type AnyProvider,
  type Call,
} from '../../src/domain/provider.ts'
import { resolveSecret } from '../../src/secrets.ts'
import { engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { testConfig } from '../support/settings.ts'
import { scope as wanting, want } from '../support/wanting.ts'

const token = 'hunter2-"goes" out & in'

/** As careless adapters do: what it sent stands in all that it says. */
const careless: AnyProvider = {
  kind: 'careless',
  spec: codec.type({ how: codec.string }),
  state: codec.type({ how: codec.string }),
  traits: { ...defaultTraits, sightings: 0, account: '{scope}' },
  create: async ({ secrets, spec }: Call<{ readonly how: string }>) => {
    const said = `${'x'.repeat(4_000)} POST /?token=${encodeURIComponent(secrets({ secret: 'env', name: 'TOKEN' }))} ${token}`
    switch (spec.how) {
      case 'rejects':
        return rejected(said.slice(3_990))
      case 'asks to wait':
        throw new Throttled(said.slice(3_990), 60_000)
      default:
        throw new Error(said.slice(-1_000 - said.length + 4_000))
    }
  },
  update: async () => rejected('never'),
  delete: async () => rejected('never'),
  read: async () => {
    throw new Error(`GET: ${token}`)
  },
}

const one = defineDecider({
  name: 'one',
  version: 1,
  read: (q, how: string) => ({ there: q.get('careless', how) }),
  decide: (_facts, how) => create('careless', how, { how }),
})

t.test('a secret that a provider quotes is in no table', async (t) => {
  const { url } = await testEngine(t, {}, { migrated: true })
  const look = { name: 'look', cron: '0 0 1 1 *', scope: wanting }
  const config = testConfig(url, { providers: [careless], schedules: [look] })
  const secrets = resolveSecret({ TOKEN: token })
  const engine = engineOn(t, url, config, 'test', { secrets })
  await testWorker(t, engine)
  for (const how of ['rejects', 'throws', 'asks to wait']) {
    t.match(await engine.decide(one, { scope: how, input: how }), { type: 'decided' })
  }
  await eventually('all have been answered', async () => {
    const [row] = await engine.sql<{ answered: number }[]>`
      select count(*)::integer as answered from foreword.attempt where error is not null`
    const [parked] = await engine.sql<{ parked: number }[]>`
      select count(*)::integer as parked from foreword.doubt`
    const [waiting] = await engine.sql<{ waiting: number }[]>`
      select count(*)::integer as waiting from foreword.budget where reason is not null`
    return row?.answered === 3 && parked?.parked === 2 && (waiting?.waiting ?? 0) > 0
  })
  // A look that fails before something may be taken over leaves it, and says why.
  const adopted = want('careless', 'there', { how: 'it' }, { lifecycle: { adopt: true } })
  await engine.reconcileDeps.store.want([adopted], 'test')
  const { left } = await engine.reconcile({ scope: wanting })
  t.match(left, [{ resource: 'careless/there', reason: /\[hidden\]/ }])
  t.notOk(JSON.stringify(left).includes('hunter2'))
  await engine.sql`
    select graphile_worker.add_job('foreword_schedule', ${engine.sql.json({ name: look.name })}::json)`
  await eventually('the schedule has run', async () => {
    const [row] = await engine.sql<{ last_outcome: string | null }[]>`
      select last_outcome from foreword.schedule`
    return row?.last_outcome?.includes('careless/there')
  })
  const tables = await engine.sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('foreword_private', 'graphile_worker') and c.relkind in ('r', 'p')`
  t.ok(tables.length > 20)
  const everything: string[] = []
  for (const { name } of tables) {
    const rows = await engine.sql.unsafe<{ text: string }[]>(
      `select t::text as text from ${name} t`,
    )
    everything.push(...rows.map(({ text }) => text))
  }
  const said = everything.join('\n')
  t.ok(said.includes('[hidden]'), 'what stands there instead')
  for (const form of ['hunter2', encodeURIComponent(token)]) {
    t.notOk(said.includes(form), 'no part of it is there')
  }
})
