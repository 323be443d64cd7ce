import t from 'tap'
import { codeOf, open } from './harness.ts'

t.test('a repeated POST makes a second vm: names are not unique', async (t) => {
  const bench = await open(t)
  const body = { name: 'web', size: 's' }
  const [one, two] = [await bench.make('vms', body), await bench.make('vms', body)]
  t.not(one, two)
  t.strictSame(await bench.names('/v1/vms?name=web'), ['web', 'web'])
})

t.test('a dns record is unique by name and type', async (t) => {
  const bench = await open(t)
  const body = { name: 'www.example.org', type: 'A', records: ['192.0.2.1'] }
  const id = await bench.make('dns_records', body)
  const again = await bench.call('POST', '/v1/dns_records', { body })
  t.strictSame([again.status, codeOf(again)], [409, 'exists'])
  t.ok(await bench.make('dns_records', { ...body, type: 'AAAA', records: ['2001:db8::1'] }))
  t.equal((await bench.call('DELETE', `/v1/dns_records/${id}`)).status, 204)
  t.ok(await bench.make('dns_records', body), 'free again after a delete')
})

t.test('a vm is BUILD, then ACTIVE; DELETING, then gone', async (t) => {
  const bench = await open(t, { faults: { build_ms: 100, delete_ms: 50 } })
  const made = await bench.call('POST', '/v1/vms', { body: { name: 'a', size: 's' } })
  t.match([made.status, made.body], [201, { status: 'BUILD' }])
  const path = `/v1/vms/${String(made.body['id'])}`
  const status = async () => (await bench.call('GET', path)).body['status']
  t.equal(codeOf(await bench.call('POST', `${path}/reboot`)), 'not_ready')
  bench.clock.advance(100)
  t.equal(await status(), 'ACTIVE')
  t.match((await bench.call('POST', `${path}/reboot`)).body, { reboots: 1 })
  t.equal((await bench.call('DELETE', path)).status, 204)
  t.equal(await status(), 'DELETING')
  t.equal((await bench.call('DELETE', path)).status, 204, 'asked again: no second effect')
  t.equal(codeOf(await bench.call('PATCH', path, { body: { size: 'm' } })), 'deleting')
  bench.clock.advance(50)
  t.equal(codeOf(await bench.call('GET', path)), 'not_found')
  t.equal(codeOf(await bench.call('DELETE', path)), 'not_found')
  const verbs = (await bench.ledger()).map(({ verb }) => verb)
  t.strictSame(verbs, ['create', 'reboot', 'delete'])
})

t.test('a build can fail for good', async (t) => {
  const bench = await open(t, { faults: { build_ms: 10, build_error: 1 } })
  const id = await bench.make('vms', { name: 'a', size: 's' })
  bench.clock.advance(10)
  t.equal((await bench.call('GET', `/v1/vms/${id}`)).body['status'], 'ERROR')
})

t.test(
  'PATCH changes what it names, PUT falls back to defaults, tags stay unless given',
  async (t) => {
    const bench = await open(t)
    const network = await bench.make('networks', { name: 'n', cidr: '10.0.0.0/24' })
    const tags = { role: 'web' }
    const path = `/v1/vms/${await bench.make('vms', { name: 'a', size: 's', network, tags })}`
    const patched = await bench.call('PATCH', path, { body: { size: 'm' } })
    t.match(patched.body, { size: 'm', network, tags, revision: 2 })
    const put = await bench.call('PUT', path, { body: { size: 'l' } })
    t.match(put.body, { size: 'l', network: null, tags, revision: 3 })
    t.equal(codeOf(await bench.call('PUT', path, { body: {} })), 'invalid', 'size is required')
  },
)

t.test('an intent is stored on what it wrote and found there', async (t) => {
  const bench = await open(t)
  const id = await bench.make('vms', { name: 'a', size: 's' }, { 'x-intent': 'k1' })
  t.strictSame(await bench.names('/v1/vms?intent=k1'), ['a'])
  await bench.call('PATCH', `/v1/vms/${id}`, { body: { size: 'm' } })
  t.strictSame(await bench.names('/v1/vms?intent=k1'), ['a'], 'a write without one leaves it')
  const written = await bench.call('PATCH', `/v1/vms/${id}`, {
    body: { tags: { role: 'web' } },
    headers: { 'x-intent': 'k2' },
  })
  t.match(written.body, { last_intent: 'k2', tags: { role: 'web', intent: 'k2' } })
  t.strictSame(await bench.names('/v1/vms?intent=k1'), [])
  await bench.make('vms', { name: 'b', size: 's', tags: { intent: 'k3' } })
  t.strictSame(await bench.names('/v1/vms?intent=k3'), ['b'], 'as a tag of the body, too')
})

t.test('an ip has an address of its own; a vm takes it by id or by address', async (t) => {
  const bench = await open(t)
  const ip = await bench.call('POST', '/v1/ips', { body: { name: 'web' } })
  const { id, address } = ip.body
  t.match(String(address), /^100\.64\.\d+\.\d+$/)
  const other = await bench.call('POST', '/v1/ips', { body: { name: 'web' } })
  t.not(other.body['address'], address)
  const vm = await bench.call('POST', '/v1/vms', { body: { name: 'a', size: 's', address } })
  t.match([vm.status, vm.body], [201, { ip: address, address }])
  const second = await bench.call('POST', '/v1/vms', { body: { name: 'b', size: 's', ip: id } })
  t.equal(codeOf(second), 'in_use')
  t.equal(codeOf(await bench.call('DELETE', `/v1/ips/${String(id)}`)), 'in_use')
  const path = `/v1/vms/${String(vm.body['id'])}`
  t.match((await bench.call('PATCH', path, { body: { ip: null } })).body, { address: null })
  t.equal((await bench.call('DELETE', `/v1/ips/${String(id)}`)).status, 204)
})

t.test(
  'a network in use cannot be deleted, a network that is not there cannot be used',
  async (t) => {
    const bench = await open(t)
    const network = await bench.make('networks', { name: 'n', cidr: '10.0.0.0/24' })
    const vm = await bench.make('vms', { name: 'a', size: 's', network })
    t.equal(codeOf(await bench.call('DELETE', `/v1/networks/${network}`)), 'in_use')
    await bench.call('DELETE', `/v1/vms/${vm}`)
    t.equal((await bench.call('DELETE', `/v1/networks/${network}`)).status, 204)
    const late = await bench.call('POST', '/v1/vms', { body: { name: 'a', size: 's', network } })
    t.strictSame([late.status, codeOf(late)], [422, 'unknown_reference'])
  },
)

t.test('a bad request is refused with its field, and leaves nothing', async (t) => {
  const bench = await open(t)
  const wrong: readonly (readonly [string, unknown, number, string | undefined])[] = [
    ['vms', { size: 's' }, 422, 'name'],
    ['vms', { name: 'a' }, 422, 'size'],
    ['vms', { name: 'a', size: 'xl' }, 422, 'size'],
    ['vms', { name: 'a\nb', size: 's' }, 422, 'name'],
    ['vms', { name: 'a', size: 's', colour: 'red' }, 422, 'colour'],
    ['vms', { name: 'a', size: 's', tags: { role: 1 } }, 422, 'tags.role'],
    ['vms', { name: 'a', size: 's', __proto__: null, constructor: 1 }, 422, 'constructor'],
    ['networks', { name: 'a', cidr: '10.0.0.0/33' }, 422, 'cidr'],
    ['dns_records', { name: 'a', type: 'A', records: ['x'] }, 422, 'records'],
    ['dns_records', { name: 'a', type: 'A', ttl: -1, records: ['192.0.2.1'] }, 422, 'ttl'],
    ['vms', [], 400, undefined],
    ['vms', '{', 400, undefined],
    ['vms', { name: 'a', size: 's', tags: { long: 'x'.repeat(70_000) } }, 413, undefined],
  ]
  for (const [kind, body, status, field] of wrong) {
    const reply = await bench.call('POST', `/v1/${kind}`, { body })
    t.equal(reply.status, status, JSON.stringify(body).slice(0, 80))
    t.equal((reply.body['error'] as Record<string, unknown>)['field'], field)
  }
  t.strictSame(await bench.ledger(), [])
})

t.test('what identifies a resource cannot be changed', async (t) => {
  const bench = await open(t)
  const network = await bench.make('networks', { name: 'n', cidr: '10.0.0.0/24' })
  const body = { cidr: '10.1.0.0/24' }
  t.equal(codeOf(await bench.call('PATCH', `/v1/networks/${network}`, { body })), 'immutable')
  const record = { name: 'a', type: 'TXT', records: ['x'] }
  const path = `/v1/dns_records/${await bench.make('dns_records', record)}`
  t.equal(codeOf(await bench.call('PATCH', path, { body: { name: 'b' } })), 'immutable')
  t.equal((await bench.call('PUT', path, { body: { name: 'a', records: ['y'] } })).status, 200)
})

t.test('a wrong path or filter does not look like an absent resource', async (t) => {
  const bench = await open(t)
  t.equal(codeOf(await bench.call('GET', '/v1/disks/d-1')), 'no_such_path')
  t.equal(codeOf(await bench.call('GET', '/v2/vms')), 'no_such_path')
  t.equal(codeOf(await bench.call('GET', '/v1/vms/vm-1')), 'not_found')
  for (const query of ['nam=a', 'tag=role', 'limit=0', 'after=x']) {
    t.equal((await bench.call('GET', `/v1/vms?${query}`)).status, 400, query)
  }
})

t.test('accounts do not see each other', async (t) => {
  const bench = await open(t)
  const headers = { 'x-account': 'acme/prod' }
  const id = await bench.make('vms', { name: 'a', size: 's' }, headers)
  t.equal((await bench.call('GET', `/v1/vms/${id}`)).status, 404)
  t.equal((await bench.call('DELETE', `/v1/vms/${id}`)).status, 404)
  t.equal((await bench.call('GET', `/v1/vms/${id}`, { headers })).status, 200)
})

t.test('an older generation is refused where generations are on', async (t) => {
  const bench = await open(t, { faults: { generations: true } })
  const id = await bench.make('vms', { name: 'a', size: 's' }, { 'x-generation': '3' })
  const write = (generation: string, size: string) =>
    bench.call('PATCH', `/v1/vms/${id}`, {
      body: { size },
      headers: { 'x-generation': generation },
    })
  t.strictSame(codeOf(await write('2', 'l')), 'stale_generation')
  t.equal((await write('3', 'm')).status, 200, 'the same again is not older')
  t.equal((await write('5', 'l')).status, 200)
  t.equal((await write('4', 's')).status, 412)
  t.equal((await write('x', 's')).status, 400)
  await bench.faults({ generations: false })
  t.match((await write('4', 's')).body, { size: 's', generation: 5 })
})
