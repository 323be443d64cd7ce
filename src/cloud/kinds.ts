/** The kinds of resources and what a request may say about them. */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import * as E from 'fp-ts/lib/Either.js'
import type { Json, JsonObject } from '../domain/json.ts'
import { isJsonObject } from '../domain/json.ts'
import type { Answer } from './answer.ts'
import { refusal } from './answer.ts'

export const kinds = ['networks', 'vms', 'ips', 'dns_records'] as const
export type Kind = (typeof kinds)[number]

export const isKind = (value: unknown): value is Kind => kinds.some((kind) => kind === value)

/** How ids of a kind begin. */
export const idPrefix: { readonly [K in Kind]: string } = {
  networks: 'net',
  vms: 'vm',
  ips: 'ip',
  dns_records: 'rr',
}

export type Tags = { readonly [key: string]: string }

/** A request body after validation. Absent in an update: keep what is there. */
export interface Wanted {
  readonly name: string | null
  readonly spec: JsonObject
  readonly tags: Tags | null
}

interface Field {
  readonly holds: (value: Json) => boolean
  readonly wanted: string
  /** Value where the request says nothing; undefined: the request must say something. */
  readonly otherwise: Json | undefined
  readonly immutable?: true
}

const recordTypes = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'TXT', 'SRV', 'CAA', 'PTR']

/** Of 1 to `max` printable characters: control characters would forge lines in logs and ledgers. */
const isText = (value: Json, max: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= max && !/\p{Cc}/u.test(value)

const isCidr = (value: Json): boolean => {
  const [address = '', bits = '', ...rest] = typeof value === 'string' ? value.split('/') : []
  const most = isIPv4(address) ? 32 : 128
  return rest.length === 0 && isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most
}

const reference = (wanted: string): Field => ({
  holds: (v) => v === null || isText(v, 64),
  wanted,
  otherwise: null,
})

const fields: { readonly [K in Kind]: { readonly [name: string]: Field } } = {
  networks: {
    cidr: {
      holds: isCidr,
      wanted: 'an address range such as 10.0.0.0/24',
      otherwise: undefined,
      immutable: true,
    },
  },
  vms: {
    size: {
      holds: (v) => v === 's' || v === 'm' || v === 'l',
      wanted: 's, m or l',
      otherwise: undefined,
    },
    network: reference('the id of a network, or null'),
    ip: reference('the id or the address of an ip, or null'),
  },
  ips: { network: reference('the id of a network, or null') },
  dns_records: {
    type: {
      holds: (v) => typeof v === 'string' && recordTypes.includes(v),
      wanted: `one of ${recordTypes.join(', ')}`,
      otherwise: undefined,
      immutable: true,
    },
    ttl: {
      holds: (v) => Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 2_147_483_647,
      wanted: 'whole seconds from 0 to 2147483647',
      otherwise: 300,
    },
    records: {
      holds: (v) => Array.isArray(v) && v.length > 0 && v.length <= 100 && v.every(isRecord),
      wanted: 'a list of 1 to 100 strings',
      otherwise: undefined,
    },
  },
}

const isRecord = (value: Json) => isText(value, 4_096)

const invalid = (field: string, message: string): E.Either<Answer, never> =>
  E.left(refusal(422, 'invalid', `${field} ${message}`, { field }))

const decodeTags = (value: Json): E.Either<Answer, Tags> => {
  if (!isJsonObject(value)) return invalid('tags', 'must be an object of strings')
  const entries = Object.entries(value)
  if (entries.length > 50) return invalid('tags', 'must be at most 50')
  const tags: [string, string][] = []
  for (const [key, tag] of entries) {
    // The first colon separates key and value in `?tag=KEY:VALUE`.
    if (!isText(key, 128) || key.includes(':')) return invalid('tags', 'has a key that is no tag')
    if (typeof tag !== 'string' || (tag !== '' && !isText(tag, 256))) {
      return invalid(`tags.${key}`, 'must be a string of at most 256 characters')
    }
    tags.push([key, tag])
  }
  return E.right(Object.fromEntries(tags))
}

/** `address` of a vm is another word for its `ip`, so that an ip's output can be used as it is. */
const withoutAlias = (kind: Kind, rest: JsonObject): E.Either<Answer, JsonObject> => {
  if (kind !== 'vms' || rest['address'] === undefined) return E.right(rest)
  const { address, ...others } = rest
  if (others['ip'] !== undefined) return invalid('address', 'and ip exclude each other')
  return E.right({ ...others, ip: address })
}

const decodeSpec = (
  kind: Kind,
  given: JsonObject,
  before: JsonObject | null,
  partly: boolean,
): E.Either<Answer, JsonObject> => {
  const spec: { [name: string]: Json } = {}
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields[kind], name)) return invalid(name, `is no field of ${kind}`)
  }
  for (const [name, field] of Object.entries(fields[kind])) {
    const old = before?.[name]
    const kept = partly || field.immutable === true ? old : undefined
    const value = given[name] ?? (given[name] === null ? null : (kept ?? field.otherwise))
    if (value === undefined) return invalid(name, `is missing: ${field.wanted}`)
    if (!field.holds(value)) return invalid(name, `must be ${field.wanted}`)
    if (field.immutable === true && old !== undefined && old !== value) {
      return E.left(refusal(422, 'immutable', `${name} cannot be changed`, { field: name }))
    }
    spec[name] = value
  }
  return E.right(spec)
}

/**
 * Checks a body. `before` is the spec that an update starts from, null for a create; with `partly`
 * what the body does not name stays, else it falls back to its default.
 */
export const decodeWanted = (
  kind: Kind,
  body: Json,
  before: JsonObject | null,
  partly: boolean,
): E.Either<Answer, Wanted> => {
  if (!isJsonObject(body)) {
    return E.left(refusal(400, 'bad_request', 'the body must be a JSON object'))
  }
  const { name = null, tags = null, ...rest } = body
  if (name === null && before === null) return invalid('name', 'is missing')
  if (name !== null && !isText(name, 255)) {
    return invalid('name', 'must be a string of 1 to 255 printable characters')
  }
  const given = withoutAlias(kind, rest)
  if (E.isLeft(given)) return given
  const spec = decodeSpec(kind, given.right, before, partly)
  if (E.isLeft(spec)) return spec
  const decodedTags = tags === null ? E.right(null) : decodeTags(tags)
  if (E.isLeft(decodedTags)) return decodedTags
  return checkRecords(kind, {
    name: typeof name === 'string' ? name : null,
    spec: spec.right,
    tags: decodedTags.right,
  })
}

/** An A record must be an IPv4 address, and so on: servers refuse such things after the fact. */
const checkRecords = (kind: Kind, wanted: Wanted): E.Either<Answer, Wanted> => {
  const { type, records } = wanted.spec
  const decoded = Array.isArray(records) && typeof type === 'string'
  if (kind !== 'dns_records' || !decoded) return E.right(wanted)
  const bad =
    (type === 'A' && !records.every((r) => typeof r === 'string' && isIPv4(r))) ||
    (type === 'AAAA' && !records.every((r) => typeof r === 'string' && isIPv6(r))) ||
    (type === 'CNAME' && records.length !== 1)
  return bad ? invalid('records', `are not what type ${type} takes`) : E.right(wanted)
}
