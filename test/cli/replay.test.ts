/** replay as CI runs it: an exit code, lines for people or JSON, and nothing written. */
import t, { type Test } from 'tap'
import { connect } from '../../src/connect.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { bench, recordStack, written, type Bench } from './harness.ts'

const library = new URL('../../src/index.ts', import.meta.url).href

/** The decider of a configuration, as source text; `size`: what is decided today. */
const decider = (version: number, body: string): string => `
  deciders: [{
    name: 'add-web',
    version: ${version},
    read: (q, input) => ({ pool: q.find('vm', { role: 'web' }), next: q.get('vm', input.name) }),
    decide: ({ pool, next }, input) => ${body},
  }],`

const create_small = `({ type: 'intent', kind: 'vm', name: input.name, verb: 'create', state: { size: 's' }, labels: { role: 'web' } })`

const add = defineDecider({
  name: 'add-web',
  version: 1,
  read: (q, input: { readonly name: string }) => ({
    pool: q.find('vm', { role: 'web' }),
    next: q.get('vm', input.name),
  }),
  decide: (_facts, { name }) => create('vm', name, { size: 's' }, { labels: { role: 'web' } }),
})

const decided = async (t: Test, b: Bench): Promise<void> => {
  const foreword = await connect({ database: b.database.url })
  t.teardown(foreword.close)
  for (const name of ['web-1', 'web-2', 'web-3']) {
    await foreword.decide(add, { scope: 'acme', input: { name }, actor: 'ops' })
  }
}

const configured = async (b: Bench, more: string): Promise<string> =>
  b.write(
    `config-${more.length}.ts`,
    `import { defineConfig, simulatedCloud } from ${JSON.stringify(library)}
export default defineConfig({ providers: [simulatedCloud({ url: process.env.CLOUD_URL })], ${more} })`,
  )

t.test(
  'exit 0 where every decision is the same, converge included; nothing is written',
  async (t) => {
    const b = await bench(t)
    await b.foreword(['apply', '-f', await b.write('s.json', recordStack(2)), '--wait', '--quiet'])
    await decided(t, b)
    const config = await configured(b, decider(1, create_small))
    const before = await written(b)
    const ran = await b.foreword(['replay', '--since', '-1h', '--config', config])
    t.equal(ran.code, 0, ran.stderr + ran.stdout)
    t.match(
      ran.stdout,
      /^decided from \S+ \S+ until \S+ \S+ UTC\n4 decisions replayed: 4 the same\.\n$/,
    )
    const json = await b.foreword(['replay', '--since', '-1h', '--config', config, '--json'])
    t.match(
      json.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
      [
        { decider: 'foreword/converge', outcome: 'same' },
        { decider: 'add-web', outcome: 'same', recorded_version: 1, version: 1, scope: 'acme' },
        {},
        {},
        { summary: { same: 4, differs: 0, unknown: 0 } },
      ],
    )
    t.strictSame(await written(b), before)
  },
)

t.test('exit 1 and what would be different, path by path', async (t) => {
  const b = await bench(t)
  await decided(t, b)
  const bigger = create_small.replace("size: 's'", "size: pool.length > 1 ? 'l' : 's'")
  const config = await configured(b, decider(2, bigger))
  const ran = await b.foreword(['replay', '--since', '-1h', '--config', config, '--quiet'])
  t.equal(ran.code, 1)
  t.match(
    ran.stdout,
    /^~ add-web v1 → v2 differs {2}\S+ \S+ {2}acme {2}\S+\n {4}~ would create otherwise vm\/web-3\n {10}size: "s" → "l"\n3 decisions replayed: 2 the same, 1 differs\.\n$/,
  )
  const throwing = await configured(b, decider(3, `{ throw new Error('\\u001b[2Jboom') }`))
  const thrown = await b.foreword(['replay', '--since', '-1h', '--config', throwing])
  t.equal(thrown.code, 1)
  t.match(thrown.stdout, /✗ add-web v1 → v3 throws .*\n {4}\\x1b\[2Jboom\n/)
  t.match(thrown.stdout, /0 the same, 3 throw\./)
})

t.test('what cannot be replayed is counted, and is no failure', async (t) => {
  const b = await bench(t)
  await decided(t, b)
  const ran = await b.foreword(['replay', '--since', '-1h'])
  t.equal(ran.code, 0)
  t.match(ran.stdout, /No decision was replayed\.\n3 cannot be replayed: 3 no such decider in the/)
})

t.test('wrong usage is one line, exit 2', async (t) => {
  const b = await bench(t)
  const cases: readonly (readonly [args: readonly string[], line: RegExp])[] = [
    [['replay'], /required option '--since <time>'.*; see foreword replay --help$/],
    [['replay', '--since', 'monday'], /"monday" is no time; write/],
    [['replay', '--since', '-1h', '--decider', 'ad'], /no decider "ad".*; known: foreword\/conv/],
  ]
  for (const [args, line] of cases) {
    const ran = await b.foreword(args)
    t.equal(ran.code, 2, ran.stderr)
    t.match(ran.errors, [line])
    t.equal(ran.stdout, '')
  }
})
