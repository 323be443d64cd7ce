import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import * as io from 'io-ts'
import t from 'tap'
import { within } from '../../src/domain/within.ts'
import { isOver, setDeadline } from '../../src/domain/deadline.ts'
import { NotSent } from '../../src/domain/provider.ts'
import { httpProvider, type HttpDeclaration } from '../../src/providers/http.ts'
import { closeConnections } from '../../src/providers/transport.ts'
import { callOf, deadUrl, json, look, scriptedServer } from './support.ts'

const Vm = io.type({ size: io.string })
type Vm = io.TypeOf<typeof Vm>
const token = { secret: 'env', name: 'TOKEN' } as const

const vms = (base_url: string, over: Partial<HttpDeclaration<Vm>> = {}) =>
  httpProvider<Vm>({
    kind: 'vm',
    spec: Vm,
    base_url,
    headers: { authorization: ['Bearer ', token], 'x-account': '{scope}' },
    idempotency: { header: 'Idempotency-Key' },
    generation: { header: 'X-Generation' },
    create: { method: 'POST', path: '/v1/vms' },
    read: { path: '/v1/vms/{external_id}' },
    update: { method: 'PUT', path: '/v1/vms/{external_id}' },
    delete: { method: 'DELETE', path: '/v1/vms/{external_id}' },
    id: 'id',
    ...over,
  })

const thrown = async (promise: Promise<unknown>): Promise<Error> => {
  const error: unknown = await promise.then(
    () => new TypeError('it answered'),
    (e: unknown) => e,
  )
  return error as Error
}

const create = () => callOf('create', { size: 's' })

t.test('a call carries its key, its generation, its scope and its secret', async (t) => {
  await using server = await scriptedServer()
  server.answer = json(201, { id: 7, size: 's' })
  const outcome = await vms(server.url).create(create())
  t.match(outcome, { type: 'applied', external_id: '7', state: { size: 's' } })
  t.match(server.received, [
    {
      method: 'POST',
      url: '/v1/vms',
      headers: {
        authorization: 'Bearer s3cret-of-TOKEN',
        'x-account': 'acme/prod',
        'idempotency-key': 'key-1',
        'x-generation': '3',
      },
      body: '{"name":"web-1","size":"s"}',
    },
  ])
  server.answer = json(200, { id: 7, size: 's' })
  await vms(server.url).read(look({ external_id: '7' }))
  t.notOk(server.received[1]?.headers['idempotency-key'], 'a look has no key')
})

t.test('what no byte was sent of is NotSent', async (t) => {
  const urls = [await deadUrl(), 'http://no-such-host.invalid']
  for (const url of urls) {
    const error = await thrown(vms(url).create(create()))
    t.ok(error instanceof NotSent, `${url}: ${error.message}`)
  }
  const aborted = create()
  await t.rejects(vms(urls[0] ?? '').create({ ...aborted, signal: AbortSignal.abort() }), NotSent)
})

t.test(
  'a call whose time is up is not sent, though its signal has had no time to say so',
  async (t) => {
    await using server = await scriptedServer()
    server.answer = json(201, { id: 7, size: 's' })
    const { signal } = new AbortController()
    setDeadline(signal, () => true)
    const error = await thrown(vms(server.url).create({ ...create(), signal }))
    t.ok(error instanceof NotSent, error.message)
    t.match(error.message, /its time was up before it was sent/)
    await vms(server.url).create(create())
    t.equal(server.received.length, 1, 'its connection goes on with the next one')
  },
)

t.test(
  'a process that was stopped knows that the time is up before any timer says so',
  async (t) => {
    const { told, aborted } = await within(20, async (signal) => {
      const woken = performance.now() + 40
      while (performance.now() < woken);
      return { told: isOver(signal), aborted: signal.aborted }
    })
    t.ok(told)
    t.notOk(aborted)
  },
)

t.test(
  'an answer that came while the process stood still is read, though its time is up',
  async (t) => {
    await using server = await scriptedServer()
    const until = performance.now() + 2_000
    let awake = 0
    server.answer = (...asked) => {
      json(201, { id: 7, size: 's' })(...asked)
      // Written by then, and nobody has looked for it yet: timers come before sockets.
      setImmediate(() => {
        while (performance.now() < until + 100);
        awake = performance.now()
      })
    }
    const outcome = await within(2_000, (signal) => vms(server.url).create({ ...create(), signal }))
    t.match(outcome, { type: 'applied', external_id: '7' })
    t.ok(awake > until, 'it stood still until its time was up')
  },
)

t.test(
  'a call that is aborted while it waits for a connection is NotSent, and is never sent',
  async (t) => {
    await using server = await scriptedServer()
    const held: (() => void)[] = []
    server.answer = (request, response, socket) => {
      held.push(() => json(201, { id: 1, size: 's' })(request, response, socket))
    }
    const provider = vms(server.url, { connections: 1 })
    const first = provider.create(create())
    const abort = new AbortController()
    const second = thrown(provider.create({ ...create(), signal: abort.signal }))
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    t.ok((await second) instanceof NotSent)
    held[0]?.()
    t.match(await first, { type: 'applied' })
    server.answer = json(201, { id: 2, size: 's' })
    await provider.create(create())
    t.equal(server.received.length, 2)
  },
)

t.test('what may have been done is thrown, and is not NotSent', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, { body_bytes_max: 1_000 })
  const lost: Record<string, (typeof server)['answer']> = {
    'the connection is cut': (_request, _response, socket) => socket.destroy(),
    'it is reset': (_request, _response, socket) => socket.resetAndDestroy(),
    'the body is cut': (_request, response, socket) => {
      response.writeHead(201, { 'content-length': 100 })
      response.write('{"id": 1', () => socket.destroy())
    },
    'the body is no JSON': (_request, response) =>
      response.writeHead(201).end('<html>created</html>'),
    'the body has no id': json(201, { size: 's' }),
    'the body is empty, and has no id': (_request, response) => response.writeHead(201).end(),
    'the body is too large': json(201, { id: 1, size: 'x'.repeat(2_000) }),
    'a server error': json(500, { error: { code: 'internal', message: 'sorry' } }),
    'a gateway that timed out': json(504, {}),
    'a redirect': json(307, {}, { location: '/v2/vms' }),
    'a request timeout': json(408, {}),
    'a 503 that promises nothing': json(503, {}, { 'retry-after': '1' }),
  }
  for (const [what, answer] of Object.entries(lost)) {
    server.answer = answer
    const before = server.received.length
    const error = await thrown(provider.create(create()))
    t.ok(
      error instanceof Error && !(error instanceof NotSent || error instanceof TypeError),
      `${what}: ${error.message}`,
    )
    t.equal(server.received.length, before + 1, 'it was sent once')
  }
})

t.test('a success that is no JSON is unknown, also where the id is known', async (t) => {
  await using server = await scriptedServer()
  server.answer = (_request, response) => response.writeHead(200).end('<html>please log in</html>')
  const known = { external_id: '7' }
  await t.rejects(vms(server.url).update(callOf('update', { size: 's' }, known)), /no JSON/)
  await t.rejects(vms(server.url).delete(callOf('delete', { size: 's' }, known)), /no JSON/)
})

t.test('a call that is aborted while it waits for its answer is unknown', async (t) => {
  await using server = await scriptedServer()
  const abort = new AbortController()
  server.answer = () => abort.abort()
  const error = await thrown(vms(server.url).create({ ...create(), signal: abort.signal }))
  t.notOk(error instanceof NotSent)
  t.match(error.message, /aborted while waiting/)
})

t.test('a call that gets no answer ends by its own timeout, should no signal come', async (t) => {
  await using server = await scriptedServer()
  server.answer = () => undefined
  const provider = vms(server.url, { traits: { call_timeout_ms: 50 } })
  const error = await thrown(provider.create({ ...create(), signal: new AbortController().signal }))
  t.notOk(error instanceof NotSent)
  t.match(error.message, /UND_ERR_HEADERS_TIMEOUT/)
})

t.test('a request whose kept connection closes under it is not repeated', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'GET']) {
    await using server = await scriptedServer()
    const provider = vms(server.url, { create: { method, path: '/v1/vms', body: 'none' } })
    server.answer = json(201, { id: 1, size: 's' })
    await provider.create(create())
    server.answer = (_request, _response, socket) => socket.destroy()
    const error = await thrown(provider.create(create()))
    t.notOk(error instanceof NotSent, method)
    t.equal(server.received.length, 2, `${method} came twice in all`)
  }
})

t.test('a connection that was closed while idle is opened anew', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url)
  server.answer = (request, response, socket) => {
    json(201, { id: 1, size: 's' })(request, response, socket)
    response.on('finish', () => socket.end())
  }
  for (let n = 0; n < 3; n++) t.match(await provider.create(create()), { type: 'applied' })
  await closeConnections()
  t.match(await provider.create(create()), { type: 'applied' })
  t.equal(server.received.length, 4)
})

t.test('an answer that comes half and then another connection do not mix', async (t) => {
  // A raw server: garbage instead of HTTP.
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => socket.end('this is not HTTP\r\n\r\n'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const error = await thrown(vms(`http://127.0.0.1:${port}`).create(create()))
  t.notOk(error instanceof NotSent)
})

t.test('no message shows a secret, not even one that the API repeats', async (t) => {
  await using server = await scriptedServer()
  const value = 's3cret-of-TOKEN'
  const told: unknown[] = []
  const tell = async (promise: Promise<unknown>) =>
    told.push(await promise.catch((e: unknown) => e))
  const provider = vms(server.url)
  server.answer = json(401, { error: { code: 'bad_token', message: `no such token ${value}` } })
  await tell(provider.create(create()))
  server.answer = (_request, response) => response.writeHead(200).end(`you sent ${value}`)
  await tell(provider.create(create()))
  server.answer = (_request, response) => response.writeHead(500).end(`trace: Bearer ${value}`)
  await tell(provider.create(create()))
  const url = { secret: 'env', name: 'URL' } as const
  const hook = vms('http://unused.invalid', { base_url: url })
  const secrets = (reference: string | { name: string }) =>
    typeof reference === 'string' ? reference : `${server.url}/hooks/${value}`
  server.answer = json(500, {})
  await tell(hook.create({ ...create(), secrets }))
  t.equal(server.received.at(-1)?.url, `/hooks/${value}/v1/vms`)
  await tell(hook.create({ ...create(), secrets: () => `http://user:${value}@127.0.0.1:1/` }))
  t.equal(told.length, 5)
  t.notOk(inspect(told, { depth: 9, showHidden: true }).includes(value))
})

t.test('a secret that cannot be read leaves the call unsent', async (t) => {
  await using server = await scriptedServer()
  const secrets = () => {
    throw new Error('TOKEN is not set')
  }
  const error = await thrown(vms(server.url).create({ ...create(), secrets }))
  t.ok(error instanceof NotSent)
  t.match(error.message, /env TOKEN/)
  t.equal(server.received.length, 0)
})

t.test('what cannot be put into a request is rejected, and nothing is sent', async (t) => {
  await using server = await scriptedServer()
  const provider = vms(server.url, {
    read: { path: '/x' },
    delete: { method: 'DELETE', path: '/v1/vms/{name}' },
  })
  for (const over of [{ name: '..' }, { name: '' }, { scope: 'line\nbreak' }]) {
    const outcome = await provider.delete(callOf('delete', { size: 's' }, over))
    t.match(outcome, { type: 'rejected' }, JSON.stringify(over))
  }
  t.equal(server.received.length, 0)
  server.answer = json(200, {})
  await provider.delete(callOf('delete', { size: 's' }, { name: 'a/b ?#%é' }))
  t.equal(server.received[0]?.url, '/v1/vms/a%2Fb%20%3F%23%25%C3%A9')
})

t.teardown(closeConnections)
