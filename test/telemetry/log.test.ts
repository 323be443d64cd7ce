/** The log: whom its lines are about, and what never stands in one. By a real worker, in a process of its own. */
import t from 'tap'
import { logLevelOf } from '../../src/logger.ts'
import { withoutSecrets } from '../../src/domain/hidden-secrets.ts'
import { resolveSecret } from '../../src/secrets.ts'
import { eventually } from '../support/eventually.ts'
import { bench } from '../cli/harness.ts'

const secret_value = 'hunter2-"\\goes out'
const in_state = 'a-state-that-nobody-should-see'

/** Every look at it carries the secret, and fails with it in its message, as careless adapters do. */
const careless = `
import * as t from 'io-ts'
import { applied, defaultTraits, secret } from 'foreword'
const spec = t.type({ size: t.string })
export default {
  providers: [{
    kind: 'careless', spec, state: spec,
    traits: { ...defaultTraits, idempotency: 'natural', sightings: 0 },
    create: async (call) => { call.secrets(secret.env('API_TOKEN')); return applied(call.spec) },
    update: async (call) => applied(call.spec),
    delete: async () => applied(null),
    read: async (look) => {
      const token = look.secrets(secret.env('API_TOKEN'))
      throw new Error('GET https://api.example/?token=' + encodeURIComponent(token) + ' ' + token + ': 500')
    },
  }],
}
`

t.test('a secret that goes out with every call, and a state, are in no line', async (t) => {
  const b = await bench(t)
  const library = new URL('../../src/index.ts', import.meta.url).href
  const io = import.meta.resolve('io-ts')
  const config = careless
    .replace("'foreword'", JSON.stringify(library))
    .replace("'io-ts'", JSON.stringify(io))
  const file = await b.write('careless.config.ts', config)
  const env = { FOREWORD_LOG_LEVEL: 'info', API_TOKEN: secret_value }
  const worker = b.start(['worker', '--config', file], { env })
  await worker.shows(/Ready\./)
  const stack = await b.write(
    'stack.json',
    JSON.stringify({
      scope: 'acme',
      resources: [{ kind: 'careless', name: 'a', spec: { size: in_state } }],
    }),
  )
  const applied = await b.foreword(['apply', '--config', file, '-f', stack, '--wait'], { env })
  t.equal(applied.code, 0, applied.stderr)
  await b.database.sql`
    select foreword.observe('acme', 'careless', 'a', '{"size": "other"}')`
  const lines = await eventually(
    'a look has failed',
    () => (worker.told().includes('look failed') ? worker.told() : null),
    { deadline_ms: 30_000 },
  )
  worker.child.kill('SIGTERM')
  const ended = await worker.ended
  const said = lines + ended.stdout + ended.stderr
  for (const form of [secret_value, encodeURIComponent(secret_value), 'hunter2']) {
    t.notOk(said.includes(form), 'the secret is not there')
  }
  t.notOk(said.includes(in_state), 'nor is the state')
  t.ok(said.includes('[hidden]'), 'what stood there instead')
  const look = lines.split('\n').find((line) => line.includes('look failed')) ?? ''
  t.match(JSON.parse(look), { level: 40, resource: 'careless/a', error: { name: 'Error' } })
})

t.test('FOREWORD_LOG_LEVEL says how much is told; what it cannot mean is an error', async (t) => {
  t.equal(logLevelOf({}), 'warn')
  t.equal(logLevelOf({ FOREWORD_LOG_LEVEL: '' }), 'warn')
  t.equal(logLevelOf({ FOREWORD_LOG_LEVEL: 'INFO' }), 'info')
  t.throws(() => logLevelOf({ FOREWORD_LOG_LEVEL: 'loud' }), {
    message: 'there is no level "loud" of the log',
    where: 'FOREWORD_LOG_LEVEL',
    remedy: 'write silent, error, warn, info',
    exit_code: 2,
  })
  const b = await bench(t)
  const { code, errors } = await b.foreword(['worker'], { env: { FOREWORD_LOG_LEVEL: 'loud' } })
  t.equal(code, 2)
  t.equal(errors.length, 1)
  t.match(errors[0], /^foreword: there is no level "loud" of the log, FOREWORD_LOG_LEVEL; write /)
})

t.test('a short secret, or none, hides nothing', (t) => {
  resolveSecret({ A: 'a' })({ secret: 'env', name: 'A' })
  t.equal(withoutSecrets('a banana'), 'a banana')
  t.end()
})

t.test(
  'connections that are lost are one line of the queue, and the rest is for debugging',
  async (t) => {
    const b = await bench(t)
    const restarted = async (level: string): Promise<readonly string[]> => {
      const worker = b.start(['worker'], { env: { FOREWORD_LOG_LEVEL: level } })
      await worker.shows(/Ready\./)
      await eventually('its queue listens', async () => {
        const rows = await b.database.sql`
        select from pg_stat_activity
        where datname = current_database() and query ilike 'listen "jobs:insert"%'`
        return rows.length > 0
      })
      await b.database.sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where
        datname = current_database()
        and pid <> pg_backend_pid()
        and application_name not like 'test:%'`
      const { code, errors } = await worker.ended
      t.equal(code, 1)
      t.match(
        errors.filter((line) => line.startsWith('foreword: the')),
        [/has ended/],
      )
      return errors.filter((line) => line.includes('"from":"graphile-worker"'))
    }
    t.match(await restarted('warn'), [
      /"level":40,.*the queue has lost its connections .*: terminating/,
    ])
    const all = await restarted('debug')
    t.ok(all.filter((line) => line.includes('"level":20,')).length > 1, all.join('\n'))
  },
)
