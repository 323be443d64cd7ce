/** The public API under /v1: every request meets its fate here, before and after its effect. */
import * as E from 'fp-ts/lib/Either.js'
import { Hono } from 'hono'
import type { Json } from '../domain/json.ts'
import { isJsonObject } from '../domain/json.ts'
import type { Answer } from './answer.ts'
import { answer, refusal } from './answer.ts'
import type { Throw } from './dice.ts'
import type { Kind } from './kinds.ts'
import { isKind, kinds } from './kinds.ts'
import type { Core, Done, Order } from './operations.ts'
import { create, reboot, remove, update } from './operations.ts'
import { list, look } from './query.ts'
import type { Rate } from './rate.ts'
import type { Requests } from './requests.ts'
import type { Tokens } from './tokens.ts'
import type { CloudContext, CloudEnv } from './wire.ts'
import { cut, dealtWith, parseJson, readText, send, sendHalf } from './wire.ts'

export interface Service extends Core {
  readonly rate: Rate
  readonly tokens: Tokens
  readonly requests: Requests
}

/** A request that has come through. */
interface Asked {
  readonly context: CloudContext
  readonly account: string
  readonly fate: Throw
  readonly text: string
}

type Endpoint = (service: Service, asked: Asked) => Answer | Promise<Answer>

/** The account of a request; the scope, as foreword says. */
export const accountOf = (context: CloudContext): string =>
  context.req.header('x-account') ?? 'default'

const pathOf = (context: CloudContext): string => context.env.incoming.url ?? '/'

const throttled = (seconds: number): Answer =>
  refusal(
    429,
    'throttled',
    `too many requests; try again in ${seconds} s`,
    {},
    {
      'Retry-After': String(seconds),
    },
  )

/** The answer of a fault that lets nothing happen; undefined: the request gets through. */
const faultBefore = (
  { dice, rate, clock }: Service,
  { context, account, fate }: Omit<Asked, 'text'>,
): Response | undefined => {
  const { outgoing } = context.env
  const { rate_per_s, rate_burst, retry_after_s } = dice.faults
  const wait_s = rate.take(account, clock.now(), { per_s: rate_per_s, burst: rate_burst })
  if (wait_s > 0) return send(outgoing, throttled(wait_s))
  if (fate.fault === 'throttle') return send(outgoing, throttled(retry_after_s))
  if (fate.fault === 'lose_request') return cut(outgoing)
  if (fate.fault === 'error_before') {
    return send(outgoing, refusal(500, 'internal', 'something went wrong'))
  }
  if (fate.fault === 'hang' && !fate.hang_effect) return dealtWith()
  return undefined
}

/** Writes the answer, or what a fault after the effect makes of it. */
const deliver = ({ context, fate }: Asked, result: Answer): Response => {
  const { outgoing } = context.env
  if (fate.fault === 'lose_response') return cut(outgoing)
  if (fate.fault === 'hang') return dealtWith()
  if (fate.fault === 'truncate') return sendHalf(outgoing, result)
  if (fate.fault === 'error_after') {
    return send(outgoing, refusal(fate.error_status, 'internal', 'something went wrong'))
  }
  return send(outgoing, result)
}

const faced = (service: Service, endpoint: Endpoint) => async (context: CloudContext) => {
  const { incoming, outgoing } = context.env
  const account = accountOf(context)
  const client = context.req.header('x-client') ?? account
  const { method } = context.req
  const path = pathOf(context)
  const fate = service.dice.throw({ client, account, method, path })
  const intent = context.req.header('x-intent') ?? context.req.header('idempotency-key') ?? null
  const at = new Date(service.clock.now()).toISOString()
  const tell = service.requests.note({ account, method, path, intent, at })
  outgoing.once('close', () => {
    const { writableFinished: heard, headersSent, statusCode } = outgoing
    tell({ fault: fate.fault, status: headersSent ? statusCode : null, heard })
  })
  const text = await readText(context, incoming)
  if (E.isLeft(text)) return text.left === null ? dealtWith() : send(outgoing, text.left)
  const asked = { context, account, fate, text: text.right }
  return faultBefore(service, asked) ?? deliver(asked, await endpoint(service, asked))
}

/** Keys with their members sorted, so that only a different body is another body. */
const canonical = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(canonical)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, canonical(member)]),
  )
}

const generationOf = (context: CloudContext): E.Either<Answer, number | null> => {
  const given = context.req.header('x-generation') ?? context.req.header('if-generation')
  if (given === undefined) return E.right(null)
  if (/^\d{1,15}$/.test(given)) return E.right(Number(given))
  return E.left(refusal(400, 'bad_request', 'X-Generation must be a whole number'))
}

const decodeOrder = (asked: Asked, kind: Kind): E.Either<Answer, Order> => {
  const { context, account, fate } = asked
  const body = parseJson(asked.text)
  if (E.isLeft(body)) return body
  const generation = generationOf(context)
  if (E.isLeft(generation)) return generation
  const intent = context.req.header('x-intent') ?? null
  const tags = isJsonObject(body.right) ? body.right['tags'] : undefined
  const tag = isJsonObject(tags) && typeof tags['intent'] === 'string' ? tags['intent'] : null
  return E.right({
    account,
    kind,
    body: body.right,
    intent,
    ledger_intent: intent ?? context.req.header('idempotency-key') ?? tag,
    generation: generation.right,
    build_fails: fate.build_fails,
    by: 'api',
  })
}

type Effect = (core: Core, order: Order, id: string) => Done | Promise<Done>

/** One effect: at most once per Idempotency-Key where tokens are on. */
const effect =
  (perform: Effect): Endpoint =>
  async (service, asked) => {
    const { context, account, fate } = asked
    const kind = kindOf(context)
    if (E.isLeft(kind)) return kind.left
    const order = decodeOrder(asked, kind.right)
    if (E.isLeft(order)) return order.left
    const { clock, dice, tokens } = service
    const run = async () => {
      if (fate.delay_ms > 0) await clock.sleep(fate.delay_ms)
      return perform(service, order.right, context.req.param('id') ?? '')
    }
    const key = context.req.header('idempotency-key')
    if (key === undefined || !dice.faults.tokens) {
      const done = await run()
      return E.isLeft(done) ? done.left : done.right.answer
    }
    const print = `${context.req.method} ${pathOf(context)} ${JSON.stringify(canonical(order.right.body))}`
    const valid_ms = dice.faults.token_valid_ms
    const claimed = tokens.claim(`${account} ${key}`, print, clock.now(), valid_ms)
    if (claimed.type === 'answered') return claimed.answer
    // What was refused, or broke, had no effect: its key may be used again.
    let kept = false
    try {
      const done = await run()
      if (E.isLeft(done)) return done.left
      claimed.call.keep(done.right.answer, done.right.resource)
      kept = true
      return done.right.answer
    } finally {
      if (!kept) claimed.call.forget()
    }
  }

const kindOf = (context: CloudContext): E.Either<Answer, Kind> => {
  const kind = context.req.param('kind')
  if (isKind(kind)) return E.right(kind)
  const message = `there is no kind ${String(kind)}; kinds: ${kinds.join(', ')}`
  // Not `not_found`: a wrong URL must not look like a resource that is absent.
  return E.left(refusal(404, 'no_such_path', message))
}

/** A read, after its delay. */
const reading =
  (read: (service: Service, asked: Asked, kind: Kind) => Answer): Endpoint =>
  async (service, asked) => {
    const kind = kindOf(asked.context)
    if (E.isLeft(kind)) return kind.left
    if (asked.fate.delay_ms > 0) await service.clock.sleep(asked.fate.delay_ms)
    return read(service, asked, kind.right)
  }

const showQuotas: Endpoint = ({ quotas }, { account }) => answer(200, quotas.show(account))

const setQuotas: Endpoint = ({ quotas }, { account, text }) => {
  const body = parseJson(text)
  if (E.isLeft(body)) return body.left
  if (!isJsonObject(body.right)) return refusal(400, 'bad_request', 'the body must be an object')
  const set = quotas.set(account, body.right)
  return E.isLeft(set) ? refusal(422, 'invalid', set.left) : answer(200, set.right)
}

const rebootVm: Effect = (core, order, id) => {
  if (order.kind === 'vms') return reboot(core, order, id)
  return E.left(refusal(404, 'no_such_path', `${order.kind} cannot be rebooted`))
}

/** The routes under /v1. */
export const api = (service: Service): Hono<CloudEnv> => {
  const app = new Hono<CloudEnv>()
  const on = (endpoint: Endpoint) => faced(service, endpoint)
  app.get('/quotas', on(showQuotas))
  app.put('/quotas', on(setQuotas))
  app.post('/:kind', on(effect(create)))
  app.get(
    '/:kind',
    on(
      reading((core, { context, account, fate }, kind) =>
        list(core, fate, { account, kind, parameters: context.req.queries() }),
      ),
    ),
  )
  app.get(
    '/:kind/:id',
    on(
      reading((core, { context, account, fate }, kind) =>
        look(core, fate, { account, kind, id: context.req.param('id') ?? '' }),
      ),
    ),
  )
  app.patch('/:kind/:id', on(effect((core, order, id) => update(core, order, id, true))))
  app.put('/:kind/:id', on(effect((core, order, id) => update(core, order, id, false))))
  app.delete('/:kind/:id', on(effect(remove)))
  app.post('/:kind/:id/reboot', on(effect(rebootVm)))
  return app
}
