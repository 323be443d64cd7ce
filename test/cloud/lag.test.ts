import t from 'tap'
import { itemsOf, open } from './harness.ts'

t.test('a write shows after the lag, a create and a delete too', async (t) => {
  const bench = await open(t, { faults: { lag_ms: 100 } })
  const id = await bench.make('vms', { name: 'a', size: 's' })
  const look = async () => {
    const { status, body } = await bench.call('GET', `/v1/vms/${id}`)
    return status === 404 ? 404 : body['size']
  }
  t.equal(await look(), 404, 'right after its create')
  bench.clock.advance(100)
  t.equal(await look(), 's')
  await bench.call('PATCH', `/v1/vms/${id}`, { body: { size: 'l' } })
  t.equal(await look(), 's')
  bench.clock.advance(99)
  t.equal(await look(), 's')
  bench.clock.advance(1)
  t.equal(await look(), 'l')
  await bench.call('DELETE', `/v1/vms/${id}`)
  t.equal(await look(), 'l')
  bench.clock.advance(100)
  t.equal(await look(), 404)
})

t.test('lists and look-ups by intent lag as reads do', async (t) => {
  const bench = await open(t, { faults: { lag_ms: 100 } })
  await bench.make('vms', { name: 'a', size: 's', tags: { role: 'web' } }, { 'x-intent': 'k1' })
  const paths = ['/v1/vms', '/v1/vms?intent=k1', '/v1/vms?tag=role:web', '/v1/vms?name=a']
  for (const path of paths) t.strictSame(await bench.names(path), [], path)
  bench.clock.advance(100)
  for (const path of paths) t.strictSame(await bench.names(path), ['a'], path)
})

t.test('a late list shows what was true then, not what is true now', async (t) => {
  const bench = await open(t, { faults: { lag_ms: 100 } })
  const id = await bench.make('vms', { name: 'a', size: 's', tags: { role: 'web' } })
  bench.clock.advance(100)
  await bench.call('PATCH', `/v1/vms/${id}`, { body: { tags: { role: 'db' } } })
  t.strictSame(await bench.names('/v1/vms?tag=role:web'), ['a'])
  t.strictSame(await bench.names('/v1/vms?tag=role:db'), [])
  bench.clock.advance(100)
  t.strictSame(await bench.names('/v1/vms?tag=role:web'), [])
  t.strictSame(await bench.names('/v1/vms?tag=role:db'), ['a'])
})

t.test('with two replicas reads go backwards, and converge after the lag', async (t) => {
  const bench = await open(t, { faults: { lag_ms: 100, replicas: 2 } })
  const id = await bench.make('vms', { name: 'a', size: 's' })
  bench.clock.advance(100)
  await bench.call('PATCH', `/v1/vms/${id}`, { body: { size: 'm' } })
  bench.clock.advance(50)
  const sizes = async () => {
    const seen: unknown[] = []
    for (let n = 0; n < 40; n += 1)
      seen.push((await bench.call('GET', `/v1/vms/${id}`)).body['size'])
    return seen
  }
  const between = await sizes()
  t.ok(between.includes('s') && between.includes('m'))
  t.ok(
    between.some((size, n) => size === 's' && between[n - 1] === 'm'),
    'at least once the new is followed by the old',
  )
  bench.clock.advance(50)
  t.strictSame([...new Set(await sizes())], ['m'])
})

t.test('each reply names the replica that served it', async (t) => {
  const bench = await open(t, { faults: { replicas: 3 } })
  const seen = new Set<string | null>()
  for (let n = 0; n < 60; n += 1) {
    seen.add((await bench.call('GET', '/v1/vms')).headers.get('x-served-by'))
  }
  t.strictSame([...seen].sort(), ['replica-0', 'replica-1', 'replica-2'])
})

t.test('writes are checked against the truth, not against a replica', async (t) => {
  const bench = await open(t, { faults: { lag_ms: 1_000 } })
  const id = await bench.make('networks', { name: 'n', cidr: '10.0.0.0/24' })
  t.equal((await bench.call('GET', `/v1/networks/${id}`)).status, 404)
  t.ok(await bench.make('vms', { name: 'a', size: 's', network: id }))
})

t.test('a longer lag does not make old resources disappear', async (t) => {
  const bench = await open(t)
  const id = await bench.make('vms', { name: 'a', size: 's' })
  await bench.call('PATCH', `/v1/vms/${id}`, { body: { size: 'm' } })
  await bench.faults({ lag_ms: 10_000 })
  t.equal((await bench.call('GET', `/v1/vms/${id}`)).body['size'], 'm')
})

t.test('pages neither shift nor repeat under inserts and deletes', async (t) => {
  const bench = await open(t)
  const ids: string[] = []
  for (let n = 0; n < 25; n += 1) ids.push(await bench.make('vms', { name: `v${n}`, size: 's' }))
  const seen: unknown[] = []
  let after = ''
  for (let page = 0; ; page += 1) {
    const reply = await bench.call('GET', `/v1/vms?limit=10${after}`)
    seen.push(...itemsOf(reply).map((item) => item['id']))
    const next = reply.body['next'] as string | null
    if (next === null) break
    after = `&after=${next}`
    ids.push(await bench.make('vms', { name: `late${page}`, size: 's' }))
    if (page === 0) await bench.call('DELETE', `/v1/vms/${String(ids[9])}`)
  }
  t.strictSame(seen, ids, 'each once, oldest first, the late ones at the end')
})
