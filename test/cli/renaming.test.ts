/** Another name for what is there, as processes. */
import t from 'tap'
import { bench, written } from './harness.ts'

const stack = (...resources: readonly object[]): string =>
  JSON.stringify({ scope: 'acme', resources })

const lan = (name: string, more: object = {}): object => ({
  kind: 'network',
  name,
  labels: { role: 'lan' },
  spec: { cidr: '10.0.0.0/24' },
  ...more,
})

const vm = (network: string, more: object = {}): object => ({
  kind: 'vm',
  name: 'web',
  spec: { size: 's', network: { ref: `network/${network}#id` } },
  ...more,
})

t.test('a renamed resource keeps its thing, and who refers to it is not made anew', async (t) => {
  const b = await bench(t)
  const fixed = { lifecycle: { replace_on: ['network'] } }
  const first = await b.write('a.json', stack(lan('lan'), vm('lan', fixed)))
  t.equal((await b.foreword(['apply', '-f', first, '--wait'])).code, 0)
  const [before] = await b.database.sql`
    select external_id, outputs, assumed, labels from foreword.resource where name = 'lan'`
  const text = stack(lan('front', { renamed_from: 'lan' }), vm('front', fixed))
  const second = await b.write('b.json', text)
  const plan = await b.foreword(['plan', '-f', second, '--prune', '--out', 'p.json'])
  t.match(plan.stdout, /→ rename network\/lan to front/, plan.stderr)
  t.match(plan.stdout, /0 to create, 1 to update, 0 to delete.*1 resource to rename/)
  const done = await b.foreword(['apply', '--plan', 'p.json', '--wait'])
  t.equal(done.code, 0, done.stderr)
  t.same(
    await b.database.sql`
      select external_id, outputs, assumed, labels from foreword.resource where name = 'front'`,
    [before],
  )
  t.same(
    await b.database.sql`
      select desired, assumed, external_id, stack from foreword.resource where name = 'lan'`,
    [{ desired: null, assumed: null, external_id: null, stack: 'default' }],
  )
  t.strictSame(
    (await b.ledger()).map(({ verb, name }) => `${String(verb)} ${String(name)}`),
    ['create lan', 'create web', 'update web'],
  )
  t.match((await b.foreword(['apply', '-f', second, '--prune'])).stdout, /No changes\./)
  t.match((await b.foreword(['reconcile'])).stdout, /no drift/)
  t.equal((await b.foreword(['audit'])).code, 0)
  const gone = await b.write('c.json', stack())
  t.equal((await b.foreword(['apply', '-f', gone, '--prune', '--wait'])).code, 0)
  t.match((await b.ledger()).at(-1), { verb: 'delete', name: 'lan' }, 'by its id, not by a name')
})

t.test(
  'a rename is refused where the name is taken, or is what the provider goes by',
  async (t) => {
    const b = await bench(t)
    const record = (name: string, more: object = {}): object => ({
      kind: 'dns_record',
      name,
      spec: { type: 'A', records: ['192.0.2.1'] },
      ...more,
    })
    const first = await b.write('a.json', stack(lan('lan'), lan('front'), record('a')))
    t.equal((await b.foreword(['apply', '-f', first, '--wait'])).code, 0)
    const before = await written(b)
    const refused = async (text: string, line: RegExp): Promise<void> => {
      for (const command of ['plan', 'apply']) {
        const ran = await b.foreword([command, '-f', await b.write('x.json', text)])
        t.equal(ran.code, 1)
        t.match(ran.errors, [line])
      }
    }
    await refused(
      stack(lan('front', { renamed_from: 'lan' })),
      /network\/lan cannot be renamed to front: that one is there already, scope acme; take renamed_from out/,
    )
    await refused(
      stack(record('b', { renamed_from: 'a' })),
      /dns_record\/a cannot be renamed to b: its provider knows it by its name.*deleted then, and created/,
    )
    t.strictSame(await written(b), before)
  },
)
