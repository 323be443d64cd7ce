/** plan, apply and reconcile, as processes against a database and a simulated cloud. */
import t from 'tap'
import { bench, recordStack, written } from './harness.ts'

interface IntentJson {
  readonly id: number
  readonly verb: string
  readonly state?: string
}

const intentsIn = (stdout: string): readonly IntentJson[] =>
  (JSON.parse(stdout) as { readonly intents: readonly IntentJson[] }).intents

t.test('a plan says what apply would do, and writes nothing', async (t) => {
  const b = await bench(t)
  const file = await b.write('stack.json', recordStack(3))
  const before = await written(b)
  const plan = await b.foreword(['plan', '-f', file])
  t.equal(plan.code, 0, plan.stderr)
  t.match(plan.stdout, /\+ create dns_record\/r0\.example\.org\./)
  t.match(plan.stdout, /Plan: 3 to create, 0 to update, 0 to delete; 0 unchanged\./)
  const detailed = await b.foreword(['plan', '-f', file, '--detailed-exitcode'])
  t.equal(detailed.code, 2)
  const json = await b.foreword(['plan', '-f', file, '--json'])
  t.match(JSON.parse(json.stdout), {
    create: 3,
    update: 0,
    delete: 0,
    changes: [{ scope: 'acme' }],
  })
  t.strictSame(await written(b), before, 'not even what is wanted, nor a name')
  t.strictSame(await b.ledger(), [])
})

t.test('apply carries out, applied again nothing changes', async (t) => {
  const b = await bench(t)
  const file = await b.write('stack.json', recordStack(3))
  const first = await b.foreword(['apply', '-f', file, '--wait=60'])
  t.equal(first.code, 0, first.stderr)
  t.match(first.stdout, /Decided: 3 to create/)
  t.match(first.stdout, /Done: 3 confirmed/)
  t.match(first.stderr, /this process carries it out/, 'since no worker lives')
  t.equal((await b.ledger()).length, 3, 'once each')

  const after = await written(b)
  const again = await b.foreword(['apply', '-f', file, '--wait'])
  t.equal(again.code, 0, again.stderr)
  t.match(again.stdout, /No changes\. 3 resources as wanted\./)
  t.strictSame(await written(b), after)
  const plan = await b.foreword(['plan', '-f', file, '--detailed-exitcode'])
  t.equal(plan.code, 0)
  t.match(plan.stdout, /^No changes\./)
})

t.test('an update tells each path, --prune deletes what the files no longer name', async (t) => {
  const b = await bench(t)
  await b.foreword(['apply', '-f', await b.write('a.json', recordStack(3)), '--wait'])
  const fewer = await b.write('b.json', recordStack(2, 90))
  const plan = await b.foreword(['plan', '-f', fewer, '--prune'])
  t.match(plan.stdout, /~ update dns_record\/r0\.example\.org\.\n\s+ttl: 60 → 90/)
  t.match(plan.stdout, /- delete dns_record\/r2\.example\.org\./)
  t.match(plan.stdout, /0 to create, 2 to update, 1 to delete; 0 unchanged/)
  const kept = await b.foreword(['plan', '-f', fewer])
  t.match(kept.stdout, /0 to create, 2 to update, 0 to delete; 1 unchanged/)
  t.match(kept.stderr, /r2\.example\.org\. .*stays; --prune would delete/)

  const applied = await b.foreword(['apply', '-f', fewer, '--prune', '--wait', '--json'])
  t.equal(applied.code, 0, applied.stderr)
  t.strictSame(
    intentsIn(applied.stdout).map(({ verb, state }) => `${verb} ${String(state)}`),
    ['update confirmed', 'update confirmed', 'delete confirmed'],
  )
  const resources = await b.database.sql`
    select name from foreword.resource where assumed is not null order by name`
  t.strictSame(
    resources.map((row) => row['name'] as string),
    ['r0.example.org.', 'r1.example.org.'],
  )
})

t.test('needed by what stays, nothing is pruned', async (t) => {
  const b = await bench(t)
  const network = { kind: 'network', name: 'n', spec: { cidr: '10.0.0.0/24' } }
  const vm = { kind: 'vm', name: 'v', spec: { size: 'm', network: { ref: 'network/n#id' } } }
  const both = await b.write(
    'both.json',
    JSON.stringify({ scope: 'acme', resources: [network, vm] }),
  )
  t.equal((await b.foreword(['apply', '-f', both, '--wait'])).code, 0)
  const alone = await b.write('alone.json', JSON.stringify({ scope: 'acme', resources: [vm] }))
  const before = await written(b)
  const pruned = await b.foreword(['apply', '-f', alone, '--prune'])
  t.equal(pruned.code, 1)
  t.match(pruned.errors, [/--prune would delete network\/n, which is needed, by vm\/v.*; keep/])
  t.strictSame(await written(b), before)
  const none = await b.write('none.json', JSON.stringify({ scope: 'acme', resources: [] }))
  const gone = await b.foreword(['apply', '-f', none, '--prune', '--wait'])
  t.equal(gone.code, 0, 'together they go, the needer first')
  const verbs = (await b.ledger()).slice(-2)
  t.match(verbs, [{ kind: /vm/ }, { kind: /network/ }])
})

t.test('referred to by what SQL wants, nothing is pruned', async (t) => {
  const b = await bench(t)
  const network = { kind: 'network', name: 'n', spec: { cidr: '10.0.0.0/24' } }
  const file = await b.write('n.json', JSON.stringify({ scope: 'acme', resources: [network] }))
  t.equal((await b.foreword(['apply', '-f', file, '--wait'])).code, 0)
  await b.database.sql`
    select foreword.want(
      'acme', 'vm', 'v', '{"size": "m", "network": {"ref": "network/n#id"}}', stack => 'other'
    )`
  const before = await written(b)
  const other = await b.write('other.json', recordStack(1))
  const pruned = await b.foreword(['apply', '-f', other, '--prune'])
  t.equal(pruned.code, 1)
  t.match(pruned.errors, [
    /--prune would delete network\/n, which is needed, by vm\/v of stack other/,
  ])
  t.strictSame(await written(b), before)
})

t.test('a protected resource is refused before anything is written', async (t) => {
  const b = await bench(t, { config: 'policies: [{ kind: "dns_record", prevent_destroy: true }]' })
  t.equal(
    (await b.foreword(['apply', '-f', await b.write('a.json', recordStack(2)), '--wait'])).code,
    0,
  )
  const before = await written(b)
  const fewer = await b.write('b.json', recordStack(1, 90))
  const refused = await b.foreword(['apply', '-f', fewer, '--prune'])
  t.equal(refused.code, 1)
  t.match(refused.errors, [
    /^foreword: dns_record\/r1.*protected by prevent_destroy, scope acme; lift/,
  ])
  t.strictSame(await written(b), before, 'neither the update nor what is wanted')
})

t.test('what was rejected is told with its reason, exit 1', async (t) => {
  const b = await bench(t)
  await b.request('PUT', '/v1/quotas', { vms: 0 })
  const vm = { kind: 'vm', name: 'v', spec: { size: 's' } }
  const network = { kind: 'network', name: 'n', spec: { cidr: '10.0.0.0/24' } }
  const text = JSON.stringify({ scope: 'acme', resources: [vm, network] })
  const applied = await b.foreword(['apply', '-f', await b.write('s.json', text), '--wait=60'])
  t.equal(applied.code, 1, applied.stderr)
  t.match(applied.stdout, /✗ create vm\/v, intent \d+: .*quota/)
  t.match(applied.stdout, /Done: 1 confirmed, 1 rejected|Done: 1 rejected, 1 confirmed/)
  const status = await b.foreword(['status'])
  t.match(status.stdout, /vm\/v +acme +rejected .*quota/)
})

t.test(
  'what waits for a person ends the waiting, with all that is behind it: exit 3',
  async (t) => {
    const b = await bench(t, { config: 'policies: [{ kind: "network", approve: ["create"] }]' })
    const network = { kind: 'network', name: 'n', spec: { cidr: '10.0.0.0/24' } }
    const vm = { kind: 'vm', name: 'v', spec: { size: 'm', network: { ref: 'network/n#id' } } }
    const text = JSON.stringify({ scope: 'acme', resources: [network, vm] })
    const applied = await b.foreword(['apply', '-f', await b.write('s.json', text), '--wait=60'])
    t.equal(applied.code, 3, applied.stderr)
    t.match(applied.stdout, /\? create network\/n, intent \d+/)
    t.strictSame(await b.ledger(), [])
  },
)

t.test('time that runs out is exit 4, and nothing is lost by it', async (t) => {
  const b = await bench(t)
  const file = await b.write('s.json', recordStack(1))
  const nowhere = { CLOUD_URL: 'http://127.0.0.1:9' }
  const late = await b.foreword(['apply', '-f', file, '--wait=1'], { env: nowhere })
  t.equal(late.code, 4, late.stderr)
  t.match(late.errors.at(-1), /1 intent is not settled after 1 s; they go on/)
  const later = await b.foreword(['apply', '-f', file, '--wait=60'])
  t.equal(later.code, 0, later.stderr)
  t.match(
    later.stdout,
    /No changes\..*\nDone: 1 confirmed/,
    'what was decided before is waited for',
  )
  t.equal((await b.ledger()).length, 1)
})

t.test('without a worker and without --wait, it says that nothing will happen', async (t) => {
  const b = await bench(t)
  const applied = await b.foreword(['apply', '-f', '-'], { input: recordStack(1) })
  t.equal(applied.code, 0, applied.stderr)
  t.match(applied.errors, [/no worker for dns_record is alive; nothing will happen until/])
})

t.test('reconcile finds what was changed behind its back and puts it right', async (t) => {
  const b = await bench(t)
  const file = await b.write('s.json', recordStack(2))
  t.equal((await b.foreword(['apply', '-f', file, '--wait'])).code, 0)
  const [row] = await b.database.sql<{ external_id: string }[]>`
    select external_id from foreword.resource where name = 'r0.example.org.'`
  await b.request('PATCH', `/v1/dns_records/${row?.external_id ?? ''}`, { ttl: 5 })
  const done = await b.foreword(['reconcile', '--scope', 'acme', '--wait=60'])
  t.equal(done.code, 0, done.stderr)
  t.match(done.stdout, /2 resources looked at, 1 drifted\.\n\s+≠ dns_record\/r0\.example\.org\./)
  t.match(done.stdout, /~ update dns_record\/r0\.example\.org\./)
  t.match(done.stdout, /Done: 1 confirmed/)
  const json = await b.foreword(['reconcile', '--json'])
  t.match(JSON.parse(json.stdout), { drifted: [], intents: [] })
})

t.test('a circle that closes over several stacks is refused, and nothing is written', async (t) => {
  const b = await bench(t)
  const of = (stack: string, name: string, needs: readonly string[]): string =>
    JSON.stringify({
      scope: 'acme',
      stack,
      resources: [{ kind: 'network', name, needs, spec: { cidr: '10.0.0.0/24' } }],
    })
  await b.write('a.json', of('a', 'one', []))
  await b.write('b.json', of('b', 'two', ['network/one']))
  t.equal((await b.foreword(['apply', '-f', 'a.json', '-f', 'b.json', '--wait'])).code, 0)
  const before = await written(b)
  await b.write('a.json', of('a', 'one', ['network/two']))
  for (const command of ['plan', 'apply']) {
    const ran = await b.foreword([command, '-f', 'a.json'])
    t.equal(ran.code, 1, ran.stdout)
    t.match(ran.errors, [
      /need each other in a cycle: network\/(one|two) -> .*, stack a in acme, with what is wanted/,
    ])
  }
  t.strictSame(await written(b), before)
  await b.write('b.json', of('b', 'two', []))
  const both = await b.foreword(['apply', '-f', 'a.json', '-f', 'b.json'])
  t.equal(both.code, 0, 'turned round by one apply of both')
})

t.test('what an earlier apply has deleted is waited for like all else of the stack', async (t) => {
  const b = await bench(t)
  const both = await b.write('a.json', recordStack(2))
  t.equal((await b.foreword(['apply', '-f', both, '--wait'])).code, 0)
  const one = await b.write('b.json', recordStack(1))
  t.equal((await b.foreword(['apply', '-f', one, '--prune'])).code, 0)
  t.equal((await b.ledger()).length, 2, 'no worker, and nobody waits')
  const again = await b.foreword(['apply', '-f', one, '--prune', '--wait'])
  t.match(again.stdout, /No changes\.[^]*Done: 1 confirmed/, again.stderr)
  t.match((await b.ledger()).at(-1), { verb: 'delete', name: 'r1.example.org.' })
})

t.test(
  'names that only Unicode tells apart are warned of, in the files and against what is there',
  async (t) => {
    const b = await bench(t)
    const [composed, decomposed] = ['z\u00fcrich', 'zu\u0308rich']
    const vms = (...names: readonly object[]): string =>
      JSON.stringify({
        scope: 'acme',
        resources: names.map((name) => ({ kind: 'vm', spec: { size: 's' }, ...name })),
      })
    const warned = (stderr: string): readonly string[] =>
      stderr.split('\n').filter((line) => /^foreword: warning: .*look the same/.test(line))

    const both = await b.write('both.json', vms({ name: composed }, { name: decomposed }))
    const plan = await b.foreword(['plan', '-f', both])
    t.equal(plan.code, 0, plan.stderr)
    t.match(warned(plan.stderr), [
      /vm\/z.+ is spelled in 2 ways .*\(Unicode NFC and NFD\), which are 2 resources, scope acme; spell/,
    ])

    const one = await b.write('one.json', vms({ name: decomposed }, { name: 'plain' }))
    t.strictSame(warned((await b.foreword(['apply', '-f', one])).stderr), [])
    const other = await b.write('other.json', vms({ name: composed }, { name: 'plain' }))
    t.equal(
      warned((await b.foreword(['plan', '-f', other])).stderr).length,
      1,
      'what is there counts',
    )
    const renamed = await b.write('r.json', vms({ name: composed, renamed_from: decomposed }))
    t.strictSame(
      warned((await b.foreword(['plan', '-f', renamed])).stderr),
      [],
      'that is the way out',
    )
    t.match((await b.foreword(['doctor', '--quiet'])).stdout, /^(?!.*look the same)/s)

    t.equal(warned((await b.foreword(['apply', '-f', other])).stderr).length, 1)
    const doctor = await b.foreword(['doctor', '--quiet'])
    t.match(
      doctor.stdout,
      /warn {2}names +vm\/z.+rich in acme is spelled in 2 ways that look\s+the same/,
    )
  },
)
