/** /metrics of `up` and `worker`, as processes of their own. */
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { bench, recordStack } from '../cli/harness.ts'
import { eventually } from '../support/eventually.ts'
import { get, sample } from './support.ts'

const portOf = (url: string): number => Number(new URL(url).port)

t.test('nothing is served, and nothing said of it, unless it is asked for', async (t) => {
  const b = await bench(t)
  const worker = b.start(['worker'])
  await worker.shows(/Ready\./)
  worker.child.kill('SIGTERM')
  const { stdout } = await worker.ended
  t.notMatch(stdout, /metrics/)
})

t.test('up and worker each serve their own, and tell of one database', async (t) => {
  const b = await bench(t)
  const up = b.start(['up', '--port', '0', '--metrics-port', '0'])
  const [, of_up = ''] = await up.shows(/metrics +(http:\/\/127\.0\.0\.1:\d+\/metrics)/)
  const worker = b.start(['worker', '--metrics-port', '0'])
  const [, of_worker = ''] = await worker.shows(/metrics +(http:\/\/127\.0\.0\.1:\d+\/metrics)/)
  await Promise.all([up.shows(/Ready\./), worker.shows(/Ready\./)])
  const stack = await b.write('s.json', recordStack(3))
  const applied = await b.foreword(['apply', '-f', stack, '--wait'])
  t.equal(applied.code, 0, applied.stderr)
  const texts = await eventually(
    'both tell of both workers',
    async () => {
      const got = await Promise.all([of_up, of_worker].map((url) => get(portOf(url), '/metrics')))
      const all = got.map(({ text }) => text)
      return all.every((text) => sample(text, 'foreword_live_workers') === 2) ? all : null
    },
    { deadline_ms: 30_000 },
  )
  const calls = texts.flatMap((text) =>
    [...text.matchAll(/^foreword_calls_total\{.*verb="create",answer="applied"\} (\d+)$/gm)].map(
      ([, n]) => Number(n),
    ),
  )
  t.ok(calls.reduce((a, n) => a + n, 0) >= 3, `between them they made every call: ${calls.join()}`)
  for (const process of [up, worker]) process.child.kill('SIGTERM')
  for (const process of [up, worker]) t.equal((await process.ended).code, 0)
})

t.test('the configuration says where, and with which token', async (t) => {
  const b = await bench(t, {
    config: `metrics: { port: 0, token: { secret: 'env', name: 'SCRAPE' } }`,
  })
  const missing = await b.foreword(['worker'])
  t.equal(missing.code, 1)
  t.match(
    missing.errors.at(-1),
    /^foreword: the secret's environment variable is not set, SCRAPE; /,
  )
  const worker = b.start(['worker'], { env: { SCRAPE: 'right' } })
  const [, url = ''] = await worker.shows(/metrics +(http:\S+)/)
  t.equal((await get(portOf(url), '/metrics')).status, 401)
  const authorization = 'Bearer right'
  t.equal((await get(portOf(url), '/metrics', { authorization })).status, 200)
  worker.child.kill('SIGTERM')
  t.notMatch((await worker.ended).stdout, /right/)
})

t.test('a token as a text, a port that is none, an unknown key: told in one line', async (t) => {
  const wrong = [
    [`metrics: { token: 'abc' }`, /metrics\.token: expected a reference to a secret; write secret/],
    [`metrics: { port: 70000 }`, /metrics\.port/],
    [`metrics: { host: 'a b' }`, /metrics\.host/],
    [`metrics: { ports: 1 }`, /metrics\.ports/],
  ] as const
  for (const [config, said] of wrong) {
    const b = await bench(t, { config })
    const { code, errors } = await b.foreword(['worker'])
    t.equal(code, 1, config)
    t.equal(errors.length, 1)
    t.match(errors[0], said)
    t.notMatch(errors[0], /abc/)
  }
})

t.test('on a busy port nothing is begun', async (t) => {
  const b = await bench(t)
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const { code, errors } = await b.foreword(['worker', '--metrics-port', String(port)])
  t.equal(code, 1)
  t.match(errors.at(-1), `foreword: port ${port} is busy, 127.0.0.1:${port}; set metrics.port`)
  t.same(await b.database.sql`select from foreword.worker`, [])
})
