/** Whatever is wrong is told in one line with its place and remedy, and nothing is written. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import t, { type Test } from 'tap'
import { bench, recordStack, written, type Ran } from './harness.ts'

const oneLine = (t: Test, ran: Ran, code: number, line: RegExp): void => {
  t.equal(ran.code, code, ran.stderr)
  t.equal(ran.errors.length, 1, ran.stderr)
  t.match(ran.errors[0], line)
  t.match(ran.errors[0], /^foreword: .*; /, 'what, where; remedy')
  t.equal(ran.stdout, '')
}

t.test('wrong usage names the command whose --help helps, exit 2', async (t) => {
  const b = await bench(t)
  const cases: readonly (readonly [args: readonly string[], line: RegExp])[] = [
    [['aply'], /unknown command 'aply' \(did you mean apply\?\); see foreword --help$/],
    [['apply'], /nothing to apply; say -f FILE, or --plan FILE; see foreword apply --help$/],
    [['apply', '-f', 'x', '--prun'], /unknown option '--prun' \(did you mean --prune\?\)/],
    [['apply', '-f', 'x', '--wait=soon'], /'soon' is invalid.*; see foreword apply --help$/],
    [['status', 'a', 'b'], /too many arguments.*; see foreword status --help$/],
    [['why'], /missing required argument 'what'; see foreword why --help$/],
    [['up', '--port', '70000'], /It is not a port.*; see foreword up --help$/],
    [['why', 'nothing'], /"nothing" is neither the number of an intent nor KIND\/NAME, nor/],
    [['reconcile', '--kind', 'zone'], /no provider for the kind "zone".*; known kinds: dns_rec/],
    [['--config', 'none.ts', 'status'], /none\.ts: there is no such file; name a config file$/],
  ]
  for (const [args, line] of cases) oneLine(t, await b.foreword(args), 2, line)
})

t.test('help and version are no errors', async (t) => {
  const b = await bench(t)
  for (const args of [['--help'], ['apply', '--help'], ['--version']]) {
    const ran = await b.foreword(args)
    t.equal(ran.code, 0)
    t.equal(ran.stderr, '')
    t.not(ran.stdout, '')
  }
})

t.test('wrong stack files: all problems, one line each, nothing written', async (t) => {
  const b = await bench(t)
  const before = await written(b)
  const many = await b.write(
    'many.yaml',
    `scope: acme
resources:
  - { kind: zone, name: a, spec: {} }
  - { kind: vm, name: b, spec: { size: xxl } }
`,
  )
  for (const command of ['plan', 'apply']) {
    const ran = await b.foreword([command, '-f', many])
    t.equal(ran.code, 1)
    t.match(ran.errors, [
      /^foreword: many\.yaml:3:\d+: resources\[0\]\.kind: no provider.*"zone"; known kinds/,
      /^foreword: many\.yaml:4:\d+: resources\[1\]\.spec\.size: .*; write/,
    ])
  }
  const resources = Array.from({ length: 60 }, (_, i) => ({
    kind: 'vm',
    name: `m${i}`,
    spec: { size: 'xxl' },
  }))
  const all = await b.write('all.json', JSON.stringify({ scope: 'acme', resources }))
  const { errors } = await b.foreword(['apply', '-f', all])
  t.equal(errors.length, 51)
  t.equal(errors.at(-1), 'foreword: … and 10 more problems')
  const cycle = await b.write(
    'cycle.yaml',
    `scope: acme
resources:
  - { kind: vm, name: a, needs: [vm/b], spec: { size: s } }
  - { kind: vm, name: b, needs: [vm/a], spec: { size: s } }
`,
  )
  oneLine(t, await b.foreword(['apply', '-f', cycle]), 1, /cycle\.yaml:3:.*cycle: vm\/a.*vm\/b/)
  const missing = await b.write(
    'missing.yaml',
    'scope: acme\nresources: [{ kind: vm, name: a, needs: [ip/none], spec: { size: s } }]\n',
  )
  oneLine(t, await b.foreword(['apply', '-f', missing]), 1, /missing\.yaml:2:.*ip\/none/)
  oneLine(t, await b.foreword(['apply', '-f', 'gone.yaml']), 1, /gone\.yaml.*no such file/)
  t.strictSame(await written(b), before)
  t.strictSame(await b.ledger(), [])
})

t.test('what is in the database already may be needed', async (t) => {
  const b = await bench(t)
  const ip = { kind: 'ip', name: 'there', spec: {} }
  const first = await b.write('ip.json', JSON.stringify({ scope: 'acme', resources: [ip] }))
  t.equal((await b.foreword(['apply', '-f', first])).code, 0)
  const vm = { kind: 'vm', name: 'v', spec: { size: 's', ip: { ref: 'ip/there#id' } } }
  const second = await b.write('vm.json', JSON.stringify({ scope: 'acme', resources: [vm] }))
  const plan = await b.foreword(['plan', '-f', second])
  t.equal(plan.code, 0, plan.stderr)
})

t.test('a corrupt configuration', async (t) => {
  const b = await bench(t)
  await b.write('foreword.config.ts', 'export default { schedules: [{ name: 1 }] }\n')
  oneLine(t, await b.foreword(['status']), 1, /foreword\.config\.ts: schedules\[0\]/)
  await b.write('foreword.config.ts', 'export default {{\n')
  oneLine(t, await b.foreword(['status']), 1, /foreword\.config\.ts/)
})

t.test('a database that cannot be had, and one that is not ours', async (t) => {
  const b = await bench(t, { migrated: false })
  const file = await b.write('s.json', recordStack(1))
  const nobody = { FOREWORD_DATABASE_URL: 'postgres://me:secret@127.0.0.1:9/db' }
  for (const args of [
    ['apply', '-f', file],
    ['plan', '-f', file],
    ['status'],
    ['worker'],
    ['up'],
  ]) {
    const ran = await b.foreword(args, { env: nobody })
    oneLine(t, ran, 1, /cannot reach the database: nothing listens there, 127\.0\.0\.1:9\/db;/)
    t.notMatch(ran.stderr, /secret/)
  }
  for (const args of [['status'], ['log'], ['why', '1'], ['doubts']]) {
    oneLine(
      t,
      await b.foreword(args),
      1,
      /not of this version of foreword.*; run `foreword migrate`/,
    )
  }
  const [schemas] = await b.database.sql<{ count: number }[]>`
    select count(*) from pg_namespace where nspname like 'foreword%'`
  t.equal(schemas?.count, 0, 'looking made nothing')
  const migrated = await b.foreword(['migrate', '--quiet'])
  t.equal(migrated.code, 0, migrated.stderr)
  t.equal((await b.foreword(['status'])).code, 0)
  t.match((await b.foreword(['migrate'])).stdout, /^Nothing to do/)
})

t.test('looking does not make a database where there is none', async (t) => {
  const b = await bench(t)
  const env = { FOREWORD_DATABASE_URL: '', FOREWORD_DIRECTORY: path.join(b.folder, 'none') }
  oneLine(t, await b.foreword(['status'], { env }), 1, /there is no database here yet.*; run/)
  await t.rejects(rm(path.join(b.folder, 'none')), { code: 'ENOENT' })
})

t.test('unknown and ambiguous names', async (t) => {
  const b = await bench(t)
  for (const scope of ['one', 'two']) {
    const text = recordStack(1).replace('acme', scope)
    await b.foreword(['apply', '-f', await b.write(`${scope}.json`, text), '--quiet'])
  }
  oneLine(t, await b.foreword(['why', '4711']), 1, /there is no intent 4711; see/)
  oneLine(t, await b.foreword(['why', 'vm/none']), 1, /there is no vm\/none; see/)
  const both = await b.foreword(['why', 'dns_record/r0.example.org.'])
  oneLine(t, both, 2, /is in 2 scopes: one, two; name one: --scope one/)
  const one = await b.foreword(['why', 'dns_record/r0.example.org.', '--scope', 'one'])
  t.equal(one.code, 0, one.stderr)
})
