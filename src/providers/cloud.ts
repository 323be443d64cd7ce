/** The simulated cloud (`foreword cloud`) as providers: what `httpProvider` needs to be told, and no code. */
import * as t from 'io-ts'
import { rule, strictObject, wholeNumber } from '../domain/codec/parts.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { AnyProvider, Traits } from '../domain/provider.ts'
import type { HttpDeclaration } from './http-declaration.ts'
import { pick } from './http-template.ts'
import { httpProvider } from './http.ts'

/** Where the simulated cloud is, and which traits its kinds shall have. */
export interface CloudOptions {
  readonly url: string
  /** Other names for the kinds, where `dns_record` is PowerDNS's, say. */
  readonly kinds?: Partial<Record<CloudKind, string>>
  /** The cloud remembers idempotency keys (its fault profile has `tokens`). Default: it does not, and is looked into. */
  readonly tokens?: boolean
  readonly traits?: Partial<Traits>
  /** Sent with every request: a secret by reference, for a gateway in front of it. */
  readonly headers?: HttpDeclaration<unknown>['headers']
}

export const cloudKinds = ['network', 'vm', 'ip', 'dns_record'] as const
export type CloudKind = (typeof cloudKinds)[number]

const ttl_max = 2_147_483_647
const token_valid_ms = 60_000

const Size = rule<'s' | 'm' | 'l'>('s, m or l', (value) =>
  value === 's' || value === 'm' || value === 'l' ? undefined : '',
)

const specs = {
  network: strictObject({ cidr: t.string }, {}),
  vm: strictObject({ size: Size }, { network: t.string, ip: t.string, address: t.string }),
  ip: strictObject({}, { network: t.string }),
  dns_record: strictObject(
    { type: t.string, records: t.readonlyArray(t.string) },
    { ttl: wholeNumber(0, ttl_max) },
  ),
}

/** Fields of each kind's state. The cloud shows null for what was never set; a spec leaves it out. */
const fields: { readonly [K in CloudKind]: readonly string[] } = {
  network: ['cidr'],
  vm: ['size', 'network', 'ip', 'address'],
  ip: ['network'],
  dns_record: ['type', 'ttl', 'records'],
}

const stateOf =
  (kind: CloudKind) =>
  (body: JsonObject): Json =>
    Object.fromEntries(
      Object.entries(pick(body, fields[kind])).filter(([, value]) => value !== null),
    )

/** What a PUT of the whole state cannot change. */
const immutable: { readonly [K in CloudKind]: readonly string[] } = {
  network: ['cidr'],
  vm: [],
  ip: [],
  dns_record: ['type'],
}

const outputs: { readonly [K in CloudKind]: readonly string[] } = {
  network: ['id'],
  vm: ['id', 'address', 'reboots'],
  ip: ['id', 'address'],
  dns_record: ['id'],
}

const declare = (kind: CloudKind, options: CloudOptions): HttpDeclaration<unknown> => {
  const path = `/v1/${kind}s`
  const one = `${path}/{external_id}`
  const items = { path, items: 'items', next: { cursor: 'next', query: 'after' } }
  const { tokens = false } = options
  return {
    kind: options.kinds?.[kind] ?? kind,
    // Objects of JSON values by construction; strictObject does not say so in its type.
    spec: specs[kind] as t.Type<unknown, Json>,
    base_url: options.url,
    headers: { ...options.headers, 'X-Account': '{scope}', 'X-Intent': '{idempotency_key}' },
    ...(tokens ? { idempotency: { header: 'Idempotency-Key' } } : {}),
    generation: { header: 'X-Generation' },
    traits: {
      ...(tokens ? { idempotency: 'token', token_valid_ms } : { idempotency: 'lookup' }),
      settle_ms: 1_000,
      sightings: 2,
      account: `${new URL(options.url).host}/{scope}`,
      ...options.traits,
    },
    create: { method: 'POST', path },
    read: { path: one },
    update: { method: 'PUT', path: one },
    delete: { method: 'DELETE', path: one },
    ...(kind === 'vm'
      ? { calls: { reboot: { method: 'POST', path: `${one}/reboot`, body: 'none' } } }
      : {}),
    id: 'id',
    names: kind === 'dns_record' ? 'unique' : 'free',
    immutable: immutable[kind],
    state: stateOf(kind),
    outputs: outputs[kind],
    revision: 'revision',
    ready: { path: 'status', pending: ['BUILD', 'DELETING'], failed: ['ERROR'] },
    read_by_name: { ...items, query: { name: '{name}' } },
    find: { ...items, query: { intent: '{idempotency_key}' }, key: 'tags.intent' },
    list: items,
    codes: {
      quota_exceeded: 'rejected',
      not_ready: 'retry',
      idempotent_gone: 'gone',
      // The first try with this key may still have its effect: neither can be called undone.
      in_progress: 'unknown',
      idempotency_mismatch: 'unknown',
      no_such_path: 'rejected',
    },
  }
}

/** Providers of network, vm, ip and dns_record. The scope is the cloud's account. */
export const simulatedCloud = (options: CloudOptions): readonly AnyProvider[] =>
  cloudKinds.map((kind) => httpProvider(declare(kind, options)))
