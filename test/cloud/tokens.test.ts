import t from 'tap'
import { codeOf, open, until } from './harness.ts'

const vm = { name: 'web', size: 's' }
const headers = { 'idempotency-key': 'k1' }
const faults = { tokens: true, token_valid_ms: 1_000 }

t.test('the same key and body is answered with the first answer, and has one effect', async (t) => {
  const bench = await open(t, { faults })
  const first = await bench.call('POST', '/v1/vms', { body: vm, headers })
  const again = await bench.call('POST', '/v1/vms', {
    body: { size: 's', name: 'web' },
    headers,
  })
  t.strictSame(
    [again.status, again.body],
    [201, first.body],
    'the order of members does not matter',
  )
  t.equal(again.headers.get('idempotent-replay'), 'true')
  t.equal((await bench.ledger()).length, 1)
})

for (const fault of ['lose_response', 'error_after', 'truncate'] as const) {
  t.test(`a replay after ${fault} answers what was not heard`, async (t) => {
    const bench = await open(t, { faults: { ...faults, match: [{ fault, n: 1 }] } })
    t.not((await bench.call('POST', '/v1/vms', { body: vm, headers })).status, 201)
    const again = await bench.call('POST', '/v1/vms', { body: vm, headers })
    t.equal(again.status, 201)
    t.equal((await bench.ledger()).length, 1)
    t.equal((await bench.ledger())[0]?.['id'], again.body['id'])
  })
}

t.test('a key is forgotten after its time: the repeat is a second effect', async (t) => {
  const bench = await open(t, { faults })
  const id = await bench.make('vms', vm, headers)
  bench.clock.advance(999)
  t.equal(await bench.make('vms', vm, headers), id)
  bench.clock.advance(1)
  t.not(await bench.make('vms', vm, headers), id)
  t.equal((await bench.ledger()).length, 2)
})

t.test('the same key for another request is a mismatch', async (t) => {
  const bench = await open(t, { faults })
  const id = await bench.make('vms', vm, headers)
  const body = { ...vm, size: 'm' }
  const other = await bench.call('POST', '/v1/vms', { body, headers })
  t.strictSame([other.status, codeOf(other)], [422, 'idempotency_mismatch'])
  t.equal(codeOf(await bench.call('DELETE', `/v1/vms/${id}`, { headers })), 'idempotency_mismatch')
  const elsewhere = { ...headers, 'x-account': 'other' }
  t.ok(await bench.make('vms', body, elsewhere), 'keys are per account')
})

t.test('while the first is in progress a repeat is told so', async (t) => {
  const bench = await open(t, { faults: { ...faults, delay_ms: [50, 50] } })
  const first = bench.call('POST', '/v1/vms', { body: vm, headers })
  await until('it sleeps', () => bench.clock.sleeping === 1)
  const again = await bench.call('POST', '/v1/vms', { body: vm, headers })
  t.strictSame([again.status, codeOf(again)], [409, 'in_progress'])
  bench.clock.advance(50)
  t.equal((await first).status, 201)
  t.equal((await bench.call('POST', '/v1/vms', { body: vm, headers })).status, 201)
  t.equal((await bench.ledger()).length, 1)
})

t.test('a replay whose resource is gone says so, and makes no new one', async (t) => {
  const bench = await open(t, { faults })
  const id = await bench.make('vms', vm, headers)
  const deletion = { headers: { 'idempotency-key': 'k2' } }
  t.equal((await bench.call('DELETE', `/v1/vms/${id}`, deletion)).status, 204)
  const again = await bench.call('POST', '/v1/vms', { body: vm, headers })
  t.strictSame([again.status, codeOf(again)], [409, 'idempotent_gone'])
  t.equal((await bench.call('DELETE', `/v1/vms/${id}`, deletion)).status, 204, 'a replayed delete')
  t.equal((await bench.ledger()).length, 2)
})

t.test('what had no effect leaves its key as good as new', async (t) => {
  const match = [{ fault: 'error_before', n: 1 }] as const
  const bench = await open(t, { faults: { ...faults, match } })
  t.equal((await bench.call('POST', '/v1/vms', { body: vm, headers })).status, 500)
  const wrong = await bench.call('POST', '/v1/vms', { body: { name: 'web' }, headers })
  t.equal(wrong.status, 422)
  t.ok(await bench.make('vms', vm, headers))
})

t.test('without tokens a key is written down and nothing else', async (t) => {
  const bench = await open(t)
  t.not(await bench.make('vms', vm, headers), await bench.make('vms', vm, headers))
  t.strictSame(
    (await bench.ledger()).map(({ intent }) => intent),
    ['k1', 'k1'],
  )
})
