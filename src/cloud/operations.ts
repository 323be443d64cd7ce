/** The effects: each is checked, written to the ledger, then done, without a gap between the three. */
import * as E from 'fp-ts/lib/Either.js'
import type { Json, JsonObject } from '../domain/json.ts'
import type { Answer } from './answer.ts'
import { answer, notFound, refusal } from './answer.ts'
import type { Clock } from './clock.ts'
import type { Dice } from './dice.ts'
import type { Kind, Tags, Wanted } from './kinds.ts'
import { decodeWanted } from './kinds.ts'
import type { Ledger } from './ledger.ts'
import type { Amounts, Quotas } from './quotas.ts'
import { cost, difference } from './quotas.ts'
import { resolveReferences } from './references.ts'
import type { Body, Resource, Seen, World } from './world.ts'
import { render, seenAt } from './world.ts'

/** Everything that an effect touches. */
export interface Core {
  readonly clock: Clock
  readonly dice: Dice
  readonly world: World
  readonly quotas: Quotas
  readonly ledger: Ledger
}

/** One request for an effect. */
export interface Order {
  readonly account: string
  readonly kind: Kind
  readonly body: Json
  /** For the ledger: whose effect this is. */
  readonly ledger_intent: string | null
  /** X-Intent: stored on the resource. */
  readonly intent: string | null
  /** X-Generation. */
  readonly generation: number | null
  readonly build_fails: boolean
  readonly by: 'api' | 'hand'
}

/** Left: refused, and nothing happened. */
export type Done = E.Either<Answer, { readonly answer: Answer; readonly resource: Resource | null }>

const shown = (core: Core, status: number, resource: Resource): Done => {
  const seen = seenAt(resource, core.clock.now())
  return E.right({ answer: answer(status, seen === null ? null : render(seen)), resource })
}

const record = (core: Core, order: Order, verb: string, id: string, name: string): void => {
  core.ledger.append(core.clock.now(), {
    account: order.account,
    kind: order.kind,
    verb: order.by === 'hand' ? 'drift' : verb,
    id,
    name,
    intent: order.ledger_intent,
    by: order.by,
    request_body: order.body,
  })
}

/** Left: over the limit as it stood before the gap. Afterwards nobody looks again: that is the race. */
const passQuota = async (
  core: Core,
  account: string,
  more: Amounts,
): Promise<E.Either<Answer, null>> => {
  if (!core.quotas.concerns(account, more)) return E.right(null)
  const metric = core.quotas.exceeded(account, more)
  if (metric !== null) {
    return E.left(
      refusal(403, 'quota_exceeded', `quota of ${metric} exceeded`, {
        metric,
        quotas: core.quotas.show(account),
      }),
    )
  }
  await core.clock.sleep(core.dice.faults.quota_gap_ms)
  return E.right(null)
}

/** Intent and tags after a write. Tags that a client leaves out of an update stay. */
const signed = (order: Order, tags: Tags | null, before: Body | null) => {
  const kept = before === null ? {} : before.tags
  const old = before?.tags['intent']
  const intent = order.intent ?? tags?.['intent'] ?? null
  const sign: Tags = intent !== null ? { intent } : old !== undefined ? { intent: old } : {}
  return {
    tags: { ...(tags ?? kept), ...sign },
    last_intent: intent ?? before?.last_intent ?? null,
    generation: Math.max(order.generation ?? -1, before?.generation ?? -1),
  }
}

/** The resource that an update, a delete or an action is for. Left: it must not happen. */
const target = (core: Core, order: Order, id: string): E.Either<Answer, Seen> => {
  const seen = core.world.now(order.account, order.kind, id)
  if (seen === null) return E.left(notFound(order.kind, id))
  const { generation } = seen.body
  const older = order.generation !== null && order.generation < generation
  if (core.dice.faults.generations && older) {
    return E.left(
      refusal(412, 'stale_generation', `${id} has seen generation ${generation}`, { generation }),
    )
  }
  return E.right(seen)
}

const deleting = (id: string): E.Either<Answer, never> =>
  E.left(refusal(409, 'deleting', `${id} is being deleted`))

export const create = async (core: Core, order: Order): Promise<Done> => {
  const { account, kind } = order
  const wanted = decodeWanted(kind, order.body, null, false)
  if (E.isLeft(wanted)) return wanted
  const { spec, tags } = wanted.right
  const name = wanted.right.name ?? ''
  const amounts = cost(kind, spec)
  const passed = await passQuota(core, account, amounts)
  if (E.isLeft(passed)) return passed

  const references = resolveReferences(core, { account, kind, spec, name, self: null })
  if (E.isLeft(references)) return references
  const now = core.clock.now()
  const body: Body = {
    name,
    spec,
    ...signed(order, tags, null),
    revision: 1,
    outputs: firstOutputs(core, kind, references.right),
    written_at: now,
    ready_at: kind === 'vms' ? now + core.dice.faults.build_ms : now,
    failed: kind === 'vms' && order.build_fails,
    gone_at: null,
  }
  const reserved = core.world.reserve(kind)
  record(core, order, 'create', reserved.id, name)
  const resource = core.world.create(reserved, order, body, references.right)
  core.quotas.count(account, amounts)
  return shown(core, 201, resource)
}

const addressOf = (references: readonly Resource[]): Json =>
  references.find(({ kind }) => kind === 'ips')?.versions.at(-1)?.outputs['address'] ?? null

const firstOutputs = (core: Core, kind: Kind, references: readonly Resource[]): JsonObject => {
  if (kind === 'ips') return { address: core.world.nextAddress() }
  if (kind === 'vms') return { address: addressOf(references), reboots: 0 }
  return {}
}

/** PATCH with `partly`, PUT without. */
export const update = async (
  core: Core,
  order: Order,
  id: string,
  partly: boolean,
): Promise<Done> => {
  const early = decodeUpdate(core, order, id, partly)
  if (E.isLeft(early)) return early
  const { account, kind } = order
  const more = difference(
    cost(kind, early.right.wanted.spec),
    cost(kind, early.right.seen.body.spec),
  )
  const passed = await passQuota(core, account, more)
  if (E.isLeft(passed)) return passed

  // The resource may have changed or gone in the gap: what is written is decided on what is there now.
  const late = decodeUpdate(core, order, id, partly)
  if (E.isLeft(late)) return late
  const { seen, wanted } = late.right
  const name = wanted.name ?? seen.body.name
  const { resource } = seen
  const references = resolveReferences(core, {
    account,
    kind,
    spec: wanted.spec,
    name,
    self: resource,
  })
  if (E.isLeft(references)) return references
  record(core, order, 'update', id, name)
  core.quotas.count(account, difference(cost(kind, wanted.spec), cost(kind, seen.body.spec)))
  const address = kind === 'vms' ? { address: addressOf(references.right) } : {}
  const body: Body = {
    ...seen.body,
    name,
    spec: wanted.spec,
    ...signed(order, wanted.tags, seen.body),
    outputs: { ...seen.body.outputs, ...address },
    revision: seen.body.revision + 1,
    written_at: core.clock.now(),
  }
  core.world.write(resource, body, references.right)
  return shown(core, 200, resource)
}

const decodeUpdate = (
  core: Core,
  order: Order,
  id: string,
  partly: boolean,
): E.Either<Answer, { readonly seen: Seen; readonly wanted: Wanted }> => {
  const seen = target(core, order, id)
  if (E.isLeft(seen)) return seen
  if (seen.right.status === 'DELETING') return deleting(id)
  const { spec, name } = seen.right.body
  const wanted = decodeWanted(order.kind, order.body, spec, partly)
  if (E.isLeft(wanted)) return wanted
  const renamed = wanted.right.name !== null && wanted.right.name !== name
  if (order.kind === 'dns_records' && renamed) {
    return E.left(refusal(422, 'immutable', 'name cannot be changed', { field: 'name' }))
  }
  return E.right({ seen: seen.right, wanted: wanted.right })
}

export const remove = (core: Core, order: Order, id: string): Done => {
  const seen = target(core, order, id)
  if (E.isLeft(seen)) return seen
  const { resource, body, status } = seen.right
  // Asked again for what it is doing already: no second effect, and nothing to complain about.
  if (status === 'DELETING') return E.right({ answer: answer(204), resource: null })
  const [user] = resource.used_by
  if (user !== undefined) {
    return E.left(refusal(409, 'in_use', `${id} is used by ${user.id}`, { used_by: user.id }))
  }
  const now = core.clock.now()
  record(core, order, 'delete', id, body.name)
  core.world.write(
    resource,
    {
      ...body,
      ...signed(order, null, body),
      revision: body.revision + 1,
      written_at: now,
      gone_at: order.kind === 'vms' ? now + core.dice.faults.delete_ms : now,
    },
    [],
  )
  core.quotas.count(order.account, difference(cost('networks', {}), cost(order.kind, body.spec)))
  return E.right({ answer: answer(204), resource: null })
}

/** An action that is no state. Its count shows in `reboots`, its author in `last_intent`. */
export const reboot = (core: Core, order: Order, id: string): Done => {
  const seen = target(core, order, id)
  if (E.isLeft(seen)) return seen
  const { resource, body, status } = seen.right
  if (status === 'DELETING') return deleting(id)
  if (status !== 'ACTIVE') {
    return E.left(refusal(409, 'not_ready', `${id} is ${status}`, { status }))
  }
  record(core, order, 'reboot', id, body.name)
  const written = {
    ...body,
    ...signed(order, null, body),
    outputs: { ...body.outputs, reboots: Number(body.outputs['reboots']) + 1 },
    revision: body.revision + 1,
    written_at: core.clock.now(),
  }
  core.world.write(resource, written, resource.references)
  return shown(core, 200, resource)
}
