/** Forgetting: what is there is known no more, and stays as it is. */
import t from 'tap'
import { testEngine } from '../support/engine.ts'
import { defineDecider, create, refuse, update } from '../../src/domain/decider.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { startCloud } from '../../src/cloud/index.ts'
import { bench, recordStack, written } from './harness.ts'

const name = 'r0.example.org.'

t.test('what is forgotten stays as it is, and an import makes it known again', async (t) => {
  const b = await bench(t)
  // Labels are of the stack, and an import finds none.
  const stack = await b.write('s.json', recordStack(2).replaceAll('"labels":{"role":"web"},', ''))
  t.equal((await b.foreword(['apply', '-f', stack, '--wait'])).code, 0)
  const { sql } = b.database
  const [before] = await sql`
    select external_id, observed from foreword.resource where name = ${name}`
  const effects = (await b.ledger()).length

  const done = await b.foreword(['forget', 'dns_record', name, '--note', 'the old team has it'])
  t.equal(done.code, 0, done.stderr)
  t.match(
    done.stdout,
    /^Forgotten: dns_record\/r0\.example\.org\. in acme, and left as it is\. It is /,
  )
  t.match(done.stdout, String(before?.['external_id']))
  t.match(
    await sql`
      select version, desired, assumed, observed, external_id, in_sync, condition
      from foreword.resource
      where name = ${name}`,
    [
      {
        version: 2,
        desired: null,
        assumed: null,
        observed: null,
        external_id: null,
        in_sync: true,
        condition: 'absent',
      },
    ],
  )
  t.match(
    await sql`
      select d.decider, d.reason, d.certified, e.cause, e.verb
      from foreword.entry e
      join foreword.decision d on d.id = e.decision_id
      where e.name = ${name} and e.version = 2`,
    [
      {
        decider: 'foreword/forget',
        reason: 'the old team has it',
        certified: true,
        cause: 'ruling',
        verb: 'forget',
      },
    ],
  )
  t.match((await b.foreword(['why', `dns_record/${name}`])).stdout, /forget[^]*the old team has it/)

  const reconciled = await b.foreword(['reconcile', '--wait'])
  t.equal(reconciled.code, 0, reconciled.stderr)
  t.equal((await b.ledger()).length, effects, 'nothing was called for')

  const back = await b.foreword(['import', 'dns_record', name])
  t.equal(back.code, 0, back.stderr)
  t.match(
    await sql`select external_id, observed, version from foreword.resource where name = ${name}`,
    [{ ...before, version: 3 }],
  )
  t.match((await b.foreword(['apply', '-f', stack, '--wait'])).stdout, /No changes\. 2 resources/)
  t.equal((await b.ledger()).length, effects)
  const audit = await b.foreword(['audit'])
  t.equal(audit.code, 0, audit.stdout)
})

t.test(
  'what is unknown, under way or needed is not forgotten, and nothing is written',
  async (t) => {
    const b = await bench(t)
    const needed = await b.write(
      'needed.json',
      JSON.stringify({
        scope: 'acme',
        resources: [
          { kind: 'network', name: 'n', spec: { cidr: '10.0.0.0/24' } },
          { kind: 'vm', name: 'v', needs: ['network/n'], spec: { size: 's' } },
        ],
      }),
    )
    t.equal((await b.foreword(['apply', '-f', needed, '--wait'])).code, 0)
    const pending = await b.write('pending.json', recordStack(1))
    t.equal((await b.foreword(['apply', '-f', pending])).code, 0)
    const before = await written(b)
    for (const [args, code, line] of [
      [['network', 'n'], 1, /vm\/v is wanted, and needs network\/n.*; Take that need/],
      [
        ['dns_record', name],
        1,
        /something is under way with dns_record\/r0.*: intent \d+.*; Forget it/,
      ],
      [['vm', 'nope'], 1, /nothing is known of vm\/nope in acme.*; See foreword\.resource/],
      [['vm', 'v', '--scope', 'else/where'], 1, /nothing is known of vm\/v in else\/where/],
      [['vm', 'v', '--scope', '\u0007'], 2, /is no scope; /],
      [['vm'], 2, /missing required argument 'name'/],
      [['vm', 'v', '--by', ''], 1, /it needs to be said who/],
    ] as const) {
      const ran = await b.foreword(['forget', ...args])
      t.equal(ran.code, code, ran.stdout)
      t.match(ran.errors, [line])
      t.equal(ran.errors.length, 1)
    }
    await t.rejects(b.database.sql`select foreword.forget('acme', 'vm', 'v', 'ada')`, {
      code: 'FW001',
    })
    t.same(await written(b), before)
    t.equal((await b.foreword(['forget', 'vm', 'v'])).code, 0)
    t.equal((await b.foreword(['forget', 'network', 'n'])).code, 0, 'its needer is gone')
  },
)

const scale = defineDecider({
  name: 'scale',
  version: 1,
  read: (q, _: { readonly max: number; readonly name: string }) => ({
    pool: q.find('vm', { role: 'web' }),
    cores: q.counter('cores'),
    a: q.get('vm', 'a'),
  }),
  decide: ({ pool, cores }, { max, name }) =>
    cores + 2 > max
      ? refuse(`${String(pool.length)} there, ${String(cores)} cores taken`)
      : create(
          'vm',
          name,
          { size: 's' },
          {
            labels: { role: 'web' },
            counters: { cores: 2 },
          },
        ),
})

const resize = defineDecider({
  name: 'resize',
  version: 1,
  read: (q, vm: string) => ({ vm: q.get('vm', vm) }),
  decide: ({ vm }, at) =>
    vm === null ? refuse('it is not there') : update('vm', at, { size: 'm' }),
})

t.test('deciders see it go: predicates, counters and the resource itself', async (t) => {
  const cloud = await startCloud({})
  t.teardown(() => cloud.close())
  const { engine } = await testEngine(t, { providers: simulatedCloud({ url: cloud.url }) })
  const decide = (name: string) => engine.decide(scale, { scope: 'acme', input: { max: 4, name } })
  t.match(await decide('w0'), { type: 'decided' })
  t.match(await decide('w1'), { type: 'decided' })
  t.match(await decide('w2'), { type: 'refused', reason: '2 there, 4 cores taken' })
  await engine.sql`update foreword_private.entry set state = 'cancelled', settled_at = now(), due_at = null`
  const forget = (vm: string) =>
    engine.sql.begin(
      'isolation level serializable',
      (tx) => tx`
      select foreword.forget('acme', 'vm', ${vm}, 'ada', 'moved')`,
    )
  await forget('w0')
  t.match(await decide('w3'), { type: 'decided' }, 'what it consumed is given back')
  t.match(await engine.decide(resize, { scope: 'acme', input: 'w0' }), {
    type: 'refused',
    reason: 'it is not there',
  })

  const reader = await engine.sql.reserve()
  t.teardown(() => {
    reader.release()
  })
  await reader`begin isolation level serializable`
  await reader`select foreword.assume('acme', 'vm', 'w1')`
  await forget('w1')
  await t.rejects(
    (async () => {
      await reader`select foreword.intend('acme', 'vm', 'w1', 'update', '{"size": "m"}')`
      await reader`select foreword.decide('resize', 'by hand')`
      await reader`commit`
    })(),
    { code: '40001' },
    'whoever read it before cannot decide on it any more',
  )
  await reader`rollback`
})
