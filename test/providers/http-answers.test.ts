import * as io from 'io-ts'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { ForewordError } from '../../src/domain/errors.ts'
import type { Json } from '../../src/domain/json.ts'
import { httpProvider, type HttpDeclaration } from '../../src/providers/http.ts'
import { retryAfter, verdictOf } from '../../src/providers/http-verdict.ts'
import { closeConnections } from '../../src/providers/transport.ts'
import { callOf, json, look, scriptedServer } from './support.ts'

const Vm = io.intersection([io.type({ size: io.string }), io.partial({ zone: io.string })])
type Vm = io.TypeOf<typeof Vm>

const vms = (base_url: string, over: Partial<HttpDeclaration<Vm>> = {}) =>
  httpProvider<Vm>({
    kind: 'vm',
    spec: Vm,
    base_url,
    create: { method: 'POST', path: '/v1/vms' },
    read: { path: '/v1/vms/{external_id}' },
    update: { method: 'PUT', path: '/v1/vms/{external_id}' },
    delete: { method: 'DELETE', path: '/v1/vms/{external_id}' },
    id: 'id',
    ...over,
  })

t.test('a status says what happened', async (t) => {
  const of = (verb: string, status: number, rules = {}) =>
    verdictOf({ verb, status, code: undefined }, rules)
  for (const status of [200, 201, 202, 204]) t.equal(of('create', status), 'applied')
  for (const status of [400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422]) {
    t.equal(of('update', status), 'rejected', `update ${status}`)
  }
  for (const status of [100, 301, 302, 303, 307, 308, 408, 425, 500, 501, 502, 503, 504, 599]) {
    t.equal(of('create', status), 'unknown', `create ${status}`)
    t.equal(of('delete', status), 'unknown', `delete ${status}`)
  }
  t.equal(of('delete', 404), 'gone')
  t.equal(of('delete', 410), 'gone')
  t.equal(of('create', 429), 'retry')
  t.equal(of('create', 503, { not_done: [503] }), 'retry')
  t.equal(of('create', 409, { statuses: { 409: 'applied' } }), 'applied')
})

t.test(
  'a declared code is more than a status, and a declared status more than the default',
  async (t) => {
    const rules = {
      statuses: { 409: 'retry' },
      codes: { taken: 'rejected', busy: 'unknown' },
    } as const
    const of = (code: string | undefined) => verdictOf({ verb: 'create', status: 409, code }, rules)
    t.equal(of('taken'), 'rejected')
    t.equal(of('busy'), 'unknown')
    t.equal(of('other'), 'retry')
    t.equal(of(undefined), 'retry')
    t.equal(verdictOf({ verb: 'create', status: 201, code: 'taken' }, rules), 'applied')
  },
)

t.test('Retry-After is seconds or a date, and one second without it', async (t) => {
  const now = new Date('2026-01-01T00:00:00Z')
  const of = (headers: Record<string, string>) => retryAfter({ headers }, now)
  t.equal(of({}), 1_000)
  t.equal(of({ 'retry-after': 'soon' }), 1_000)
  t.equal(of({ 'retry-after': '0' }), 0)
  t.equal(of({ 'retry-after': '7' }), 7_000)
  t.equal(of({ 'retry-after': '1.5' }), 1_500)
  t.equal(of({ 'retry-after': '99999999' }), 3_600_000)
  t.equal(of({ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }), 30_000)
  t.equal(of({ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }), 0, 'a date that has passed')
  const date = 'Thu, 01 Jan 2026 01:00:00 GMT'
  t.equal(
    of({ 'retry-after': 'Thu, 01 Jan 2026 01:00:05 GMT', date }),
    5_000,
    'a clock that is ahead',
  )
})

t.test('a refusal tells status, code and message, and for how long', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, { not_done: [503] })
  const create = callOf('create', { size: 's' })
  server.answer = json(403, { error: { code: 'quota_exceeded', message: 'no cores left' } })
  const outcome = await provider.create(create)
  t.same(outcome, {
    type: 'rejected',
    reason: 'POST /v1/vms: 403 quota_exceeded: no cores left',
  })
  server.answer = json(429, {}, { 'retry-after': '4' })
  t.match(await provider.create(create), { type: 'rejected', retry_after_ms: 4_000 })
  server.answer = json(503, {}, { 'retry-after': '5' })
  t.match(await provider.create(create), { type: 'rejected', retry_after_ms: 5_000 })
  server.answer = (_request, response) => response.writeHead(422).end('\u001b[31mnonsense\n')
  t.match(await provider.create(create), { reason: 'POST /v1/vms: 422:  [31mnonsense ' })
})

t.test('the state is what was asked for, overlaid with what the answer shows', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url)
  const create = callOf<Vm>('create', { size: 's' })
  server.answer = json(202, { id: 'a' })
  t.match(await provider.create(create), { state: { size: 's' }, external_id: 'a' })
  server.answer = json(202, { id: 'a', size: 'small', zone: 'z1', other: 1 })
  t.same(((await provider.create(create)) as { state: unknown }).state, {
    size: 'small',
    zone: 'z1',
  })
  server.answer = json(202, { id: 'a', size: 7, zone: null })
  t.match(
    await provider.create(create),
    { state: { size: 's' } },
    'an odd picture of a sure effect',
  )
  server.answer = json(202, { id: 'a', size: 's', zone: null })
  t.same(((await provider.create(create)) as { state: unknown }).state, { size: 's' })
  server.answer = (_request, response) => response.writeHead(204).end()
  const update = callOf<Vm>('update', { size: 'm' }, { external_id: 'a' })
  t.match(await provider.update(update), { state: { size: 'm' }, external_id: 'a' })
  t.match(await provider.delete({ ...update, verb: 'delete' }), { state: null })
})

t.test('what was done and is gone since was done; by its status alone only a create', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, { codes: { gone_since: 'gone' }, statuses: { 419: 'gone' } })
  server.answer = json(404, { error: { code: 'not_found' } })
  const over = { external_id: 'a' }
  t.match(await provider.delete(callOf('delete', { size: 's' }, over)), { type: 'applied' })
  t.match(await provider.update(callOf('update', { size: 's' }, over)), { type: 'rejected' })
  server.answer = json(409, { error: { code: 'gone_since' } })
  const gone = { type: 'applied', gone: true }
  t.match(await provider.create(callOf('create', { size: 's' })), gone)
  t.match(await provider.update(callOf('update', { size: 's' }, over)), gone)
  t.notHas(await provider.delete(callOf('delete', { size: 's' }, over)), { gone: true })
  server.answer = json(419, { error: { code: 'something' } })
  t.match(await provider.create(callOf('create', { size: 's' })), gone)
  await t.rejects(provider.update(callOf('update', { size: 's' }, over)), /something/)
})

t.test('a read tells nothing but what the answer says', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, {
    outputs: { address: 'net.0.addr' },
    revision: 'etag',
    ready: { path: 'status', pending: ['BUILD'], failed: ['ERROR'], gone: ['TERMINATED'] },
    codes: { no_such_path: 'rejected' },
  })
  const read = () => provider.read(look({ external_id: 'a' }))
  const shown = (status: string) => ({ id: 'a', size: 's', status, etag: 4, net: [{ addr: 'x' }] })
  for (const [status, condition] of [
    ['BUILD', 'pending'],
    ['ACTIVE', 'ready'],
    ['ERROR', 'failed'],
  ]) {
    server.answer = json(200, shown(status ?? ''))
    t.same(await read(), {
      state: { size: 's' },
      external_id: 'a',
      outputs: { address: 'x' },
      revision: '4',
      condition,
    })
  }
  server.answer = json(200, shown('TERMINATED'))
  t.equal(await read(), null)
  for (const status of [404, 410]) {
    server.answer = json(status, {})
    t.equal(await read(), null)
  }
  const cannot_tell = [
    json(404, { error: { code: 'no_such_path' } }),
    json(500, {}),
    json(403, {}),
    json(429, {}),
    json(200, []),
    json(200, { id: 'a', size: 5 }),
    json(200, { size: 's' }),
    json(301, {}),
  ]
  for (const answer of cannot_tell) {
    server.answer = answer
    await t.rejects(read())
  }
})

t.test('without an id a resource is looked up by its name, on every page', async (t) => {
  await using server = await scriptedServer()
  const list = { path: '/v1/vms', items: 'vms', next: { cursor: 'next', query: 'page' } }
  const provider = vms(server.url, { list })
  const pages: Record<
    string,
    { vms: { id: string; name: string; size: string }[]; next?: string }
  > = {
    '/v1/vms': { vms: [{ id: 'a', name: 'other', size: 's' }], next: 'p 2' },
    '/v1/vms?page=p+2': { vms: [{ id: 'b', name: 'web-1', size: 'm' }] },
  }
  server.answer = (request, response, socket) =>
    json(200, pages[request.url] ?? {})(request, response, socket)
  t.match(await provider.read(look()), { external_id: 'b', state: { size: 'm' } })
  t.equal(await provider.read(look({ name: 'nobody' })), null)
  const names = []
  for await (const { name } of provider.list?.(look()) ?? []) names.push(name)
  t.same(names, ['other', 'web-1'])
  pages['/v1/vms?page=p+2']?.vms.push({ id: 'c', name: 'web-1', size: 's' })
  await t.rejects(provider.read(look()), /vm\/web-1 is ambiguous: 2 of them, ids b, c/)
  pages['/v1/vms?page=p+2'] = { vms: [], next: 'p 2' }
  await t.rejects(provider.read(look()), /circle/)
  await t.rejects(vms(server.url).read(look()), /its id is not known/)
})

t.test('the next page is asked of the declared origin only', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, {
    list: { path: '/v1/vms', items: 'vms', next: { url: 'next' } },
  })
  server.answer = json(200, { vms: [], next: 'http://evil.invalid/v1/vms?page=2' })
  await t.rejects(provider.read(look()), /circle/)
  t.same(
    server.received.map(({ url }) => url),
    ['/v1/vms', '/v1/vms?page=2'],
  )
})

t.test('an item whose key is another is not the effect of this call', async (t) => {
  await using server = await scriptedServer()
  const find = {
    path: '/v1/vms',
    query: { key: '{idempotency_key}' },
    items: 'vms',
    key: 'tags.key',
  }
  const provider = vms(server.url, { find })
  const vm = (id: string, key: string) => ({ id, size: 's', tags: { key } })
  const found = () => provider.find?.(callOf('create', { size: 's' }))
  server.answer = json(200, { vms: [vm('a', 'another')] })
  t.equal(await found(), null, 'the API ignores the filter')
  server.answer = json(200, { vms: [vm('a', 'another'), vm('b', 'key-1')] })
  t.match(await found(), { external_id: 'b' })
  t.equal(server.received[1]?.url, '/v1/vms?key=key-1')
  server.answer = json(200, { vms: [vm('a', 'key-1'), vm('b', 'key-1')] })
  await t.rejects(async () => found(), /ambiguous/)
  server.answer = json(200, { something: 'else' })
  await t.rejects(async () => found(), /no list at vms/)
})

t.test("a wrapped resource and a body of one's own", async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, {
    item: 'server',
    state: { size: 'flavor.name' },
    create: {
      method: 'POST',
      path: '/servers',
      body: ({ name, spec }) => ({ server: { name, flavorRef: spec.size } }),
    },
  })
  server.answer = json(202, { server: { id: 'a', flavor: { name: 's' } } })
  t.match(await provider.create(callOf('create', { size: 's' })), {
    external_id: 'a',
    state: { size: 's' },
  })
  t.equal(server.received[0]?.body, '{"server":{"name":"web-1","flavorRef":"s"}}')
})

t.test('an id has all of its digits, as a number too; an empty one is none', async (t) => {
  await using server = await scriptedServer()
  const text = (body: string) => {
    server.answer = (_, response) => response.end(body)
  }
  const provider = vms(server.url, { outputs: ['net', 'load'], read_by_name: { path: '/v1/vms' } })
  const of = (id: string) =>
    `{"id":${id},"size":"s","net":90071992547409931,"load":0.5,"name":"web-1"}`
  for (const id of ['9007199254740993', '-9007199254740993', '0', '123456789012345678901']) {
    text(of(id))
    const seen = { external_id: id, outputs: { net: '90071992547409931', load: 0.5 } }
    t.match(await provider.create(callOf('create', { size: 's' })), seen)
    t.match(await provider.read(look({ external_id: id })), seen)
    text(`[${of(id)}]`)
    t.match(await provider.read(look()), seen)
    t.equal(server.received.at(-1)?.url, '/v1/vms')
    text('')
    await provider.delete(callOf('delete', { size: 's' }, { external_id: id }))
    t.equal(server.received.at(-1)?.url, `/v1/vms/${id}`)
  }
  text('{"id":"","size":"s"}')
  await t.rejects(provider.create(callOf('create', { size: 's' })), /without an id at id/)
})

t.test('an answer that is packed, or in an older script, is read as what it says', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url)
  const text = JSON.stringify({ id: 'ü', size: 'größe' })
  const send = (headers: Record<string, string>, body: Buffer | string) => {
    server.answer = (_, response) => response.writeHead(200, headers).end(body)
  }
  const create = () => provider.create(callOf('create', { size: 'größe' }))
  const seen = { external_id: 'ü', state: { size: 'größe' } }
  const packed: Readonly<Record<string, Buffer>> = {
    gzip: gzipSync(text),
    'X-GZIP': gzipSync(text),
    deflate: deflateSync(text),
    br: brotliCompressSync(text),
    identity: Buffer.from(text),
    'gzip, br': brotliCompressSync(gzipSync(text)),
  }
  for (const [encoding, body] of Object.entries(packed)) {
    send({ 'content-encoding': encoding }, body)
    t.match(await create(), seen, encoding)
  }
  send({ 'content-encoding': 'deflate' }, deflateRawSync(text))
  t.match(await create(), seen, 'deflate without its head')
  send({ 'content-type': 'application/json; charset="ISO-8859-1"' }, Buffer.from(text, 'latin1'))
  t.match(await create(), seen, 'latin1')
  send({ 'content-type': 'application/json; charset=none-such' }, text)
  t.match(await create(), seen, 'a charset that is none')
  send({}, `\ufeff${text}`)
  t.match(await create(), seen, 'a mark of byte order')
  send({ 'content-encoding': 'gzip' }, '')
  t.match(await provider.delete(callOf('delete', { size: 's' }, { external_id: 'a' })), {
    type: 'applied',
  })
})

t.test('what cannot be unpacked is unknown, and a bomb is not unpacked', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, { body_bytes_max: 1_000 })
  const bomb = gzipSync(Buffer.alloc(200_000, ' '))
  t.ok(bomb.length < 1_000)
  for (const [encoding, body] of [
    ['gzip', bomb],
    ['gzip', Buffer.from('{"id":"a"}')],
    ['constructor', Buffer.from('{"id":"a"}')],
  ] as const) {
    server.answer = (_, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(body)
    await t.rejects(provider.create(callOf('create', { size: 's' })), {
      name: 'OutcomeUnknown',
      message: /cannot be read/,
    })
  }
})

t.test(
  'a status that is no text counts as its text; a list that is null has nothing in it',
  async (t) => {
    await using server = await scriptedServer()
    const of = async (path: string, body: Record<string, Json>) => {
      server.answer = json(200, { id: 'a', size: 's', ...body })
      const ready = { path, pending: ['false', '2', 'null'], failed: ['9'] }
      return (await vms(server.url, { ready }).read(look({ external_id: 'a' })))?.condition
    }
    t.equal(await of('up', { up: false }), 'pending')
    t.equal(await of('up', { up: true }), 'ready')
    t.equal(await of('up', { up: null }), 'pending')
    t.equal(await of('up', {}), 'ready')
    t.equal(await of('code', { code: 2 }), 'pending')
    t.equal(await of('code', { code: 9 }), 'failed')
    server.answer = json(200, { vms: null })
    const list = { path: '/v1/vms', items: 'vms' }
    const find = { ...list, key: 'key' }
    const provider = vms(server.url, { list, find, traits: { idempotency: 'lookup' } })
    t.equal(await provider.read(look()), null)
    t.equal(await provider.find?.(callOf('create', { size: 's' })), null)
  },
)

t.test('a kind without update rejects one', async (t) => {
  const { update: _, ...declaration } = {
    kind: 'key',
    spec: Vm,
    base_url: 'http://unused.invalid',
    create: { method: 'POST', path: '/keys' },
    read: { path: '/keys/{name}' },
    delete: { method: 'DELETE', path: '/keys/{name}' },
    update: undefined,
  }
  const outcome = await httpProvider<Vm>(declaration).update(callOf('update', { size: 's' }))
  t.match(outcome, { type: 'rejected', reason: 'a key cannot be changed' })
})

t.test('a declaration that cannot work is refused at once, with its place', async (t) => {
  const wrong: readonly Partial<HttpDeclaration<Vm>>[] = [
    { base_url: 'ftp://x' },
    { base_url: 'nonsense' },
    { create: { method: 'POST', path: '/v1/{nmae}' } },
    { create: { method: 'POST', path: 'v1' } },
    { read: { path: '/v1/vms?id={external_id}' } },
    { headers: { 'x-account': '{account}' } },
    { traits: { idempotency: 'lookup' } },
    { traits: { idempotency: 'token' } },
    { spec: io.unknown as unknown as io.Type<Vm, never> },
    { calls: { update: { method: 'POST', path: '/x' } } },
  ]
  for (const over of wrong) {
    t.throws(() => vms('http://127.0.0.1', over), ForewordError, JSON.stringify(over))
  }
})

t.teardown(closeConnections)
