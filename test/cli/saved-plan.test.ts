/** Plans in files, as processes: what they outlive, and what they do not. */
import t from 'tap'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { bench, recordStack, written, type Bench } from './harness.ts'

const stackOf = (ttls: Readonly<Record<string, number>>, stack = 'default'): string =>
  JSON.stringify({
    scope: 'acme',
    stack,
    resources: Object.entries(ttls).map(([name, ttl]) => ({
      kind: 'dns_record',
      name: `${name}.example.org.`,
      spec: { type: 'A', ttl, records: ['192.0.2.1'] },
    })),
  })

const planned = async (b: Bench, text: string, more: readonly string[] = []): Promise<void> => {
  const file = await b.write('planned.json', text)
  const ran = await b.foreword(['plan', '-f', file, '--out', 'plan.json', ...more])
  if (ran.code !== 0) throw new Error(ran.stderr)
}

const applied = async (b: Bench, text: string): Promise<void> => {
  const ran = await b.foreword(['apply', '-f', await b.write('now.json', text), '--wait'])
  if (ran.code !== 0) throw new Error(ran.stderr)
}

const refused = async (t: Tap, b: Bench, line: RegExp): Promise<void> => {
  const before = await written(b)
  const ran = await b.foreword(['apply', '--plan', 'plan.json'])
  t.equal(ran.code, 1, ran.stdout)
  t.equal(ran.errors.length, 1, ran.stderr)
  t.match(ran.errors, [line])
  t.strictSame(await written(b), before, 'nothing is written')
}
type Tap = Pick<typeof t, 'equal' | 'match' | 'strictSame'>

t.test('a saved plan is applied once, whatever unrelated moves meanwhile', async (t) => {
  const b = await bench(t)
  await applied(b, stackOf({ a: 60, b: 60 }))
  await planned(b, stackOf({ a: 90, b: 60, c: 60 }))
  await applied(b, stackOf({ z: 60 }, 'other'))
  const ran = await b.foreword(['apply', '--plan', 'plan.json', '--wait', '--json'])
  t.equal(ran.code, 0, ran.stderr)
  t.match(JSON.parse(ran.stdout), { intents: { length: 2 }, waited: 'settled' })
  await refused(t, b, /the plan was applied already, at .* by .*, plan.json; a plan is for once/)
})

t.test('a plan that prunes prunes what it said', async (t) => {
  const b = await bench(t)
  await applied(b, stackOf({ a: 60, b: 60 }))
  await planned(b, stackOf({ a: 60 }), ['--prune'])
  const ran = await b.foreword(['apply', '--plan', 'plan.json', '--wait', '--json'])
  t.match(JSON.parse(ran.stdout), { intents: [{ verb: 'delete', name: 'b.example.org.' }] })
})

t.test('a plan whose premise has moved is refused, and the premise named', async (t) => {
  const b = await bench(t, {
    config: 'policies: [{ kind: "*", on_drift: "adopt" }]',
  })
  await applied(b, stackOf({ a: 60, b: 60 }))

  t.comment('what is wanted')
  await planned(b, stackOf({ a: 90, b: 60 }))
  await applied(b, stackOf({ a: 70, b: 60 }))
  await refused(t, b, /wanted of dns_record\/a.example.org. was generation 1, and is generation 2/)

  t.comment('what is there')
  await planned(b, stackOf({ a: 90, b: 60 }))
  await b.database.sql.begin('isolation level serializable', async (tx) => {
    await tx`select foreword.intend('acme', 'dns_record', 'a.example.org.', 'update',
      '{"type": "A", "ttl": 71, "records": ["192.0.2.1"]}')`
    await tx`select foreword.decide('somebody')`
  })
  await refused(t, b, /dns_record\/a.example.org. was at version 2, and is at version 3/)

  t.comment('what was absent')
  await planned(b, stackOf({ a: 71, b: 60, c: 60 }))
  await b.database.sql
    .begin('isolation level serializable', async (tx) => {
      await tx`select foreword.intend('acme', 'dns_record', 'c.example.org.', 'create',
      '{"type": "A", "ttl": 60, "records": ["192.0.2.1"]}')`
      await tx`select foreword.decide('somebody')`
    })
    .catch(() => undefined)
  await refused(t, b, /dns_record\/c.example.org. was absent, and is at version 1/)

  t.comment('who belongs to the stack')
  await planned(b, stackOf({ a: 90, b: 60 }))
  await applied(b, stackOf({ a: 71, b: 60, d: 60 }))
  await refused(t, b, /dns_record\/d.example.org. is wanted by stack default since|was generation/)
})

t.test('a plan that was edited, or is of another database or format, is refused', async (t) => {
  const b = await bench(t)
  const other = await bench(t)
  await planned(b, recordStack(1))
  const text = await readFile(path.join(b.folder, 'plan.json'), 'utf8')

  await other.write('plan.json', text)
  await refused(t, other, /it is a plan for another database, .*plan.json; plan again/)
  await b.write('plan.json', text.replace('"ttl": 60', '"ttl": 61'))
  await refused(t, b, /it was changed since it was planned/)
  await b.write('plan.json', text.replace('"foreword_plan": 1', '"foreword_plan": 9'))
  await refused(t, b, /it is a plan of format 9, and this foreword reads 1/)
  await b.write('plan.json', recordStack(1))
  await refused(t, b, /it is no plan, .*; name a file that `plan --out` wrote/)
  await b.write('plan.json', text.slice(0, 100))
  await refused(t, b, /it is no plan: it is not JSON/)

  await b.write('plan.json', JSON.stringify(JSON.parse(text)))
  const ran = await b.foreword(['apply', '--plan', 'plan.json'])
  t.equal(ran.code, 0, 'another layout is no other plan')
})

t.test('files and a plan exclude each other, and one of them must be', async (t) => {
  const b = await bench(t)
  const wrong = async (args: readonly string[], line: RegExp): Promise<void> => {
    const ran = await b.foreword(['apply', ...args])
    t.equal(ran.code, 2)
    t.match(ran.errors, [line])
  }
  await wrong([], /nothing to apply; say -f FILE, or --plan FILE/)
  await wrong(['--plan', 'p', '-f', 'f'], /either -f or --plan/)
  await wrong(['--plan', 'p', '--prune'], /say --prune and --take-over when you plan/)
})

t.test(
  'a plan that replaces what other stacks refer to holds, and takes these along',
  async (t) => {
    const b = await bench(t)
    const lan = (cidr: string): object => ({ kind: 'network', name: 'lan', spec: { cidr } })
    const web = { kind: 'vm', name: 'web', spec: { size: 's', network: { ref: 'network/lan#id' } } }
    const of = (stack: string, ...resources: readonly object[]): string =>
      JSON.stringify({ scope: 'acme', stack, resources })
    await applied(b, of('net', lan('10.0.0.0/24')))
    await applied(b, of('web', web))
    await planned(b, of('net', lan('10.1.0.0/24')))
    const ran = await b.foreword(['apply', '--plan', 'plan.json', '--wait'])
    t.equal(ran.code, 0, ran.stderr)
    t.strictSame(
      (await b.ledger()).map(({ verb, name }) => `${String(verb)} ${String(name)}`),
      ['create lan', 'create web', 'create lan', 'update web', 'delete lan'],
    )
    await planned(b, of('net', lan('10.2.0.0/24')))
    await applied(b, of('web', { ...web, spec: { ...web.spec, size: 'm' } }))
    await refused(t, b, /what is wanted of vm\/web was generation 1, and is generation 2, in acme/)
  },
)
