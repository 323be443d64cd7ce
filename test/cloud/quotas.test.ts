import t from 'tap'
import type { Bench } from './harness.ts'
import { codeOf, open, until } from './harness.ts'

const used = async (bench: Bench) => (await bench.call('GET', '/v1/quotas')).body

t.test('one after the other a quota is never exceeded', async (t) => {
  const bench = await open(t)
  await bench.call('PUT', '/v1/quotas', { body: { cores: 6 } })
  const statuses: number[] = []
  for (const size of ['l', 's', 'm', 's', 's']) {
    statuses.push((await bench.call('POST', '/v1/vms', { body: { name: 'a', size } })).status)
  }
  t.strictSame(statuses, [201, 201, 403, 201, 403])
  t.match(await used(bench), { cores: { limit: 6, used: 6 }, vms: { limit: null, used: 3 } })
})

t.test('creates that race for a quota overshoot it together', async (t) => {
  const bench = await open(t, { faults: { quota_gap_ms: 10 } })
  await bench.call('PUT', '/v1/quotas', { body: { cores: 2 } })
  const racing = Array.from({ length: 8 }, () =>
    bench.call('POST', '/v1/vms', { body: { name: 'a', size: 's' } }),
  )
  await until('all are in the gap', () => bench.clock.sleeping === 8)
  bench.clock.advance(10)
  t.ok((await Promise.all(racing)).every(({ status }) => status === 201))
  t.match(await used(bench), { cores: { limit: 2, used: 8 } })
  const next = await bench.call('POST', '/v1/vms', { body: { name: 'a', size: 's' } })
  t.strictSame([next.status, codeOf(next)], [403, 'quota_exceeded'])
})

t.test('a resize counts the difference, a delete gives back', async (t) => {
  const bench = await open(t)
  await bench.call('PUT', '/v1/quotas', { body: { cores: 4, vms: 1, ips: 1 } })
  const path = `/v1/vms/${await bench.make('vms', { name: 'a', size: 'm' })}`
  t.equal((await bench.call('PATCH', path, { body: { size: 'l' } })).status, 200)
  t.match(await used(bench), { cores: { used: 4 } })
  const second = await bench.call('POST', '/v1/vms', { body: { name: 'b', size: 's' } })
  t.equal(codeOf(second), 'quota_exceeded')
  t.equal((await bench.call('PATCH', path, { body: { size: 's' } })).status, 200)
  t.equal((await bench.call('DELETE', path)).status, 204)
  await bench.make('ips', { name: 'x' })
  t.equal(codeOf(await bench.call('POST', '/v1/ips', { body: { name: 'y' } })), 'quota_exceeded')
  t.match(await used(bench), { cores: { used: 0 }, vms: { used: 0 }, ips: { used: 1 } })
})

t.test('a resource that goes while its resize is in the gap is not resized', async (t) => {
  const bench = await open(t, { faults: { quota_gap_ms: 10 } })
  const path = `/v1/vms/${await bench.make('vms', { name: 'a', size: 's' })}`
  await bench.call('PUT', '/v1/quotas', { body: { cores: 9 } })
  const resize = bench.call('PATCH', path, { body: { size: 'l' } })
  await until('it is in the gap', () => bench.clock.sleeping === 1)
  await bench.call('DELETE', path)
  bench.clock.advance(10)
  t.equal((await resize).status, 404)
  t.match(await used(bench), { cores: { used: 0 }, vms: { used: 0 } })
})

t.test('quotas are per account, and a wrong one is refused', async (t) => {
  const bench = await open(t)
  await bench.call('PUT', '/v1/quotas', { body: { vms: 0 } })
  t.ok(await bench.make('vms', { name: 'a', size: 's' }, { 'x-account': 'other' }))
  for (const body of [{ disks: 1 }, { cores: -1 }, { cores: '4' }]) {
    t.equal((await bench.call('PUT', '/v1/quotas', { body })).status, 422)
  }
  t.match(await used(bench), { cores: { limit: null }, vms: { limit: 0 } })
})
