import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Bench } from './harness.ts'
import { codeOf, open } from './harness.ts'

const summary = async (bench: Bench, query = '') =>
  (await bench.call('GET', `/admin/ledger/summary${query}`)).body

t.test('the ledger counts exactly what the server did, whatever clients heard', async (t) => {
  const bench = await open(t, {
    seed: 11,
    faults: { lose_response: 0.2, lose_request: 0.2, error_before: 0.1, error_after: 0.2 },
  })
  await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      bench.call('POST', '/v1/vms', {
        body: { name: `w${n}`, size: 's' },
        headers: { 'x-intent': `k${n}`, 'x-client': `c${n}` },
      }),
    ),
  )
  await bench.faults('calm')
  const state = (await bench.call('GET', '/admin/state')).body as {
    accounts: { default: { vms: { id: string }[] } }
  }
  const entries = await bench.ledger()
  t.ok(entries.length > 50 && entries.length < 200, 'some happened and some did not')
  t.strictSame(
    entries.map(({ seq }) => seq),
    entries.map((_, n) => n + 1),
  )
  const there = state.accounts.default.vms.map(({ id }) => id)
  t.strictSame(entries.map(({ id }) => id).sort(), there.sort(), 'the ledger is the state')
  const counted = await summary(bench)
  t.match(counted, { effects: entries.length, distinct_intents: entries.length, max: 1 })
})

t.test('a repeated effect is counted under its intent', async (t) => {
  const bench = await open(t)
  const body = { name: 'a', size: 's' }
  await bench.make('vms', body, { 'x-intent': 'k1' })
  await bench.make('vms', body, { 'x-intent': 'k1', 'x-account': 'other' })
  await bench.make('vms', body, { 'idempotency-key': 'k2' })
  await bench.make('vms', { ...body, tags: { intent: 'k3' } })
  await bench.make('vms', body)
  t.strictSame(await summary(bench), {
    effects: 5,
    by_hand: 0,
    without_intent: 1,
    distinct_intents: 3,
    max: 2,
    repeated: { k1: 2 },
    totals: { 'vms create': 5 },
    intents: { k1: 2, k2: 1, k3: 1 },
  })
  t.match(await summary(bench, '?account=other'), { effects: 1, max: 1, intents: { k1: 1 } })
})

t.test('each entry tells who did what to which resource', async (t) => {
  const bench = await open(t)
  const headers = { 'x-intent': 'k1', 'x-account': 'acme' }
  const id = await bench.make('vms', { name: 'a', size: 's' }, headers)
  await bench.call('POST', `/v1/vms/${id}/reboot`, { headers })
  const [first, second] = await bench.ledger()
  t.strictSame(first, {
    seq: 1,
    at: '2030-01-01T00:00:00.000Z',
    account: 'acme',
    kind: 'vms',
    verb: 'create',
    id,
    name: 'a',
    intent: 'k1',
    by: 'api',
    request_body: { name: 'a', size: 's' },
  })
  t.match(second, { seq: 2, verb: 'reboot', id, request_body: null })
})

t.test('the ledger is read from where one left off, also line by line', async (t) => {
  const bench = await open(t)
  for (let n = 1; n <= 5; n += 1) await bench.make('vms', { name: `v${n}`, size: 's' })
  const rest = await bench.call('GET', '/admin/ledger?after=3')
  t.match(rest.body, [{ seq: 4 }, { seq: 5 }])
  t.match((await bench.call('GET', '/admin/ledger?after=1&limit=2')).body, [{ seq: 2 }, { seq: 3 }])
  const lines = await (await fetch(`${bench.cloud.url}/admin/ledger?format=ndjson`)).text()
  t.strictSame(
    lines
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq),
    [1, 2, 3, 4, 5],
  )
})

t.test('the file has each effect before its answer', async (t) => {
  const file = `${t.testdir()}/ledger.ndjson`
  const bench = await open(t, { ledger: file })
  const id = await bench.make('vms', { name: 'a', size: 's' })
  t.match(JSON.parse(readFileSync(file, 'utf8')), { seq: 1, id })
  await bench.call('DELETE', `/v1/vms/${id}`)
  t.equal(readFileSync(file, 'utf8').trim().split('\n').length, 2)
})

t.test('a hand change is in the ledger as drift by hand, and shows in reads', async (t) => {
  const bench = await open(t)
  const id = await bench.make('vms', { name: 'a', size: 's' }, { 'x-intent': 'k1' })
  const drift = (body: unknown) => bench.call('POST', '/admin/drift', { body })
  t.equal((await drift({ kind: 'vms', name: 'a', set: { size: 'l' } })).status, 200)
  t.match((await bench.call('GET', `/v1/vms/${id}`)).body, { size: 'l', last_intent: 'k1' })
  t.equal((await drift({ kind: 'vms', create: { name: 'b', size: 's' } })).status, 201)
  t.equal((await drift({ kind: 'vms', id, delete: true })).status, 204)
  t.equal((await drift({ kind: 'vms', id, delete: true })).status, 404)
  t.match(
    (await bench.ledger()).map(({ verb, by, intent }) => [verb, by, intent]),
    [
      ['create', 'api', 'k1'],
      ['drift', 'hand', null],
      ['drift', 'hand', null],
      ['drift', 'hand', null],
    ],
  )
  t.match(await summary(bench), { effects: 4, by_hand: 3, max: 1, intents: { k1: 1 } })
})

t.test('a hand change that could mean several resources asks which', async (t) => {
  const bench = await open(t)
  const body = { name: 'a', size: 's' }
  const ids = [await bench.make('vms', body), await bench.make('vms', body)]
  const reply = await bench.call('POST', '/admin/drift', {
    body: { kind: 'vms', name: 'a', delete: true },
  })
  t.strictSame([reply.status, codeOf(reply)], [409, 'ambiguous'])
  t.strictSame((reply.body['error'] as { ids: string[] }).ids, ids)
  for (const wrong of [{ kind: 'disks' }, { kind: 'vms', name: 'a' }, 'x']) {
    t.equal((await bench.call('POST', '/admin/drift', { body: wrong })).status, 400)
  }
})

t.test('each request is kept, with its fault and whether its answer went out', async (t) => {
  const bench = await open(t)
  const body = { name: 'a', size: 's' }
  await bench.make('vms', body, { 'x-intent': 'k1' })
  await bench.faults({ lose_response: 1 })
  const lost = await bench.call('POST', '/v1/vms', { body, headers: { 'x-intent': 'k2' } })
  t.ok(lost.lost)
  await bench.faults('calm')
  await bench.call('GET', '/v1/vms')
  const requests = (await bench.call('GET', '/admin/requests')).body
  t.match(requests, [
    {
      seq: 1,
      method: 'POST',
      path: '/v1/vms',
      intent: 'k1',
      fault: null,
      status: 201,
      heard: true,
    },
    { seq: 2, intent: 'k2', fault: 'lose_response', status: null, heard: false },
    { seq: 3, method: 'GET', intent: null, status: 200, heard: true },
  ])
  t.match((await bench.call('GET', '/admin/requests?after=1&limit=1')).body, [{ seq: 2 }])
})
