/**
 * The three classic traps of replaying a log: what was true when it was written down is not what is true
 * when it is carried out. docs/traps.md tells them.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as io from 'io-ts'
import t, { type Test } from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { applied, type Call } from '../../src/domain/provider.ts'
import { openEngine } from '../../src/foreword.ts'
import { httpProvider } from '../../src/providers/http.ts'
import { resolveSecret } from '../../src/secrets.ts'
import { allSettled, cloudWorld, engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { quick, testConfig } from '../support/settings.ts'

const scope = 'acme'

/** An API that lets in whoever has the token of the moment, and is busy at the first call of each. */
const guardedApi = async (t: Test, rotate: () => void) => {
  const api = { token: 'token-of-the-decision', seen: [] as string[] }
  const answerTo = (request: IncomingMessage): readonly [status: number, body: object] => {
    const [, token = ''] = (request.headers.authorization ?? '').split(' ')
    api.seen.push(token)
    if (token !== api.token) return [401, { error: { code: 'token_expired' } }]
    if (api.seen.length > 1) return [201, { size: 's' }]
    // The token that is right now runs out before the next try.
    rotate()
    return [429, { error: { code: 'busy' } }]
  }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const [status, body] = answerTo(request)
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
      response.end(JSON.stringify(body))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return { api, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

t.test('a token that expired between decision and call: each call fetches its own', async (t) => {
  const env = { API_TOKEN: 'token-of-the-decision' }
  const { api, url } = await guardedApi(t, () => {
    api.token = env.API_TOKEN = 'token-of-the-second-call'
  })
  const provider = httpProvider({
    kind: 'vm',
    spec: io.strict({ size: io.string }),
    base_url: url,
    headers: { authorization: ['Bearer ', { secret: 'env', name: 'API_TOKEN' }] },
    traits: { ...quick, sightings: 0, idempotency: 'none' },
    create: { method: 'POST', path: '/vms' },
    read: { path: '/vms/{name}' },
    delete: { method: 'DELETE', path: '/vms/{name}' },
  })
  const world = await testEngine(t, { providers: [provider] })
  await world.engine.decide(say, { scope, input: { drafts: [create('vm', 'a', { size: 's' })] } })
  // Decided under the first token; the worker starts when it is worth nothing any more.
  api.token = env.API_TOKEN = 'token-of-the-first-call'
  const told: string[] = []
  const tell = (...line: readonly unknown[]): void => void told.push(JSON.stringify(line))
  const worker = openEngine({
    url: world.url,
    config: testConfig(world.url, { providers: [provider] }),
    secrets: resolveSecret(env),
    logger: { info: tell, warn: tell, error: tell },
    version: 'test',
  })
  t.teardown(worker.close)
  await testWorker(t, worker)
  t.match(await allSettled(worker), [{ state: 'confirmed' }])
  t.same(api.seen, ['token-of-the-first-call', 'token-of-the-second-call'])
  const [stored] = await worker.sql<{ text: string }[]>`
    select concat(
      (select json_agg(x) from foreword_private.decision x),
      (select json_agg(x) from foreword_private.entry x),
      (select json_agg(x) from foreword_private.attempt x),
      (select json_agg(x) from foreword_private.observation x)
    ) as text`
  t.match(stored?.text, /"size"/)
  t.notMatch(stored?.text, /token-of-/, 'none of them was written down')
  t.notMatch(told.join('\n'), /token-of-/, 'nor logged')
})

t.test(
  'a clock read before the crash: the decision keeps its own, the call gets today’s',
  async (t) => {
    const calls: Call[] = []
    const provider = scriptedProvider({
      call: (call) => {
        calls.push(call)
        return Promise.resolve(applied(call.spec as never))
      },
    })
    const seen: Date[] = []
    const lease = defineDecider({
      name: 'lease',
      version: 1,
      read: (q) => ({ thing: q.get('thing', 'lease') }),
      decide: ({ thing }, input: { readonly minutes: number }, { now }) => {
        seen.push(now)
        const until = new Date(now.getTime() + input.minutes * 60_000).toISOString()
        return thing === null ? create('thing', 'lease', { until }) : []
      },
    })
    const world = await testEngine(t, { providers: [provider] })
    const input = { minutes: 60 }
    t.match(await world.engine.decide(lease, { scope, input }), { type: 'decided' })
    const [decided] = seen
    if (decided === undefined) throw new Error('it was not decided')
    const until = new Date(decided.getTime() + 3_600_000).toISOString()
    // Whoever decided is gone. Some time later somebody else carries it out.
    await eventually('time has passed', () => Date.now() > decided.getTime() + 50)
    const later = engineOn(t, world.url, testConfig(world.url, { providers: [provider] }))
    await testWorker(t, later)
    t.match(await allSettled(later), [{ state: 'confirmed' }])
    const [call] = calls
    t.same(call?.spec, { until }, 'what was decided is carried out as it was decided')
    t.ok((call?.now.getTime() ?? 0) > decided.getTime(), 'the provider has the clock of the call')

    const [row] = await later.sql<{ saw_at: Date; input: typeof input }[]>`
    select saw_at, input from foreword.decision`
    t.same(row?.saw_at, decided, 'the clock that the decider was given is in the log')
    const again = lease.decide({ thing: null }, row?.input ?? { minutes: 0 }, {
      scope,
      now: row?.saw_at ?? new Date(),
      thought: undefined,
    })
    t.match(again, { state: { until } }, 'decided again on what is recorded, it comes to the same')
  },
)

t.test(
  'a last item sold in between: what was promised on it goes stale, and is decided again',
  async (t) => {
    const reserve = defineDecider({
      name: 'reserve',
      version: 1,
      read: (q) => ({ item: q.get('vm', 'item'), sold: q.counter('cores') }),
      decide: ({ item, sold }) =>
        item === null && sold < 1
          ? create('vm', 'item', { size: 's' }, { counters: { cores: 1 } })
          : [],
    })
    const promise = defineDecider({
      name: 'promise',
      version: 1,
      read: (q) => ({ item: q.get('vm', 'item') }),
      decide: ({ item }) => {
        const spec = { type: 'TXT', records: ['"yours"'] }
        return item === null
          ? create('dns_record', 'waiting-list.example.', spec)
          : create('dns_record', 'shipped.example.', spec, { needs: ['vm/item'] })
      },
    })
    const { engine, cloud } = await cloudWorld(t, { config: { deciders: [promise] } })
    const headers = { 'content-type': 'application/json', 'x-account': scope }
    const ask = (method: string, at: string, body: object) =>
      fetch(`${cloud.url}${at}`, { method, headers, body: JSON.stringify(body) })
    await ask('PUT', '/v1/quotas', { cores: 1 })
    const at = { scope, input: undefined }
    t.match(await engine.decide(reserve, at), { type: 'decided' })
    t.match(await engine.decide(promise, at), { type: 'decided' })
    // The last one, to somebody who does not go through foreword.
    t.equal((await ask('POST', '/v1/vms', { name: 'stranger', size: 's' })).status, 201)
    await testWorker(t, engine)
    await eventually('it is decided again', async () => {
      const rows = await engine.sql`select from foreword.intent where name like 'waiting-list%'`
      return rows.length === 1
    })
    t.match(await allSettled(engine), [
      { name: 'item', state: 'rejected', reason: /quota/ },
      {
        name: 'shipped.example.',
        state: 'stale',
        reason: /relied on intent \d+, which was taken back/,
      },
      { name: 'waiting-list.example.', state: 'confirmed' },
    ])
    const attempts = await engine.sql`
    select from foreword.attempt a
    join foreword.intent i on i.id = a.intent_id
    where i.name = 'shipped.example.'`
    t.same(attempts, [], 'the stale promise was never called for')
    const ledger = (await (await fetch(`${cloud.url}/admin/ledger`)).json()) as { name: string }[]
    t.same(
      ledger.map(({ name }) => name),
      ['stranger', 'waiting-list.example.'],
    )
    t.match(await engine.sql`select consumed from foreword.quota`, [{ consumed: 0 }])
    t.match(
      await engine.sql`select reason from foreword.decision where decider = 'promise' order by decided_at`,
      [{}, { reason: /^instead of decision .*: intent \d+ was rejected: .*quota/ }],
    )
  },
)
