/** The policies of a configuration say the same to deciders in TypeScript and in SQL. */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Policy } from '../../src/domain/config.ts'
import { defineDecider, type IntentDraft } from '../../src/domain/decider.ts'
import { globMatches } from '../../src/domain/glob.ts'
import type { Engine } from '../../src/foreword.ts'
import { runConverge } from '../../src/reconcile/run-converge.ts'
import { codeOf } from '../../src/store/connect.ts'
import { registerPolicies } from '../../src/store/policy-store.ts'
import { testDatabase } from '../support/database.ts'
import { engineOn } from '../support/engine.ts'
import { testConfig } from '../support/settings.ts'
import { inTransaction, sqlClient } from '../support/sql-client.ts'

const scope = 'acme'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

type Does = readonly [verb: string, kind: string, name: string, scope?: string]

const draft = ([verb, kind, name, at]: Does): IntentDraft => ({
  type: 'intent',
  kind,
  name,
  verb,
  state: verb === 'delete' ? null : { n: 1 },
  ...(at === undefined ? {} : { scope: at }),
})

const there = (kind: string, count: number, at = scope): readonly Does[] =>
  Array.from({ length: count }, (_, i) => ['create', kind, `${kind}-${i}`, at])

interface Case {
  readonly name: string
  readonly policies: readonly Policy[]
  readonly before?: readonly Does[]
  readonly does: readonly Does[]
  /** Each `verb kind/name state reason`, or the SQLSTATE. */
  readonly ends: string | readonly string[]
}

const any = { scope: '*', kind: '*' }

const cases: readonly Case[] = [
  {
    name: 'no policies',
    policies: [],
    does: [['create', 'vm', 'a']],
    ends: ['create vm/a pending'],
  },
  {
    name: 'approval of a verb, of a kind, in a scope, of a name',
    policies: [
      { ...any, kind: 'vm', approve: ['create', 'reboot'] },
      { ...any, scope: 'other/*', approve: ['create'] },
      { ...any, name: '*.example.org.', approve: ['create'] },
    ],
    does: [
      ['create', 'vm', 'a'],
      ['create', 'ip', 'a'],
      ['create', 'ip', 'www.example.org.'],
      ['create', 'ip', 'a', 'other/prod'],
      ['create', 'ip', 'a', 'others'],
    ],
    ends: [
      'create ip/a pending',
      'create ip/a pending',
      'create ip/a awaiting_approval',
      'create ip/www.example.org. awaiting_approval',
      'create vm/a awaiting_approval',
    ],
  },
  {
    name: 'a verb of the provider’s own',
    policies: [{ ...any, approve: ['reboot'] }],
    before: [['create', 'vm', 'a']],
    does: [['reboot', 'vm', 'a']],
    ends: ['reboot vm/a awaiting_approval'],
  },
  {
    name: 'prevent_destroy of a name, of which there is another',
    policies: [{ ...any, name: 'a', prevent_destroy: true }],
    before: [
      ['create', 'vm', 'a'],
      ['create', 'vm', 'b'],
    ],
    does: [
      ['delete', 'vm', 'b'],
      ['delete', 'vm', 'a'],
    ],
    ends: 'FW026 vm/a is protected by prevent_destroy',
  },
  {
    name: 'prevent_destroy that is not lifted by a later policy',
    policies: [
      { ...any, prevent_destroy: true },
      { ...any, prevent_destroy: false },
    ],
    before: [['create', 'vm', 'a']],
    does: [['delete', 'vm', 'a']],
    ends: 'FW026 vm/a is protected by prevent_destroy',
  },
  {
    name: 'as many deletions as are allowed',
    policies: [{ ...any, deletes_max: 2 }],
    before: there('vm', 3),
    does: [
      ['delete', 'vm', 'vm-0'],
      ['delete', 'vm', 'vm-1'],
    ],
    ends: ['delete vm/vm-0 pending', 'delete vm/vm-1 pending'],
  },
  {
    name: 'one deletion too many holds all of them, of other kinds too, and nothing else',
    policies: [{ ...any, kind: 'vm', deletes_max: 1 }],
    before: [...there('vm', 3), ...there('ip', 1)],
    does: [
      ['delete', 'vm', 'vm-0'],
      ['delete', 'vm', 'vm-1'],
      ['delete', 'ip', 'ip-0'],
      ['update', 'vm', 'vm-2'],
    ],
    ends: [
      'delete ip/ip-0 awaiting_approval 2 deletions of vm in acme by one decision, 1 at most',
      'delete vm/vm-0 awaiting_approval 2 deletions of vm in acme by one decision, 1 at most',
      'delete vm/vm-1 awaiting_approval 2 deletions of vm in acme by one decision, 1 at most',
      'update vm/vm-2 pending',
    ],
  },
  {
    name: 'of each kind, in each scope',
    policies: [{ ...any, deletes_max: 1 }],
    before: [...there('vm', 1), ...there('ip', 1), ...there('vm', 1, 'other')],
    does: [
      ['delete', 'vm', 'vm-0'],
      ['delete', 'ip', 'ip-0'],
      ['delete', 'vm', 'vm-0', 'other'],
    ],
    ends: ['delete ip/ip-0 pending', 'delete vm/vm-0 pending', 'delete vm/vm-0 pending'],
  },
  {
    name: 'the later limit has the say',
    policies: [
      { ...any, deletes_max: 0 },
      { ...any, kind: 'vm', deletes_max: 5 },
    ],
    before: [...there('vm', 1)],
    does: [['delete', 'vm', 'vm-0']],
    ends: ['delete vm/vm-0 pending'],
  },
  {
    name: 'none at all',
    policies: [{ ...any, deletes_max: 0 }],
    before: there('vm', 1),
    does: [['delete', 'vm', 'vm-0']],
    ends: ['delete vm/vm-0 awaiting_approval 1 deletion of vm in acme by one decision, 0 at most'],
  },
  {
    name: 'as many percent as are allowed',
    policies: [{ ...any, deletes_max_percent: 25 }],
    before: there('vm', 8),
    does: [
      ['delete', 'vm', 'vm-0'],
      ['delete', 'vm', 'vm-1'],
    ],
    ends: ['delete vm/vm-0 pending', 'delete vm/vm-1 pending'],
  },
  {
    name: 'more percent than are allowed',
    policies: [{ ...any, deletes_max_percent: 25 }],
    before: [...there('vm', 7), ...there('ip', 9)],
    does: [
      ['delete', 'vm', 'vm-0'],
      ['delete', 'vm', 'vm-1'],
    ],
    ends: [
      'delete vm/vm-0 awaiting_approval 2 deletions of vm in acme by one decision, 25 % at most',
      'delete vm/vm-1 awaiting_approval 2 deletions of vm in acme by one decision, 25 % at most',
    ],
  },
  {
    name: 'a number and percent: the stricter of the two',
    policies: [{ ...any, deletes_max: 5, deletes_max_percent: 12.5 }],
    before: there('vm', 7),
    does: [['delete', 'vm', 'vm-0']],
    ends: [
      'delete vm/vm-0 awaiting_approval 1 deletion of vm in acme by one decision, 12.5 % at most',
    ],
  },
  {
    name: 'no percent, and all of them',
    policies: [
      { ...any, deletes_max_percent: 0 },
      { ...any, kind: 'ip', deletes_max_percent: 100 },
    ],
    before: [...there('vm', 2), ...there('ip', 2)],
    does: [
      ['delete', 'ip', 'ip-0'],
      ['delete', 'ip', 'ip-1'],
      ['delete', 'vm', 'vm-1'],
    ],
    ends: [
      'delete ip/ip-0 awaiting_approval 1 deletion of vm in acme by one decision, 0 % at most',
      'delete ip/ip-1 awaiting_approval 1 deletion of vm in acme by one decision, 0 % at most',
      'delete vm/vm-1 awaiting_approval 1 deletion of vm in acme by one decision, 0 % at most',
    ],
  },
  {
    name: 'next to no percent',
    policies: [{ ...any, deletes_max_percent: 1e-300 }],
    before: there('vm', 2),
    does: [['delete', 'vm', 'vm-0']],
    ends: [
      'delete vm/vm-0 awaiting_approval 1 deletion of vm in acme by one decision, 1e-300 % at most',
    ],
  },
  {
    name: 'names are what they are, not patterns of LIKE',
    policies: [{ ...any, name: '100%_\\*', approve: ['create'] }],
    does: [
      ['create', 'vm', '100%_\\a'],
      ['create', 'vm', '100xx\\a'],
      ['create', 'vm', '100%_xa'],
    ],
    ends: [
      'create vm/100%_\\a awaiting_approval',
      'create vm/100%_xa pending',
      'create vm/100xx\\a pending',
    ],
  },
]

const lay = async (engine: Engine, does: readonly Does[]): Promise<void> => {
  const laid = await engine.decide(say, { scope, input: does.map(draft) })
  if (laid.type !== 'decided' && laid.type !== 'unchanged') throw new Error(laid.type)
}

const inTypeScript = async (engine: Engine, does: readonly Does[]): Promise<string> => {
  const result = await engine.decide(say, { scope, input: does.map(draft) })
  if (result.type === 'invalid') return `${result.sqlstate} ${result.reason}`
  return result.type === 'decided' ? result.decision : result.type
}

const inSql = async (t: Test, url: string, does: readonly Does[]): Promise<string> => {
  const tx = await sqlClient(t, url)
  try {
    return await inTransaction(tx, async () => {
      for (const d of does) {
        const { kind, name, verb, state } = draft(d)
        await tx`select foreword.intend(${d[3] ?? scope}, ${kind}, ${name}, ${verb}, ${state === null ? null : tx.json({ n: 1 })})`
      }
      const [row] = await tx<{ id: string }[]>`select foreword.decide('in-sql') as id`
      return row?.id ?? ''
    })
  } catch (error) {
    return `${codeOf(error)} ${(error as Error).message}`
  }
}

const endsOf = async ({ sql }: Engine, end: string): Promise<string | readonly string[]> => {
  if (end.startsWith('FW')) return end
  const rows = await sql<{ what: string }[]>`
    select concat_ws(' ', i.verb, i.kind || '/' || i.name, i.state, i.reason) as what
    from foreword.intent i
    where i.decision_id = ${end}`
  return rows.map(({ what }) => what).toSorted()
}

const worldOf = async (t: Test, it: Case) => {
  const { url, sql } = await testDatabase(t)
  await lay(engineOn(t, url, testConfig(url)), it.before ?? [])
  return { url, sql, engine: engineOn(t, url, testConfig(url, { policies: it.policies })) }
}

for (const it of cases) {
  t.test(`${it.name}: the same in TypeScript and in SQL`, async (t) => {
    const ours = await worldOf(t, it)
    const ends = typeof it.ends === 'string' ? it.ends : it.ends.toSorted()
    t.same(await endsOf(ours.engine, await inTypeScript(ours.engine, it.does)), ends, 'TypeScript')
    const theirs = await worldOf(t, it)
    await registerPolicies(theirs.sql, it.policies)
    t.same(await endsOf(theirs.engine, await inSql(t, theirs.url, it.does)), ends, 'SQL')
  })
}

t.test('a glob covers the same in both', async (t) => {
  const { sql } = await testDatabase(t)
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '/', '%', '_', '\\', '🚀', 'é'),
    maxLength: 6,
  })
  const glob = fc.string({
    unit: fc.constantFrom('a', '/', '%', '_', '\\', '🚀', '*', '?'),
    maxLength: 6,
  })
  const pairs = fc.sample(fc.record({ glob, text }), { numRuns: 5_000, seed: 7 })
  const rows = await sql<{ covers: boolean }[]>`
    select foreword_code.glob_matches(p.glob, p.text) as covers
    from jsonb_array_elements(${sql.json([...pairs])}) with ordinality as e (pair, at)
    cross join lateral (select e.pair ->> 'glob' as glob, e.pair ->> 'text' as text) p
    order by e.at`
  t.same(
    pairs.filter((p, i) => globMatches(p.glob, p.text) !== rows[i]?.covers),
    [],
  )
  t.ok(rows.some(({ covers }) => covers))
})

t.test('the policies of whoever starts last are those that hold', async (t) => {
  const { sql } = await testDatabase(t)
  await registerPolicies(sql, [
    { ...any, approve: ['create'], window: { days: ['sat'], from: '22:00', to: '04:00' } },
    {
      scope: 'a',
      kind: 'b',
      name: 'c',
      deletes_max: 1,
      deletes_max_percent: 2.5,
      prevent_destroy: true,
    },
  ])
  const shown = () => sql`
    select position, scope, kind, name, approve, prevent_destroy, deletes_max, deletes_max_percent, windows
    from foreword.policy order by position`
  t.match(await shown(), [
    { position: 1, approve: ['create'], windows: [{ days: [6], from: 1320, to: 240 }] },
    { position: 2, scope: 'a', kind: 'b', name: 'c', deletes_max: 1, deletes_max_percent: 2.5 },
  ])
  await Promise.all([1, 2, 3].map((n) => registerPolicies(sql, [{ ...any, deletes_max: n }])))
  t.equal((await shown()).length, 1, 'and of those who start together, those of one')
  await registerPolicies(sql, [])
  t.same(await shown(), [])
})

/** A scope of 150, of which 120 may be deleted in one run, and all are to be; what is decided so far. */
const laid150 = async (t: Test) => {
  const { url } = await testDatabase(t)
  const policies = [{ ...any, deletes_max: 120 }]
  const engine = engineOn(t, url, testConfig(url, { policies }))
  const { store } = engine.reconcileDeps
  const rows = Array.from({ length: 150 }, (_, i) => ({
    scope,
    kind: 'vm',
    name: `vm-${String(i).padStart(3, '0')}`,
    stack: 'default',
    spec: { n: 1 },
    labels: {},
    counters: {},
    needs: [],
  }))
  await store.want(rows, 'test')
  await runConverge(engine.reconcileDeps)({ scope })
  await store.unwantOthers(scope, 'default', [], 'test')
  return { engine, rows }
}

const deletionsOf = ({ sql }: Engine) => sql`
  select count(*)::integer, state, reason
  from foreword.intent where verb = 'delete' group by state, reason`

const all_held = [
  {
    count: 150,
    state: 'awaiting_approval',
    reason: '150 deletions of vm in acme by one decision, 120 at most',
  },
]

t.test('a run of several decisions counts the deletions of all of them', async (t) => {
  const { engine } = await laid150(t)
  const { intents } = await runConverge(engine.reconcileDeps)({ scope })
  t.equal(intents.length, 150)
  t.same(await deletionsOf(engine), all_held)
})

t.test('and of what it has decided already, where it has to look again', async (t) => {
  const { engine, rows } = await laid150(t)
  const deps = engine.reconcileDeps
  let decisions = 0
  const decide: typeof deps.decide = async (...asked) => {
    decisions += 1
    if (decisions === 2) {
      // What the second decision is about has changed since it was looked at.
      await deps.store.want(rows, 'test')
      await deps.store.unwantOthers(scope, 'default', [], 'test')
    }
    return deps.decide(...asked)
  }
  const { intents } = await runConverge({ ...deps, decide })({ scope })
  t.equal(intents.length, 150)
  t.ok(decisions > 2, 'it has looked again')
  t.same(await deletionsOf(engine), all_held)
})
