/** Whether a secondary shows an effect yet: by its HTTP API, or by DNS as everyone else sees it. */
import { Resolver } from 'node:dns/promises'
import * as E from 'fp-ts/lib/Either.js'
import { isJsonObject } from '../domain/json.ts'
import type { Call } from '../domain/provider.ts'
import { canonical } from './http-codec.ts'
import { at } from './http-template.ts'
import { get, powerdnsApi, rrsetsOf, zonePath, type Api, type Server } from './powerdns-api.ts'
import { RecordSpec, type ZoneSpec } from './powerdns-codec.ts'

interface Place {
  readonly name: string
  readonly type: string
  readonly zone: string
}

export interface Secondary {
  /** The serial of the zone as the secondary holds it; null: it holds none, or does not say. */
  serialOf(call: Call): Promise<number | null>
  showsZone(call: Call<ZoneSpec>): Promise<boolean>
  showsRecords(call: Call<RecordSpec>, place: Place): Promise<boolean>
}

/** `{ url, api_key }`: asked by HTTP. `{ dns: '192.0.2.3:53' }`: asked by DNS. */
export type SecondaryOptions = Server | { readonly dns: string }

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index])

const contents = (records: readonly string[]): readonly string[] => {
  const normal = canonical(RecordSpec, { ttl: 0, records })
  return E.isRight(normal) && isJsonObject(normal.right)
    ? (normal.right['records'] as readonly string[])
    : []
}

/** Disabled records are not transferred: to a secondary they are none. */
const isAbsent = (call: Call<RecordSpec>): boolean =>
  call.verb === 'delete' || call.spec.disabled === true

const byHttp = (server: Server): Secondary => {
  const api = powerdnsApi(server)
  const setOf = async (call: Call, { name, type, zone }: Place) => {
    const query = { rrset_name: name, rrset_type: type }
    const body = await get(api, zonePath(api, zone), call, query)
    return rrsetsOf(body ?? null).find((set) => set.name === name && set.type === type)
  }
  return {
    serialOf: async (call) => {
      const serial = at(await get(api, zonePath(api, call.name), call), 'serial')
      return typeof serial === 'number' ? serial : null
    },
    showsZone: async (call) => {
      const set = await setOf(call, { name: call.name, type: 'NS', zone: call.name })
      if (set === undefined) return false
      return same(contents(set.records.map(({ content }) => content)), call.spec.nameservers)
    },
    showsRecords: async (call, place) => {
      const set = await setOf(call, place)
      if (set === undefined || isAbsent(call)) return (set === undefined) === isAbsent(call)
      const shown = contents(set.records.map(({ content }) => content))
      return set.ttl === call.spec.ttl && same(shown, call.spec.records)
    },
  }
}

const no_answer = new Set(['ENODATA', 'ENOTFOUND', 'EREFUSED', 'ESERVFAIL'])

/** Empty: the server says that there is nothing, or does not hold the zone yet. */
const orNothing = async <A>(answer: Promise<readonly A[]>): Promise<readonly A[]> => {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && no_answer.has(String((error as { code?: unknown }).code)))
      return []
    throw error
  }
}

const absolute = (name: string): string => (name.endsWith('.') ? name : `${name}.`)

/** Contents as a zone file writes them; null: a type that Node's resolver does not ask for. */
const askFor = async (
  resolver: Resolver,
  { name, type }: Place,
): Promise<readonly string[] | null> => {
  switch (type) {
    case 'A':
    case 'AAAA':
    case 'NS':
    case 'CNAME':
    case 'PTR': {
      const found = await orNothing(resolver.resolve(name, type))
      return contents(type === 'A' || type === 'AAAA' ? found : found.map(absolute))
    }
    case 'MX':
      return contents(
        (await orNothing(resolver.resolveMx(name))).map(
          ({ priority, exchange }) => `${priority} ${absolute(exchange)}`,
        ),
      )
    case 'SRV':
      return contents(
        (await orNothing(resolver.resolveSrv(name))).map(
          ({ priority, weight, port, name: target }) =>
            `${priority} ${weight} ${port} ${absolute(target)}`,
        ),
      )
    default:
      return null
  }
}

/** RFC 1982: serials go round. */
const notOlder = (serial: number, than: number): boolean => ((serial - than) | 0) >= 0

const byDns = (server: string, primary: Api): Secondary => {
  const resolver = new Resolver({ timeout: 2_000, tries: 1 })
  resolver.setServers([server])
  const serialOf = async (zone: string): Promise<number | null> => {
    const [soa] = await orNothing(resolver.resolveSoa(zone).then((found) => [found]))
    return soa?.serial ?? null
  }
  /** The way for every other type: the secondary holds the zone as the primary has it now. */
  const isUpToDate = async (call: Call, zone: string): Promise<boolean> => {
    const body = await get(primary, zonePath(primary, zone), call, {
      rrset_name: zone,
      rrset_type: 'SOA',
    })
    const shown = await serialOf(zone)
    const serial = at(body, 'serial')
    return shown !== null && typeof serial === 'number' && notOlder(shown, serial)
  }
  return {
    serialOf: (call) => serialOf(call.name),
    showsZone: async (call) => {
      const place = { name: call.name, type: 'NS', zone: call.name }
      return same((await askFor(resolver, place)) ?? [], call.spec.nameservers)
    },
    showsRecords: async (call, place) => {
      const shown = await askFor(resolver, place)
      if (shown === null) return isUpToDate(call, place.zone)
      if (!isAbsent(call)) return same(shown, call.spec.records)
      // A wildcard may go on answering for the name: what was there must be gone.
      const before = at(call.before, 'records')
      const was = Array.isArray(before) ? contents(before as readonly string[]) : []
      return was.length === 0 ? shown.length === 0 : !shown.some((content) => was.includes(content))
    },
  }
}

export const secondaryOf = (options: SecondaryOptions, primary: Api): Secondary =>
  'dns' in options ? byDns(options.dns, primary) : byHttp(options)
