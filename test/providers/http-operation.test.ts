import * as io from 'io-ts'
import t from 'tap'
import type { Json } from '../../src/domain/json.ts'
import type { HttpDeclaration } from '../../src/providers/http.ts'
import { httpProvider } from '../../src/providers/http.ts'
import { callOf, json, look, scriptedServer, type Scripted } from './support.ts'

const Spec = io.strict({ size: io.string })
type Spec = io.TypeOf<typeof Spec>

const vms = (base_url: string, over: Partial<HttpDeclaration<Spec>> = {}) =>
  httpProvider<Spec>({
    kind: 'vm',
    spec: Spec,
    base_url,
    create: { method: 'POST', path: '/v1/vms' },
    read: { path: '/v1/vms/{external_id}' },
    update: { method: 'PUT', path: '/v1/vms/{external_id}' },
    delete: { method: 'DELETE', path: '/v1/vms/{external_id}' },
    id: 'id',
    read_by_name: { path: '/v1/vms', query: { name: '{name}' }, items: 'vms' },
    operation: {
      id: 'operation.id',
      poll: { path: '/v1/operations/{operation}' },
      status: 'status',
      done: ['DONE'],
      failed: ['REFUSED'],
      unknown: ['BROKEN'],
      error: 'why',
      result: 'vm',
    },
    ...over,
  })

const answers =
  (by: Readonly<Record<string, Scripted['answer']>>): Scripted['answer'] =>
  (request, response, socket) =>
    (by[`${request.method} ${request.url}`] ?? json(500, { asked: request.url }))(
      request,
      response,
      socket,
    )

const call = (verb: string, over = {}) => callOf<Spec>(verb, { size: 'm' }, over)

t.test('a 202 names an operation, and is no success yet', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url)
  const create: typeof provider.create = (of) => provider.create(of)
  server.answer = json(202, { id: 'vm-7', operation: { id: 'op/1' } }, { 'retry-after': '2' })
  t.same(await create(call('create')), {
    type: 'accepted',
    operation: 'op/1',
    external_id: 'vm-7',
    poll_after_ms: 2_000,
  })
  server.answer = json(202, { id: 'vm-7' })
  await t.rejects(create(call('create')), /accepted, but no operation at operation.id/)
  server.answer = json(201, { id: 'vm-7', size: 'm' })
  t.match(await create(call('create')), { type: 'applied', external_id: 'vm-7' })
  const plain = vms(server.url, { operation: undefined as never })
  server.answer = json(202, { id: 'vm-7', size: 'm' })
  t.match(await plain.create(call('create')), { type: 'applied' }, 'where nothing is declared')
  t.equal('poll' in plain, false)
})

t.test('an operation is under way, done, failed, or gone to where nobody knows', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url)
  const poll = (of: Parameters<NonNullable<typeof provider.poll>>[0]) => provider.poll?.(of)
  const polled = (status: number, body: Json, headers = {}, verb = 'create') => {
    server.answer = answers({ 'GET /v1/operations/op%2F1': json(status, body, headers) })
    return poll({ ...call(verb), operation: 'op/1' })
  }
  t.same(await polled(200, { status: 'RUNNING' }), { type: 'accepted', operation: 'op/1' })
  t.same(await polled(200, { status: 'NEW' }, { 'retry-after': '7' }), {
    type: 'accepted',
    operation: 'op/1',
    poll_after_ms: 7_000,
  })
  t.match(await polled(200, { status: 'DONE', vm: { id: 'vm-9', size: 'l' } }), {
    type: 'applied',
    external_id: 'vm-9',
    state: { size: 'l' },
  })
  t.same(await polled(200, { status: 'DONE' }, {}, 'delete'), { type: 'applied', state: null })
  t.same(await polled(200, { status: 'REFUSED', why: 'no cores' }), {
    type: 'rejected',
    reason: 'operation op/1 is REFUSED: no cores',
  })
  t.same(await polled(200, { status: 'BROKEN' }), {
    type: 'unknown',
    reason: 'operation op/1 is BROKEN',
  })
  t.match(await polled(404, {}), { type: 'unknown', reason: /is not known any more/ })
  await t.rejects(Promise.resolve(polled(500, {})), /GET \/v1\/operations\/op%2F1: 500/)
  await t.rejects(Promise.resolve(polled(429, {})), { name: /Throttled|Error/ })
})

t.test('what it made is read where the operation does not show it', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url)
  const poll = (of: Parameters<NonNullable<typeof provider.poll>>[0]) => provider.poll?.(of)
  const done = { 'GET /v1/operations/op-1': json(200, { status: 'DONE' }) }
  server.answer = answers({
    ...done,
    'GET /v1/vms?name=web-1': json(200, { vms: [{ id: 'vm-3', name: 'web-1', size: 'm' }] }),
  })
  t.match(await poll({ ...call('create'), operation: 'op-1' }), {
    type: 'applied',
    external_id: 'vm-3',
  })
  server.answer = answers({ ...done, 'GET /v1/vms?name=web-1': json(200, { vms: [] }) })
  await t.rejects(
    Promise.resolve(poll({ ...call('create'), operation: 'op-1' })),
    /does not show yet/,
    'asked again: without its id nothing could be done with it',
  )
})

t.test('an operation may be a URL, of which only path and query count', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, { operation: { id: { header: 'Location' } } })
  server.answer = json(202, {}, { location: 'https://elsewhere.invalid/ops/1?v=2' })
  const begun = await provider.delete(call('delete', { external_id: 'vm-1' }))
  t.same(begun, { type: 'accepted', operation: '/ops/1?v=2' })
  const poll = () => provider.poll?.({ ...call('delete'), operation: '/ops/1?v=2' })
  server.answer = answers({ 'GET /ops/1?v=2': json(202, {}) })
  t.match(await poll(), { type: 'accepted' })
  server.answer = answers({ 'GET /ops/1?v=2': json(200, {}) })
  t.match(await poll(), { type: 'applied' })
  server.answer = answers({ 'GET /ops/1?v=2': json(303, {}, { location: '/v1/vms/vm-1' }) })
  t.match(await poll(), { type: 'applied' })
})

t.test('a declaration of operations that cannot work is refused when it is made', (t) => {
  const wrong: readonly (readonly [HttpDeclaration<Spec>['operation'], RegExp])[] = [
    [{ id: 'id', status: 'status' }, /nothing says which means done/],
    [{ id: 'id', poll: { path: '/operations' } }, /names no \{operation\}/],
    [
      { id: 'id', poll: { path: '/operations/{operation}/{nonsense}' } },
      /\{nonsense\} is no variable/,
    ],
  ]
  for (const [operation, message] of wrong) {
    t.throws(() => vms('http://127.0.0.1:9', { ...(operation && { operation }) }), message)
  }
  t.throws(() => vms('http://127.0.0.1:9', { read: { path: '/{operation}' } }), /is no variable/)
  t.end()
})

t.test('a list goes on at a page that it has named', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, {
    list: { path: '/v1/vms', items: 'vms', next: { cursor: 'next', query: 'page' } },
  })
  const page = (id: string, next?: string) =>
    json(200, {
      vms: [{ id, name: `n-${id}`, size: 's' }],
      ...(next === undefined ? {} : { next }),
    })
  server.answer = answers({
    'GET /v1/vms': page('a', '2'),
    'GET /v1/vms?page=2': page('b', '3'),
    'GET /v1/vms?page=3': page('c'),
  })
  let turns = 0
  const turn = (): Promise<void> => {
    turns += 1
    return Promise.resolve()
  }
  const seen: unknown[] = []
  for await (const item of provider.list?.({ ...look(), turn }) ?? [])
    seen.push([item.name, item.page])
  t.same(seen, [
    ['n-a', undefined],
    ['n-b', '2'],
    ['n-c', '3'],
  ])
  t.equal(turns, 2)
  const rest: string[] = []
  for await (const { name } of provider.list?.({ ...look(), from: '3' }) ?? []) rest.push(name)
  t.same(rest, ['n-c'])
})
