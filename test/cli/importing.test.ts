/** Importing what exists, adopting it, and stacks that want the same, as processes. */
import t from 'tap'
import { bench, recordStack, written } from './harness.ts'

const made = async (b: Awaited<ReturnType<typeof bench>>, name: string): Promise<string> => {
  const answer = await b.request('POST', '/v1/dns_records', {
    name,
    type: 'A',
    ttl: 60,
    records: ['192.0.2.1'],
  })
  return ((await answer.json()) as { id: string }).id
}

t.test(
  'what exists is known after an import, untouched, and its snippet changes nothing',
  async (t) => {
    const b = await bench(t)
    const id = await made(b, 'r0.example.org.')
    const before = (await b.ledger()).length
    const done = await b.foreword(['import', 'dns_record', 'r0.example.org.', '--scope', 'acme'])
    t.equal(done.code, 0, done.stderr)
    t.match(done.stdout, new RegExp(`← import dns_record/r0.example.org. .${id}`))
    t.same(
      await b.database.sql`
      select version, assumed, observed, external_id, condition from foreword.resource`,
      [
        {
          version: 1,
          assumed: { type: 'A', ttl: 60, records: ['192.0.2.1'] },
          observed: { type: 'A', ttl: 60, records: ['192.0.2.1'] },
          external_id: id,
          condition: 'ready',
        },
      ],
    )
    t.same(await b.database.sql`select cause, verb, state from foreword_private.entry`, [
      { cause: 'observation', verb: 'import', state: 'recorded' },
    ])
    const snippet = done.stdout.slice(done.stdout.indexOf('scope:'))
    const applied = await b.foreword(['apply', '-f', '-'], { input: snippet })
    t.match(applied.stdout, /No changes\. 1 resource as wanted/, applied.stderr)
    t.equal((await b.ledger()).length, before)
    const audit = await b.foreword(['audit'])
    t.equal(audit.code, 0, audit.stdout)
  },
)

t.test(
  'an import is refused where there is nothing, where it is known, and of no kind',
  async (t) => {
    const b = await bench(t)
    const stack = await b.write('s.json', recordStack(1))
    t.equal((await b.foreword(['apply', '-f', stack, '--wait'])).code, 0)
    const before = await written(b)
    const refused = async (args: readonly string[], line: RegExp, code = 1): Promise<void> => {
      const ran = await b.foreword(['import', ...args])
      t.equal(ran.code, code, ran.stdout)
      t.match(ran.errors, [line])
      t.equal(ran.errors.length, 1)
    }
    await refused(['dns_record', 'nobody'], /dns_record\/nobody does not exist, scope acme; check/)
    await refused(['dns_record', 'r0.example.org.'], /dns_record\/r0.example.org. is known already/)
    const [row] = await b.database.sql<{ external_id: string }[]>`
    select external_id from foreword.resource`
    await refused(
      ['dns_record', 'other', '--external-id', row?.external_id ?? ''],
      /dns_record\/other is known already, as dns_record\/r0.example.org./,
    )
    await refused(
      ['rocket', 'x'],
      /there is no provider of the kind rocket; known kinds: dns_record/,
      2,
    )
    await refused(['dns_record'], /one name, or --all/, 2)
    await refused(['dns_record', 'x', '--scope', 'a b'], /"a b" is no scope/, 2)
    t.strictSame(await written(b), before)
  },
)

t.test('all of a kind is imported at once, what is known is passed over', async (t) => {
  const b = await bench(t)
  for (const n of [0, 1, 2]) await made(b, `r${n}.example.org.`)
  t.equal(
    (await b.foreword(['import', 'dns_record', 'r1.example.org.', '--scope', 'acme'])).code,
    0,
  )
  const done = await b.foreword(['import', 'dns_record', '--all', '--json'])
  t.equal(done.code, 0, done.stderr)
  t.match(JSON.parse(done.stdout), [{ name: 'r0.example.org.' }, { name: 'r2.example.org.' }])
  const again = await b.foreword(['import', 'dns_record', '--all'])
  t.match(again.stdout, /Nothing to import/)
})

t.test('of two of one name none is imported unless it is told which', async (t) => {
  const b = await bench(t)
  const twins: string[] = []
  for (const _ of [1, 2]) {
    const made = await b.request('POST', '/v1/vms', { name: 'twin', size: 's' })
    twins.push(((await made.json()) as { id: string }).id)
  }
  const before = await written(b)
  const one = await b.foreword(['import', 'vm', 'twin', '--scope', 'acme'])
  t.equal(one.code, 1)
  t.match(one.errors, [
    /^foreword: vm\/twin could not be looked at: vm\/twin is ambiguous: 2 of them/,
  ])
  t.match(one.errors, [/scope acme; .* say which with --external-id$/])
  const all = await b.foreword(['import', 'vm', '--all', '--scope', 'acme'])
  t.equal(all.code, 1)
  t.match(all.errors, [/vm\/twin was passed over: there are several of it/])
  t.strictSame(await written(b), before)
  const told = await b.foreword([
    'import',
    'vm',
    'twin',
    '--scope',
    'acme',
    '--external-id',
    twins[1] ?? '',
  ])
  t.equal(told.code, 0, told.stderr)
})

t.test(
  'what exists is taken over where the stack says so, and made again where it does not',
  async (t) => {
    const b = await bench(t)
    const vm = (await (await b.request('POST', '/v1/vms', { name: 'v', size: 's' })).json()) as {
      id: string
    }
    const stack = JSON.stringify({
      scope: 'acme',
      resources: [{ kind: 'vm', name: 'v', lifecycle: { adopt: true }, spec: { size: 'm' } }],
    })
    const file = await b.write('s.json', stack)
    const plan = await b.foreword(['plan', '-f', file])
    t.match(plan.stdout, new RegExp(`← adopt vm/v .${vm.id}`), plan.stderr)
    t.match(plan.stdout, /~ update vm\/v\n\s+size: "s" → "m"/)
    const applied = await b.foreword(['apply', '-f', file, '--wait'])
    t.equal(applied.code, 0, applied.stderr)
    t.match(await b.ledger(), [
      { verb: 'create', by: 'api' },
      { verb: 'update', id: vm.id },
    ])
    t.equal((await b.ledger()).length, 2, 'and no second one')
  },
)

t.test('a stack does not take what another one wants, unless it is told to', async (t) => {
  const b = await bench(t)
  const mine = await b.write('a.json', recordStack(2))
  const text = JSON.stringify({ ...(JSON.parse(recordStack(1)) as object), stack: 'theirs' })
  const theirs = await b.write('b.json', text)
  t.equal((await b.foreword(['apply', '-f', mine, '--wait'])).code, 0)
  const before = await written(b)
  for (const command of ['plan', 'apply']) {
    const ran = await b.foreword([command, '-f', theirs])
    t.equal(ran.code, 1)
    t.match(ran.errors, [
      /dns_record\/r0.example.org. is wanted by stack default already, stack theirs in acme; .*--take-over/,
    ])
  }
  t.strictSame(await written(b), before)
  await t.rejects(
    b.database.sql`
      select foreword.want('acme', 'dns_record', 'r0.example.org.', '{}', stack => 'theirs')`,
    { code: 'FW034' },
  )
  const taken = await b.foreword(['apply', '-f', theirs, '--take-over'])
  t.equal(taken.code, 0, taken.stderr)
  t.match(taken.stderr, /r0.example.org. is taken over by stack theirs/)
  t.same(
    await b.database
      .sql`select name, stack, generation, converged_generation from foreword.resource order by name`,
    [
      { name: 'r0.example.org.', stack: 'theirs', generation: 2, converged_generation: 2 },
      { name: 'r1.example.org.', stack: 'default', generation: 1, converged_generation: 1 },
    ],
  )
})

t.test('an API that is away is told as such, and nothing is written', async (t) => {
  const b = await bench(t)
  const before = await written(b)
  for (const what of [
    ['dns_record', 'x'],
    ['dns_record', '--all'],
  ]) {
    const ran = await b.foreword(['import', ...what, '--scope', 'acme'], {
      env: { CLOUD_URL: 'http://127.0.0.1:1' },
    })
    t.equal(ran.code, 1)
    // A list is begun anew, and says so.
    const errors = ran.errors.filter((line) => !line.includes('warning:'))
    t.match(errors, [/dns_record.* could not be looked at: .*, scope acme; nothing was taken over/])
    t.equal(errors.length, 1)
  }
  t.strictSame(await written(b), before)
})
