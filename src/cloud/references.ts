/** What one resource may say about others: a network that exists, an ip that nobody else has. */
import * as E from 'fp-ts/lib/Either.js'
import type { JsonObject } from '../domain/json.ts'
import type { Answer } from './answer.ts'
import { refusal } from './answer.ts'
import type { Clock } from './clock.ts'
import type { Kind } from './kinds.ts'
import type { Resource, World } from './world.ts'

interface Claim {
  readonly account: string
  readonly kind: Kind
  readonly name: string
  readonly spec: JsonObject
  /** The resource that makes the claim, where it exists already. */
  readonly self: Resource | null
}

interface Where {
  readonly clock: Clock
  readonly world: World
}

const unknown = (field: string, value: string): E.Either<Answer, never> =>
  E.left(refusal(422, 'unknown_reference', `${field} ${value} does not exist`, { field }))

/** The one live resource with this index key, or null. */
const findLive = (
  { clock, world }: Where,
  account: string,
  kind: Kind,
  key: string,
  holds: (spec: JsonObject) => boolean = () => true,
): Resource | null => {
  for (const seen of world.list(account, kind, { keys: [key], after: 0, at: clock.now() })) {
    if (holds(seen.body.spec)) return seen.resource
  }
  return null
}

const findIp = (where: Where, account: string, ip: string): Resource | null =>
  where.world.now(account, 'ips', ip)?.resource ?? findLive(where, account, 'ips', `address:${ip}`)

/** The resources that this claim refers to. Left: one does not exist, or the claim is taken. */
export const resolveReferences = (
  where: Where,
  { account, kind, name, spec, self }: Claim,
): E.Either<Answer, readonly Resource[]> => {
  const found: Resource[] = []
  if (typeof spec['network'] === 'string') {
    const network = where.world.now(account, 'networks', spec['network'])
    if (network === null) return unknown('network', spec['network'])
    found.push(network.resource)
  }
  if (typeof spec['ip'] === 'string') {
    const ip = findIp(where, account, spec['ip'])
    if (ip === null) return unknown('ip', spec['ip'])
    const [holder] = ip.used_by
    if (holder !== undefined && holder !== self) {
      return E.left(
        refusal(409, 'in_use', `${ip.id} is used by ${holder.id}`, { used_by: holder.id }),
      )
    }
    found.push(ip)
  }
  if (kind === 'dns_records' && self === null) {
    const sameType = (other: JsonObject) => other['type'] === spec['type']
    const twin = findLive(where, account, kind, `name:${name}`, sameType)
    if (twin !== null) {
      const message = `there is a record ${name} of this type already`
      return E.left(refusal(409, 'exists', message, { id: twin.id }))
    }
  }
  return E.right(found)
}
