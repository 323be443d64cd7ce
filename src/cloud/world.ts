/**
 * The authoritative state of every account, with enough history to show it as lagging replicas see
 * it. Nothing is copied per replica and no timer moves a status: a view is a resource's versions
 * looked at from an earlier moment.
 */
import type { Json, JsonObject } from '../domain/json.ts'
import type { Clock } from './clock.ts'
import type { Kind, Tags } from './kinds.ts'
import { idPrefix } from './kinds.ts'
import { Ordered } from './ordered.ts'
import { idDigits } from './random.ts'

/** One version of a resource. Never changed once written. */
export interface Body {
  readonly name: string
  readonly spec: JsonObject
  readonly tags: Tags
  readonly last_intent: string | null
  /** The highest X-Generation that wrote it; -1 before the first. */
  readonly generation: number
  /** Grows by one with every write. */
  readonly revision: number
  /** What the server adds: an address, a count of reboots. */
  readonly outputs: JsonObject
  readonly written_at: number
  /** BUILD until then. */
  readonly ready_at: number
  readonly failed: boolean
  /** DELETING, and gone from then on; null: it stays. */
  readonly gone_at: number | null
}

export interface Resource {
  readonly seq: number
  readonly id: string
  readonly kind: Kind
  readonly account: string
  readonly created_at: number
  /** Oldest first; those that no replica can show any more are dropped. */
  readonly versions: Body[]
  trimmed: boolean
  /** Index keys, with the number of kept versions that have them. */
  readonly keys: Map<string, number>
  /** What this resource refers to, and what refers to it. */
  references: readonly Resource[]
  readonly used_by: Set<Resource>
}

export type Status = 'BUILD' | 'ACTIVE' | 'ERROR' | 'DELETING'

/** A resource as it looked at some moment. */
export interface Seen {
  readonly resource: Resource
  readonly body: Body
  readonly status: Status
}

export interface Reserved {
  readonly seq: number
  readonly id: string
}

/** All resources of one kind in one account. */
interface Shelf {
  readonly all: Ordered<Resource>
  readonly by_id: Map<string, Resource>
  readonly by_key: Map<string, Ordered<Resource>>
}

const indexKeys = (body: Body): readonly string[] => {
  const keys = [`name:${body.name}`]
  for (const [key, value] of Object.entries(body.tags)) keys.push(`tag:${key}:${value}`)
  if (typeof body.outputs['address'] === 'string') keys.push(`address:${body.outputs['address']}`)
  return keys
}

const statusAt = (body: Body, at: number): Status => {
  if (body.gone_at !== null) return 'DELETING'
  if (at < body.ready_at) return 'BUILD'
  return body.failed ? 'ERROR' : 'ACTIVE'
}

/** The resource as it looked at `at`; null: it was not there yet, or not any more. */
export const seenAt = (resource: Resource, at: number): Seen | null => {
  let body = resource.versions.findLast((version) => version.written_at <= at)
  if (body === undefined && resource.trimmed) body = resource.versions[0]
  if (body === undefined || (body.gone_at !== null && body.gone_at <= at)) return null
  return { resource, body, status: statusAt(body, at) }
}

/** What a GET shows. */
export const render = ({ resource, body, status }: Seen): JsonObject => ({
  id: resource.id,
  name: body.name,
  status,
  ...body.spec,
  ...body.outputs,
  tags: body.tags,
  last_intent: body.last_intent,
  generation: body.generation < 0 ? null : body.generation,
  revision: body.revision,
  created_at: new Date(resource.created_at).toISOString(),
  updated_at: new Date(body.written_at).toISOString(),
})

export class World {
  readonly #shelves = new Map<string, Shelf>()
  readonly #clock: Clock
  readonly #seed: number
  readonly #lag_ms: () => number
  /** Deleted, but still to be seen on a lagging replica; about in the order of their going. */
  readonly #leaving = new Set<Resource>()
  #created = 0
  #addresses = 1

  constructor(options: { clock: Clock; seed: number; lag_ms: () => number }) {
    this.#clock = options.clock
    this.#seed = options.seed
    this.#lag_ms = options.lag_ms
  }

  #shelf(account: string, kind: Kind): Shelf {
    const key = `${kind} ${account}`
    const known = this.#shelves.get(key)
    if (known !== undefined) return known
    const fresh: Shelf = { all: new Ordered(), by_id: new Map(), by_key: new Map() }
    this.#shelves.set(key, fresh)
    return fresh
  }

  /** The next public address: 100.64.0.0/10, which nobody routes. */
  nextAddress(): string {
    const n = this.#addresses++ % 0x40_0000
    return `100.${64 + (n >>> 16)}.${(n >>> 8) & 255}.${n & 255}`
  }

  /** The number and the id of the next resource. An id tells neither its name nor its number. */
  reserve(kind: Kind): Reserved {
    const seq = ++this.#created
    return { seq, id: `${idPrefix[kind]}-${idDigits(this.#seed, seq)}` }
  }

  create(
    { seq, id }: Reserved,
    { account, kind }: { readonly account: string; readonly kind: Kind },
    body: Body,
    references: readonly Resource[],
  ): Resource {
    const resource: Resource = {
      seq,
      id,
      kind,
      account,
      created_at: body.written_at,
      versions: [],
      trimmed: false,
      keys: new Map(),
      references: [],
      used_by: new Set(),
    }
    const shelf = this.#shelf(account, kind)
    shelf.all.add(resource)
    shelf.by_id.set(resource.id, resource)
    this.write(resource, body, references)
    return resource
  }

  /** Makes `body` the newest version. A body with `gone_at` lets go of what it referred to. */
  write(resource: Resource, body: Body, references: readonly Resource[]): void {
    for (const old of resource.references) old.used_by.delete(resource)
    resource.references = body.gone_at === null ? references : []
    for (const used of resource.references) used.used_by.add(resource)

    resource.versions.push(body)
    for (const key of indexKeys(body)) {
      const count = resource.keys.get(key) ?? 0
      if (count === 0) this.#index(resource, key)
      resource.keys.set(key, count + 1)
    }
    if (body.gone_at !== null) this.#leaving.add(resource)
    this.#trim(resource)
    this.#forgetGone()
  }

  /** Authoritative, by id. */
  now(account: string, kind: Kind, id: string): Seen | null {
    return this.seen(account, kind, id, this.#clock.now())
  }

  /** By id, as it looked at `at`. */
  seen(account: string, kind: Kind, id: string, at: number): Seen | null {
    const resource = this.#shelf(account, kind).by_id.get(id)
    return resource === undefined ? null : seenAt(resource, at)
  }

  /** In the order of creation, those after number `after` that had all `keys` at `at`. */
  *list(
    account: string,
    kind: Kind,
    query: { readonly keys: readonly string[]; readonly after: number; readonly at: number },
  ): Generator<Seen> {
    this.#forgetGone()
    const shelf = this.#shelf(account, kind)
    let smallest = shelf.all
    for (const key of query.keys) {
      const posting = shelf.by_key.get(key)
      if (posting === undefined) return
      if (posting.size < smallest.size) smallest = posting
    }
    for (const resource of smallest.after(query.after)) {
      const seen = seenAt(resource, query.at)
      if (seen === null) continue
      const keys = query.keys.length === 0 ? [] : indexKeys(seen.body)
      if (query.keys.every((key) => keys.includes(key))) yield seen
    }
  }

  /** Everything there is, authoritative: account, kind, resources. */
  *everything(): Generator<readonly [account: string, kind: Kind, resources: readonly Json[]]> {
    const at = this.#clock.now()
    for (const shelf of this.#shelves.values()) {
      const seen = [...shelf.all.after(0)].flatMap((resource) => seenAt(resource, at) ?? [])
      const [first] = seen
      if (first !== undefined) yield [first.resource.account, first.resource.kind, seen.map(render)]
    }
  }

  #index(resource: Resource, key: string): void {
    const { by_key } = this.#shelf(resource.account, resource.kind)
    const posting = by_key.get(key) ?? new Ordered()
    by_key.set(key, posting)
    posting.add(resource)
  }

  #unindex(resource: Resource, key: string): void {
    const { by_key } = this.#shelf(resource.account, resource.kind)
    const posting = by_key.get(key)
    posting?.remove(resource)
    if (posting?.size === 0) by_key.delete(key)
  }

  /** Drops the versions that even the slowest replica has left behind. */
  #trim(resource: Resource): void {
    const { versions, keys } = resource
    const oldest = this.#clock.now() - this.#lag_ms()
    let count = 0
    while ((versions[count + 1]?.written_at ?? Infinity) <= oldest) count += 1
    if (count === 0) return
    resource.trimmed = true
    for (const key of versions.splice(0, count).flatMap(indexKeys)) {
      const left = (keys.get(key) ?? 0) - 1
      if (left > 0) keys.set(key, left)
      else {
        keys.delete(key)
        this.#unindex(resource, key)
      }
    }
  }

  #forgetGone(): void {
    const oldest = this.#clock.now() - this.#lag_ms()
    for (const resource of this.#leaving) {
      if ((resource.versions.at(-1)?.gone_at ?? Infinity) > oldest) return
      this.#leaving.delete(resource)
      const shelf = this.#shelf(resource.account, resource.kind)
      shelf.all.remove(resource)
      shelf.by_id.delete(resource.id)
      for (const key of resource.keys.keys()) this.#unindex(resource, key)
    }
  }
}
