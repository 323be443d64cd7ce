/** The other side of the curtain, under /admin: faults, the ledger, the truth, and hand changes. */
import * as E from 'fp-ts/lib/Either.js'
import { Hono } from 'hono'
import type { Json, JsonObject } from '../domain/json.ts'
import { isJsonObject } from '../domain/json.ts'
import type { Answer } from './answer.ts'
import { answer, notFound, refusal } from './answer.ts'
import type { Service } from './api.ts'
import { accountOf } from './api.ts'
import { decodeFaults } from './faults.ts'
import type { Kind } from './kinds.ts'
import { isKind, kinds } from './kinds.ts'
import type { Order } from './operations.ts'
import { create, remove, update } from './operations.ts'
import type { CloudContext, CloudEnv } from './wire.ts'
import { dealtWith, parseJson, readText, send } from './wire.ts'

const bad = (message: string): Answer => refusal(400, 'bad_request', message)

const showFaults = ({ dice }: Service): Answer =>
  // Faults are plain JSON; the compiler does not see it behind the readonly interfaces.
  answer(200, { seed: dice.seed, ...dice.faults } as unknown as JsonObject)

/** Changes the named fields only; `profile` starts from that profile, `seed` starts chance anew. */
const setFaults = (service: Service, body: Json): Answer => {
  if (!isJsonObject(body)) return bad('the body must be an object, e.g. {"profile": "rough"}')
  const { seed, ...input } = body
  if (seed !== undefined && !Number.isSafeInteger(seed)) return bad('seed must be a whole number')
  const faults = decodeFaults(input, service.dice.faults)
  if (E.isLeft(faults)) return refusal(422, 'invalid', faults.left)
  service.dice.change(faults.right)
  if (typeof seed === 'number') service.dice.reseed(seed)
  return showFaults(service)
}

const showState = ({ world, quotas }: Service): Answer => {
  const accounts: { [account: string]: { [part: string]: Json } } = {}
  for (const [account, kind, resources] of world.everything()) {
    const shown = (accounts[account] ??= { quotas: quotas.show(account) })
    shown[kind] = resources
  }
  return answer(200, { accounts })
}

/** The ids that a hand change can mean; a name can mean several. */
const idsOf = (
  { world, clock }: Service,
  account: string,
  kind: Kind,
  { id, name }: JsonObject,
): readonly string[] => {
  if (typeof id === 'string') return [id]
  if (typeof name !== 'string') return []
  const query = { keys: [`name:${name}`], after: 0, at: clock.now() }
  return [...world.list(account, kind, query)].map(({ resource }) => resource.id)
}

/** What somebody does at a console, past every client. */
const drift = async (service: Service, fallback: string, body: Json): Promise<Answer> => {
  if (!isJsonObject(body)) return bad('the body must be an object')
  const { kind, account = fallback, set, delete: gone, create: made } = body
  if (!isKind(kind)) return bad(`kind must be one of ${kinds.join(', ')}`)
  if (typeof account !== 'string') return bad('account must be a string')
  const order: Order = {
    account,
    kind,
    body: made ?? set ?? null,
    intent: null,
    ledger_intent: null,
    generation: null,
    build_fails: false,
    by: 'hand',
  }
  const given = [set, gone, made].filter((change) => change !== undefined)
  if (given.length !== 1 || (gone !== undefined && gone !== true)) {
    return bad('give one of set: {…}, delete: true, create: {…}')
  }
  if (made !== undefined) return shown(await create(service, order))
  const [id, ...others] = idsOf(service, account, kind, body)
  if (id === undefined) {
    const { name } = body
    return typeof name === 'string' ? notFound(kind, name) : bad('give an id or a name')
  }
  if (others.length > 0) {
    const ids = [id, ...others]
    return refusal(409, 'ambiguous', `${ids.length} ${kind} have this name; give an id`, { ids })
  }
  return shown(gone === true ? remove(service, order, id) : await update(service, order, id, true))
}

const shown = (done: Awaited<ReturnType<typeof create>>): Answer =>
  E.isLeft(done) ? done.left : done.right.answer

/** Of the ledger or of the requests: as a JSON array, or line by line. */
const readLog = (
  log: Pick<Service['ledger'], 'after'> | Pick<Service['requests'], 'after'>,
  context: CloudContext,
): Response => {
  const { after = '0', limit, account = null, format } = context.req.query()
  const { outgoing } = context.env
  if (!/^\d{1,15}$/.test(after)) return send(outgoing, bad('after must be a number'))
  if (limit !== undefined && !/^\d{1,15}$/.test(limit)) {
    return send(outgoing, bad('limit must be a number'))
  }
  const most = limit === undefined ? Infinity : Number(limit)
  const entries = log.after(Number(after), { account, limit: most })
  const accepted = context.req.header('accept') ?? ''
  if (format !== 'ndjson' && !accepted.includes('application/x-ndjson')) {
    return send(outgoing, answer(200, entries as unknown as Json))
  }
  outgoing.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  for (const entry of entries) outgoing.write(`${JSON.stringify(entry)}\n`)
  outgoing.end()
  return dealtWith()
}

/** The routes under /admin. No fault touches them. */
export const admin = (service: Service): Hono<CloudEnv> => {
  const app = new Hono<CloudEnv>()
  const reads = (read: (context: CloudContext) => Answer) => (context: CloudContext) =>
    send(context.env.outgoing, read(context))
  const writes =
    (write: (body: Json, context: CloudContext) => Answer | Promise<Answer>) =>
    async (context: CloudContext) => {
      const { incoming, outgoing } = context.env
      const text = await readText(context, incoming)
      if (E.isLeft(text)) return text.left === null ? dealtWith() : send(outgoing, text.left)
      const body = parseJson(text.right)
      return send(outgoing, E.isLeft(body) ? body.left : await write(body.right, context))
    }

  app.get(
    '/faults',
    reads(() => showFaults(service)),
  )
  app.put(
    '/faults',
    writes((body) => setFaults(service, body)),
  )
  app.get(
    '/stats',
    reads(() => answer(200, service.dice.counts)),
  )
  app.get(
    '/state',
    reads(() => showState(service)),
  )
  app.post(
    '/drift',
    writes((body, context) => drift(service, accountOf(context), body)),
  )
  app.get(
    '/ledger/summary',
    reads((context) => answer(200, service.ledger.summary(context.req.query('account') ?? null))),
  )
  app.get('/ledger', (context) => readLog(service.ledger, context))
  app.get('/requests', (context) => readLog(service.requests, context))
  return app
}
