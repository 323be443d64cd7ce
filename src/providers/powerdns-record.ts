/** Record sets of PowerDNS: `www.example.org./A`. REPLACE is an idempotent upsert. */
import * as E from 'fp-ts/lib/Either.js'
import type { JsonObject } from '../domain/json.ts'
import {
  applied,
  rejected,
  type Call,
  type Listed,
  type Look,
  type Outcome,
  type Provider,
  type Sighting,
  type Traits,
} from '../domain/provider.ts'
import { canonical } from './http-codec.ts'
import {
  beforehand,
  commentOf,
  get,
  isDone,
  isOf,
  refused,
  rrsetsOf,
  zonePath,
  type Api,
  type RRset,
} from './powerdns-api.ts'
import { isDnsName, isReplica, RecordSpec, type ZoneKind } from './powerdns-codec.ts'
import type { Secondary } from './powerdns-secondary.ts'
import type { Suffixes } from './powerdns-suffix.ts'
import { zonesOf } from './powerdns-zone.ts'
import { OutcomeUnknown } from './transport.ts'

export interface SetName {
  readonly name: string
  readonly type: string
}

/** `www.example.org./A` in its parts; null: no such name. A name may have slashes itself (RFC 2317). */
export const setNameOf = (resource: string): SetName | null => {
  const slash = resource.lastIndexOf('/')
  const name = resource.slice(0, slash)
  const type = resource.slice(slash + 1)
  return slash > 0 && isDnsName(name) && /^[A-Z][A-Z0-9]*$/.test(type) ? { name, type } : null
}

const badName = (name: string): string =>
  `${name} is no record set: write an absolute name in lower case, / and the type, as in www.example.org./A`

interface Place extends SetName {
  readonly zone: string
}

interface Records {
  readonly api: Api
  readonly account: string
  readonly suffixes: Suffixes
}

/** Where a record set lives: where it was put, else where its spec says, else in the longest suffix. */
const placeOf = async (records: Records, of: Look, zone?: string): Promise<Place | null> => {
  const named = setNameOf(of.name)
  if (named === null) throw new Error(badName(of.name))
  const known = of.outputs['zone']
  if (typeof known === 'string') return { ...named, zone: known }
  const found = zone ?? (await records.suffixes.zoneOf(named, of))
  return found === null ? null : { ...named, zone: found }
}

/**
 * A set of which every record is disabled is a disabled set. One of which only some are has no spec of
 * its own: the enabled ones are what DNS shows, and the rest shows as drift.
 */
const stateOf = (rrset: RRset, zone: string): JsonObject => {
  const enabled = rrset.records.filter(({ disabled }) => !disabled)
  const disabled = enabled.length === 0
  const shown = disabled ? rrset.records : enabled
  return { ttl: rrset.ttl, records: shown.map(({ content }) => content), disabled, zone }
}

const sightingOf = (rrset: RRset, zone: string, revision: string): Sighting => {
  const state = canonical(RecordSpec, stateOf(rrset, zone))
  if (E.isLeft(state)) {
    throw new OutcomeUnknown(`${rrset.name}/${rrset.type}: the answer is odd: ${state.left}`)
  }
  return {
    state: state.right,
    external_id: `${zone}/${rrset.name}/${rrset.type}`,
    outputs: { zone, fqdn: rrset.name },
    ...(revision === '' ? {} : { revision }),
  }
}

interface Seen {
  readonly rrset: RRset
  readonly sighting: Sighting
}

const look = async (records: Records, of: Look, zone?: string): Promise<Seen | null> => {
  const { api } = records
  const place = await placeOf(records, of, zone)
  if (place === null) return null
  const query = { rrset_name: place.name, rrset_type: place.type }
  const body = await get(api, zonePath(api, place.zone), of, query)
  if (body === undefined) records.suffixes.forget()
  const rrset = rrsetsOf(body ?? null).find(
    ({ name, type }) => name === place.name && type === place.type,
  )
  return rrset === undefined ? null : { rrset, sighting: sightingOf(rrset, place.zone, '') }
}

const patch = async (
  records: Records,
  call: Call<RecordSpec>,
  rrset: (place: Place) => JsonObject,
): Promise<Outcome> => {
  const { api, suffixes } = records
  const named = setNameOf(call.name)
  if (named === null) return rejected(badName(call.name))
  const was = call.outputs['zone']
  const wanted = call.verb === 'delete' ? undefined : call.spec.zone
  if (typeof was === 'string' && wanted !== undefined && was !== wanted) {
    return rejected(
      `${call.name} is in zone ${was}, and cannot be moved to ${wanted}: delete it first`,
    )
  }
  const place = await beforehand(async () => placeOf(records, call, call.spec.zone))
  const gone = call.verb === 'delete'
  if (place === null)
    return gone ? applied(null) : rejected(`no zone of this server holds ${named.name}`)
  const body = { rrsets: [{ name: place.name, type: place.type, ...rrset(place) }] }
  const answer = await api.ask({ method: 'PATCH', path: zonePath(api, place.zone) }, call, { body })
  if (answer.reply.status === 404) {
    suffixes.forget()
    if (gone) return applied(null)
  }
  if (!isDone(answer)) return refused(answer, call)
  if (gone) return applied(null)
  return applied(RecordSpec.encode({ disabled: false, ...call.spec, zone: place.zone }), {
    external_id: `${place.zone}/${place.name}/${place.type}`,
    outputs: { ...call.outputs, zone: place.zone, fqdn: place.name },
  })
}

const put = async (records: Records, call: Call<RecordSpec>): Promise<Outcome> =>
  patch(records, call, () => ({
    changetype: 'REPLACE',
    ttl: call.spec.ttl,
    records: call.spec.records.map((content) => ({
      content,
      disabled: call.spec.disabled ?? false,
    })),
    comments: [commentOf(call, records.account)],
  }))

const list = async function* (
  records: Records,
  of: Omit<Look, 'name' | 'external_id' | 'outputs'>,
): AsyncGenerator<Listed> {
  const { api } = records
  const anyone: Look = { ...of, name: '', external_id: null, outputs: {} }
  for (const zone of await zonesOf(api, anyone)) {
    // What a replica holds is written elsewhere.
    if (isReplica(zone.kind as ZoneKind)) continue
    const body = await get(api, zonePath(api, zone.name), anyone)
    for (const rrset of rrsetsOf(body ?? null)) {
      const of_the_zone = rrset.name === zone.name && rrset.type === 'NS'
      if (of_the_zone || rrset.type === 'SOA') continue
      yield { ...sightingOf(rrset, zone.name, ''), name: `${rrset.name}/${rrset.type}` }
    }
  }
}

export const recordProvider = (
  records: Records,
  options: {
    readonly kind: string
    readonly traits: Traits
    readonly secondary: Secondary | null
  },
): Provider<RecordSpec, RecordSpec> => {
  const { secondary } = options
  return {
    kind: options.kind,
    spec: RecordSpec,
    state: RecordSpec,
    traits: options.traits,
    create: async (call) => put(records, call),
    update: async (call) => put(records, call),
    delete: async (call) => patch(records, call, () => ({ changetype: 'DELETE' })),
    read: async (of) => (await look(records, of))?.sighting ?? null,
    find: async (call) => {
      const seen = await look(records, call, call.spec.zone)
      return seen !== null && isOf(seen.rrset, call) ? seen.sighting : null
    },
    list: (of) => list(records, of),
    ...(secondary === null
      ? {}
      : {
          confirm: async (call: Call<RecordSpec>) => {
            const place = await placeOf(records, call, call.spec.zone)
            if (place === null) return call.verb === 'delete' ? 'shown' : 'not_yet'
            return (await secondary.showsRecords(call, place)) ? 'shown' : 'not_yet'
          },
        }),
  }
}
