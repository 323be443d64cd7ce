import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { parseCrontab as parseByWorker } from 'graphile-worker'
import * as io from 'io-ts'
import t from 'tap'
import { decodeConfig, default_web_port } from '../../src/domain/codec/config.ts'
import { defaultLimits } from '../../src/domain/config.ts'
import { parseCrontab } from '../../src/domain/crontab.ts'
import { defineDecider, refuse } from '../../src/domain/decider.ts'
import { defineConfig, secret } from '../../src/domain/define-config.ts'
import { applied, defaultTraits, type AnyProvider } from '../../src/domain/provider.ts'

const provider = (kind: string): AnyProvider => ({
  kind,
  spec: io.UnknownRecord as never,
  state: io.UnknownRecord as never,
  traits: defaultTraits,
  create: () => Promise.resolve(applied({})),
  update: () => Promise.resolve(applied({})),
  delete: () => Promise.resolve(applied(null)),
  read: () => Promise.resolve(null),
})
const decider = (name: string) =>
  defineDecider({ name, version: 1, read: () => ({}), decide: () => refuse('never') })
const schedule = { name: 'hourly', cron: '0 * * * *', scope: 'acme/prod' }

const sentences = (config: unknown): readonly string[] => {
  const decoded = decodeConfig(config)
  if (E.isRight(decoded)) return []
  return decoded.left.map(({ path, message }) => `${path}: ${message}`)
}
const providerWith = (change: object): readonly string[] =>
  sentences({ providers: [{ ...provider('vm'), ...change }] })

t.test('an empty configuration is a complete one', async (t) => {
  t.strictSame(
    decodeConfig(defineConfig({})),
    E.right({
      database: undefined,
      directory: undefined,
      providers: [],
      deciders: [],
      schedules: [],
      policies: [],
      limits: defaultLimits,
      retention: undefined,
      web: { port: default_web_port },
    }),
  )
})

t.test('providers are flattened in their order and stay the very same objects', async (t) => {
  const [a, b, c] = [provider('a'), provider('b'), provider('c')]
  class Adapter {
    readonly kind = 'd'
    readonly spec = io.UnknownRecord
    readonly state = io.UnknownRecord
    readonly traits = defaultTraits
    async create() {}
    async update() {}
    async delete() {}
    async read() {}
  }
  const d = new Adapter()
  const decoded = decodeConfig({ providers: [a, [[b], c], [], d] })
  t.ok(E.isRight(decoded))
  if (E.isRight(decoded)) {
    t.equal(decoded.right.providers.length, 4)
    ;[a, b, c, d].forEach((one, at) => t.equal(decoded.right.providers[at], one))
  }
})

t.test('what is no provider is told by its place', async (t) => {
  t.strictSame(sentences({ providers: [[provider('a'), 5]] }), [
    'providers[0][1]: expected a provider, got 5',
  ])
  t.match(sentences({ providers: provider('a') })[0], 'providers: expected a list, got an object')
  t.match(providerWith({ kind: 'a/b' })[0], 'providers[0].kind: a kind may not contain "/"')
  t.match(
    providerWith({ spec: {} })[0],
    'providers[0].spec: expected an io-ts codec, got an object',
  )
  t.match(
    providerWith({ read: undefined })[0],
    'providers[0].read: is missing, expected a function',
  )
  t.match(providerWith({ find: 'x' })[0], 'providers[0].find: expected a function, got "x"')
  t.match(
    providerWith({ calls: { reboot: 1 } })[0],
    'providers[0].calls.reboot: expected a function',
  )
  t.match(providerWith({ calls: { create: () => 1 } })[0], "is foreword's own")
  let deep: unknown = provider('a')
  for (let level = 0; level < 100; level++) deep = [deep]
  t.match(sentences({ providers: deep })[0], /expected a provider, got a list$/)
  const ring: unknown[] = []
  ring.push(ring)
  t.equal(sentences({ providers: ring }).length, 1)
})

t.test('traits that could not work are refused', async (t) => {
  const traits = (change: object): readonly string[] =>
    providerWith({ traits: { ...defaultTraits, ...change } })
  t.match(
    traits({ idempotency: 'maybe' })[0],
    'expected one of "natural", "token", "lookup", "none"',
  )
  t.match(traits({ idempotency: 'token' })[0], 'traits.token_valid_ms: must be above 0')
  t.match(traits({ call_timeout_ms: 0 })[0], 'traits.call_timeout_ms: expected a whole number')
  t.match(traits({ call_timeout_ms: 2 ** 31 })[0], 'to 2147483647, got 2147483648')
  t.match(traits({ concurrency: 0 })[0], 'traits.concurrency')
  t.match(traits({ concurency: 1 })[0], 'nearest known one is "concurrency"')
  t.match(traits({ rate: { per_second: 0, burst: 1 } })[0], 'per_second: expected a number above 0')
  t.match(
    traits({ rate: { per_second: 1e10, burst: 1 } })[0],
    'per_second: expected a number above',
  )
  t.match(traits({ rate: { per_second: 1, burst: 1e10 } })[0], 'burst: expected a whole number')
  t.match(providerWith({ traits: {} }).length, 6)
})

t.test('names that are there twice are refused', async (t) => {
  t.match(
    sentences({ providers: [provider('a'), [provider('b'), provider('a')]] })[0],
    /"a" is there already/,
  )
  t.match(sentences({ deciders: [decider('d'), decider('d')] })[0], 'deciders[1]: the decider "d"')
  t.match(sentences({ schedules: [schedule, schedule] })[0], 'schedules[1]: the schedule "hourly"')
})

t.test('a schedule says what it runs, and that is there', async (t) => {
  const scheduled = (change: object): readonly string[] =>
    sentences({
      providers: [provider('dns_record')],
      deciders: [decider('sweep')],
      schedules: [{ ...schedule, ...change }],
    })
  t.strictSame(scheduled({}), [])
  t.strictSame(scheduled({ kind: 'dns_record' }), [])
  t.strictSame(scheduled({ decider: 'sweep', input: { max: 1 } }), [])
  t.match(scheduled({ kind: 'dns_recrod' })[0], 'schedules[0].kind: there is no provider')
  t.match(scheduled({ decider: 'sweeep' })[0], 'schedules[0].decider: there is no decider')
  t.match(scheduled({ decider: 'sweep', kind: 'dns_record' })[0], 'both kind and decider')
  t.match(scheduled({ input: 1 })[0], 'without a decider')
  t.match(
    scheduled({ decider: 'sweep', input: { at: new Date(0) } })[0],
    'input.at: expected a JSON',
  )
  t.match(scheduled({ name: 'a b' })[0], 'is not the name of a schedule')
  t.match(scheduled({ scope: '*' })[0], 'a scope may not contain "*"')
  t.strictSame(scheduled({ cron: '61 * * * *' }), [
    'schedules[0].cron: "61 * * * *" is not a crontab line: minute 61 is not in 0-59',
  ])
})

t.test('policies, limits and the page have their bounds, and no other keys', async (t) => {
  t.strictSame(
    E.map(({ policies }: { policies: unknown }) => policies)(
      decodeConfig({ policies: [{ prevent_destroy: true }] }),
    ),
    E.right([{ scope: '*', kind: '*', prevent_destroy: true }]),
  )
  t.match(
    sentences({ policies: [{ on_drift: 'fix' }] })[0],
    'expected one of "repair", "report", "adopt"',
  )
  t.match(sentences({ policies: [{ aprove: [] }] })[0], 'nearest known one is "approve"')
  t.match(sentences({ limits: { claim_intents_max: 0 } })[0], 'limits.claim_intents_max: expected')
  t.match(
    sentences({ limits: { sweep_interval: 1 } })[0],
    'nearest known one is "sweep_interval_ms"',
  )
  t.match(
    sentences({ web: { port: 65_536 } })[0],
    'web.port: expected a whole number from 0 to 65535',
  )
  t.match(sentences({ provider: [] })[0], 'provider: unknown key "provider"')
  for (const value of [null, 5, [], 'x', () => 1]) t.equal(sentences(value).length, 1)
})

t.test('a wrong database URL is never shown', async (t) => {
  const found = sentences({ database: 'mysql://root:hunter2@db/x' })
  t.strictSame(found, ['database: is not a postgres:// URL'])
  t.strictSame(sentences({ database: 'postgresql:///x?host=/run/postgresql' }), [])
  t.equal(sentences({ database: '' }).length, 1)
})

t.test('a decider is checked by its shape', async (t) => {
  t.strictSame(sentences({ deciders: [decider('d')] }), [])
  t.match(sentences({ deciders: [{ ...decider('d'), version: 0 }] })[0], 'deciders[0].version')
  t.match(sentences({ deciders: [() => 1] })[0], 'expected a decider made by defineDecider')
})

t.test('a secret is a reference', async (t) => {
  t.strictSame(secret.env('TOKEN'), { secret: 'env', name: 'TOKEN' })
  t.strictSame(secret.file('/run/token'), { secret: 'file', name: '/run/token' })
})

/** What graphile-worker makes of a line; undefined: it refuses. */
const byWorker = (line: string): unknown => {
  try {
    const [item] = parseByWorker(`${line} task`)
    return item?.match === undefined
      ? undefined
      : (item.match as unknown as { parsedCronMatch: unknown }).parsedCronMatch
  } catch {
    return undefined
  }
}

t.test('crontab lines mean what graphile-worker takes them for', async (t) => {
  const number = fc.nat({ max: 70 }).map(String)
  const part = fc.oneof(
    fc.constant('*'),
    number,
    fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
    number.map((step) => `*/${step}`),
    fc.constantFrom('', '-', 'x', '1-', '*/', '**', '1/2', '-1', '07', '5-5', '6-7', '0-7', '7'),
  )
  const field = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','))
  const mostlyStars = fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 1, arbitrary: field },
  )
  const line = fc
    .array(mostlyStars, { minLength: 5, maxLength: 5 })
    .map((fields) => fields.join(' '))
  fc.assert(
    fc.property(line, (text) => {
      const ours = parseCrontab(text)
      if (E.isLeft(ours) && ours.left === 'no such day ever comes') return true
      const theirs = byWorker(text)
      return E.isLeft(ours)
        ? theirs === undefined
        : JSON.stringify(theirs) === JSON.stringify(ours.right)
    }),
    { numRuns: 2_000 },
  )
  t.pass()
})

t.test('a line that is no crontab line tells why', async (t) => {
  const why = (line: string): string => E.getOrElse(() => '')(E.swap(parseCrontab(line)))
  t.equal(why(''), 'it has 1 of the five fields')
  t.equal(why('* * * * * *'), 'it has 6 fields instead of five')
  t.equal(why('* 24 * * *'), 'hour 24 is not in 0-23')
  t.equal(why('* * 0 * *'), 'day of month 0 is not in 1-31')
  t.equal(why('* * * 13 *'), 'month 13 is not in 1-12')
  t.equal(why('* * * * 8'), 'day of week 8 is not in 0-7')
  t.equal(why('9-5 * * * *'), 'minute range 9-5 does not go upwards')
  t.equal(why('*/0 * * * *'), 'minute step */0 is not at least 1')
  t.equal(why('@daily * * * *'), 'minute "@daily" is not a number, *, */n or a-b')
  t.equal(why('0 0 30,31 2 *'), 'no such day ever comes')
  t.equal(why('0 0 29 2 *'), '')
  t.equal(why('0 0 31 2 1'), '', 'cron fires on Mondays then')
})

t.test('limits, windows and patterns of policies are checked where they are written', async (t) => {
  const policy = (change: object) => sentences({ policies: [change] })
  t.same(policy({ name: 'a-*', deletes_max: 0, deletes_max_percent: 2.5, window: {} }), [])
  t.same(policy({ window: [{ days: ['sat'] }, { from: '22:00', to: '04:00' }] }), [])
  t.match(policy({ deletes_max: -1 })[0], /policies\[0\]\.deletes_max: .*whole number/)
  t.match(policy({ deletes_max: 1.5 })[0], /policies\[0\]\.deletes_max/)
  t.match(policy({ deletes_max_percent: 101 })[0], /deletes_max_percent: .*0 to 100/)
  t.match(policy({ deletes_max_percent: Number.NaN })[0], /deletes_max_percent/)
  t.match(policy({ window: { from: '9:00' } })[0], /window\.from: "9:00" is not a time of day/)
  t.match(policy({ window: { to: '24:01' } })[0], /window\.to: "24:01" is not a time of day/)
  t.match(policy({ window: { from: '24:00' } })[0], /24:00 is the end of a day/)
  t.match(policy({ window: { days: ['monday'] } })[0], /window\.days/)
  t.match(policy({ window: { days: [] } })[0], /never open/)
  t.match(policy({ window: [] })[0], /never open/)
  t.match(policy({ window: [{ form: '09:00' }] })[0], /nearest known one is "from"/)
  t.match(policy({ name: '' })[0], /glob/)
  const on = (change: object) => sentences({ schedules: [{ ...schedule, ...change }] })
  t.same(on({ policies: [{ on_drift: 'report' }], backfill_minutes: 60 }), [])
  t.match(
    on({ policies: [{ window: {} }] })[0],
    /schedules\[0\]\.policies\[0\]\.window: a window is kept by workers/,
  )
  t.match(on({ backfill_minutes: 20_000 })[0], /backfill_minutes/)
})
