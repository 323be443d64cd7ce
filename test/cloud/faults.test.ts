import t from 'tap'
import type { Bench } from './harness.ts'
import { codeOf, open, until } from './harness.ts'

const vm = { name: 'web', size: 's' }

const effects = async (bench: Bench) => (await bench.ledger()).length

const hits = async (bench: Bench, fault: string) => {
  const { body } = await bench.call('GET', '/admin/stats')
  return (body['faults'] as Record<string, number>)[fault] ?? 0
}

t.test('a lost response leaves the effect in the ledger', async (t) => {
  const bench = await open(t, { faults: { lose_response: 1 } })
  t.equal((await bench.call('POST', '/v1/vms', { body: vm })).lost, true)
  t.equal(await effects(bench), 1)
})

t.test('a lost request leaves nothing', async (t) => {
  const bench = await open(t, { faults: { lose_request: 1 } })
  t.equal((await bench.call('POST', '/v1/vms', { body: vm })).lost, true)
  t.equal(await effects(bench), 0)
})

t.test('an error before the effect leaves nothing, one after it leaves the effect', async (t) => {
  const bench = await open(t, { faults: { error_before: 1 } })
  t.equal((await bench.call('POST', '/v1/vms', { body: vm })).status, 500)
  t.equal(await effects(bench), 0)
  await bench.faults({ profile: 'calm', error_after: 1 })
  const seen = new Set<number>()
  for (let n = 0; n < 20; n += 1)
    seen.add((await bench.call('POST', '/v1/vms', { body: vm })).status)
  t.strictSame([...seen].sort(), [500, 502], 'which status says nothing about the effect')
  t.equal(await effects(bench), 20)
})

t.test('a truncated answer leaves the effect and no readable body', async (t) => {
  const bench = await open(t, { faults: { truncate: 1 } })
  t.equal((await bench.call('POST', '/v1/vms', { body: vm })).lost, true)
  t.equal(await effects(bench), 1)
  const id = String((await bench.ledger())[0]?.['id'])
  const gone = await bench.call('DELETE', `/v1/vms/${id}`)
  t.equal(gone.lost, true, 'also where there is no body to cut')
})

t.test('a throttled request says when to come back, and leaves nothing', async (t) => {
  const bench = await open(t, { faults: { throttle: 1, retry_after_s: 7 } })
  const reply = await bench.call('POST', '/v1/vms', { body: vm })
  t.strictSame([reply.status, reply.headers.get('retry-after')], [429, '7'])
  t.equal(codeOf(reply), 'throttled')
  t.equal(await effects(bench), 0)
})

for (const effect of [true, false]) {
  t.test(`a request that hangs never answers, effect: ${effect}`, async (t) => {
    const bench = await open(t, { faults: { match: [{ fault: 'hang', n: 1, effect }] } })
    const patience = new AbortController()
    const { signal } = patience
    const hanging = bench.call('POST', '/v1/vms', { body: { ...vm, name: 'hung' }, signal })
    await until('it hangs', async () => (await hits(bench, 'hang')) === 1)
    if (effect) await until('it is done', async () => (await effects(bench)) === 1)
    patience.abort()
    t.equal((await hanging).lost, true)
    await bench.make('vms', vm)
    t.equal(await effects(bench), effect ? 2 : 1)
  })
}

t.test('a delayed request has its effect after the delay', async (t) => {
  const bench = await open(t, { faults: { delay_ms: [500, 500] } })
  const reply = bench.call('POST', '/v1/vms', { body: vm })
  await until('it sleeps', () => bench.clock.sleeping === 1)
  t.equal(await effects(bench), 0)
  bench.clock.advance(500)
  t.equal((await reply).status, 201)
  t.equal(await effects(bench), 1)
})

t.test(
  'the rate limit lets a burst through and then what its rate allows, per account',
  async (t) => {
    const bench = await open(t, { faults: { rate_per_s: 2, rate_burst: 3 } })
    const statuses = async (account: string, count: number) => {
      const seen: number[] = []
      for (let n = 0; n < count; n += 1) {
        const headers = { 'x-account': account }
        seen.push((await bench.call('GET', '/v1/vms', { headers })).status)
      }
      return seen
    }
    t.strictSame(await statuses('a', 4), [200, 200, 200, 429])
    t.strictSame(await statuses('b', 1), [200])
    bench.clock.advance(1_000)
    t.strictSame(await statuses('a', 3), [200, 200, 429])
  },
)

t.test('the same seed gives the same faults and the same ids, another seed others', async (t) => {
  const story = async (seed: number) => {
    const bench = await open(t, { seed, faults: { lose_response: 0.3, error_before: 0.3 } })
    const seen: unknown[] = []
    for (let n = 0; n < 40; n += 1) {
      const { status, body } = await bench.call('POST', '/v1/vms', { body: vm })
      seen.push([status, body['id']])
    }
    return JSON.stringify(seen)
  }
  const first = await story(7)
  t.equal(await story(7), first)
  t.not(await story(8), first)
})

t.test('the fate of a client does not depend on what others do meanwhile', async (t) => {
  const story = async (noise: number) => {
    const bench = await open(t, { seed: 3, faults: { error_before: 0.5 } })
    const seen: number[] = []
    for (let n = 0; n < 30; n += 1) {
      for (let i = 0; i < noise; i += 1) {
        await bench.call('GET', '/v1/vms', { headers: { 'x-client': 'other' } })
      }
      seen.push((await bench.call('GET', '/v1/vms', { headers: { 'x-client': 'mine' } })).status)
    }
    return seen
  }
  t.strictSame(await story(0), await story(2))
})

t.test('a new seed starts every client anew', async (t) => {
  const bench = await open(t, { seed: 5, faults: { error_before: 0.5 } })
  const story = async () => {
    const seen: number[] = []
    for (let n = 0; n < 20; n += 1) seen.push((await bench.call('GET', '/v1/vms')).status)
    return seen
  }
  const first = await story()
  t.equal((await bench.call('PUT', '/admin/faults', { body: { seed: 5 } })).status, 200)
  t.strictSame(await story(), first)
})

t.test('a rule hits its method, path and account only, and is spent after n', async (t) => {
  const rule = { account: 'a', method: 'post', path_regex: '^/v1/vms$', n: 2 }
  const bench = await open(t, { faults: { match: [{ ...rule, fault: 'error_after' }] } })
  const post = async (kind: string, account: string, body: unknown) =>
    (await bench.call('POST', `/v1/${kind}`, { body, headers: { 'x-account': account } })).status
  t.equal(await post('ips', 'a', { name: 'x' }), 201)
  t.equal(await post('vms', 'b', vm), 201)
  t.match(await post('vms', 'a', vm), /50[02]/)
  t.match(await post('vms', 'a', vm), /50[02]/)
  t.equal(await post('vms', 'a', vm), 201)
  await bench.faults({ lag_ms: 0 })
  t.equal(await post('vms', 'a', vm), 201, 'a spent rule stays spent when others are changed')
  t.equal(await hits(bench, 'error_after'), 2)
})

t.test('faults change at run time, field by field or by profile', async (t) => {
  const bench = await open(t, { faults: 'rough' })
  await bench.faults({ lag_ms: 5 })
  const { body } = await bench.call('GET', '/admin/faults')
  t.match(body, { seed: 1, lag_ms: 5, replicas: 2, lose_response: 0.05, throttle: 0.05 })
  await bench.faults('calm')
  t.match((await bench.call('GET', '/admin/faults')).body, { lag_ms: 0, lose_response: 0 })
})

t.test('faults that cannot be are refused with the name of the field', async (t) => {
  const bench = await open(t)
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ lose_response: 2 }, /lose_response must be a probability/],
    [{ lag: 3 }, /lag is unknown/],
    [{ delay_ms: [5, 1] }, /delay_ms must be/],
    [{ profile: 'wild' }, /profile must be one of calm, rough, hostile/],
    [{ match: [{ fault: 'fire' }] }, /match\[0\]\.fault must be one of/],
    [{ match: [{ p: 1 }] }, /match\[0\]\.fault is missing/],
    [{ match: [{ fault: 'hang', path_regex: '(' }] }, /path_regex must be a regular expression/],
    ['rough', /must be an object/],
  ]
  for (const [body, message] of wrong) {
    const reply = await bench.call('PUT', '/admin/faults', { body: JSON.stringify(body) })
    t.ok(reply.status >= 400, JSON.stringify(body))
    t.match((reply.body['error'] as { message: string }).message, message)
  }
  t.match((await bench.call('GET', '/admin/faults')).body, { lose_response: 0, match: [] })
})

t.test('calm has no fault at all', async (t) => {
  const bench = await open(t)
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      bench.call('POST', '/v1/vms', { body: { ...vm, name: `w${n}` } }),
    ),
  )
  t.ok(replies.every(({ status }) => status === 201))
  t.strictSame((await bench.call('GET', '/admin/stats')).body, { requests: 200, faults: {} })
})
