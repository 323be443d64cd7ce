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
    [{ desired: null, assumed: null, external_id: null, stack: null }],
    'nobody has a say in the old name',
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

t.test('what cannot be renamed at all is told before anything is, with its line', async (t) => {
  const b = await bench(t)
  const of = (owner: string, ...resources: readonly object[]): string =>
    JSON.stringify({ scope: 'acme', stack: owner, resources })
  const first = await b.write('a.json', of('net', lan('lan'), vm('lan')))
  t.equal((await b.foreword(['apply', '-f', first, '--wait'])).code, 0)
  const before = await written(b)
  const refused = async (
    text: string,
    line: RegExp,
    more: readonly string[] = [],
  ): Promise<void> => {
    for (const command of ['plan', 'apply']) {
      const file = await b.write('x.json', text)
      const ran = await b.foreword([command, '-f', file, ...more])
      t.equal(ran.code, 1, ran.stdout)
      t.match(ran.errors[0], line)
    }
    t.strictSame(await written(b), before)
  }
  const edge = lan('edge', { renamed_from: 'lan' })
  await refused(of('thief', edge), /network\/lan is wanted by stack net already, stack thief/)
  await refused(
    of('thief', edge),
    /network\/lan cannot be renamed to edge: it is needed under its old name, by vm\/web of stack net/,
    ['--take-over'],
  )
  await refused(of('net', edge, vm('lan')), /needed under its old name, by vm\/web of stack net/)
  await refused(
    of('net', edge, lan('rim', { renamed_from: 'lan' }), vm('edge')),
    /x\.json:1:\d+: resources\[1\]\.renamed_from: network\/lan is renamed to edge already, at x.json:1/,
  )
  await refused(
    of('net', edge, lan('lan', { spec: { cidr: '10.9.0.0/24' } }), vm('edge')),
    /resources\[0\]\.renamed_from: network\/lan is in the files as well, at x.json:1/,
  )
})

t.test('a resource goes from one stack to another, and nothing is deleted for it', async (t) => {
  const b = await bench(t)
  const of = (owner: string, ...resources: readonly object[]): string =>
    JSON.stringify({ scope: 'acme', stack: owner, resources })
  const kept = { lifecycle: { prevent_destroy: true } }
  const first = await b.write('a.json', of('net', lan('lan'), lan('dmz', kept), vm('lan')))
  t.equal((await b.foreword(['apply', '-f', first, '--wait'])).code, 0)
  await b.write('a.json', of('net', vm('edge')))
  await b.write('b.json', of('core', lan('edge', { renamed_from: 'lan' }), lan('dmz', kept)))
  const args = ['-f', 'a.json', '-f', 'b.json', '--take-over', '--prune']
  const plan = await b.foreword(['plan', ...args])
  t.match(plan.stdout, /0 to create, 1 to update, 0 to delete; 2 unchanged. 1 resource to rename/)
  const done = await b.foreword(['apply', ...args, '--wait'])
  t.equal(done.code, 0, done.stderr)
  t.strictSame(
    (await b.ledger()).slice(3).map(({ verb, name }) => `${String(verb)} ${String(name)}`),
    ['update web'],
  )
  t.same(
    await b.database.sql`
      select name, stack from foreword.resource where desired is not null order by name`,
    [
      { name: 'dmz', stack: 'core' },
      { name: 'edge', stack: 'core' },
      { name: 'web', stack: 'net' },
    ],
  )
})
