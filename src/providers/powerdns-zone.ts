/** Zones of PowerDNS. Their intent is written into the comment of the nameservers' record set. */
import * as E from 'fp-ts/lib/Either.js'
import type { Json, JsonObject } from '../domain/json.ts'
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
import { refusalOf } from './http-look.ts'
import { at, textAt } from './http-template.ts'
import {
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
import { isDnsName, isReplica, ZoneSpec, ZoneState, type ZoneKind } from './powerdns-codec.ts'
import type { Secondary } from './powerdns-secondary.ts'
import { OutcomeUnknown } from './transport.ts'

/** The TTL of the nameservers' records, which a zone's spec does not name; PowerDNS's own default. */
const nameservers_ttl_s = 3_600

interface Seen {
  readonly sighting: Sighting
  readonly nameservers: RRset | undefined
}

const seenOf = (body: Json): Seen => {
  const name = (textAt(body, 'name') ?? '').toLowerCase()
  const nameservers = rrsetsOf(body).find((set) => set.name === name && set.type === 'NS')
  const masters = at(body, 'masters')
  const kind = (textAt(body, 'kind') ?? 'Native') as ZoneKind
  const state = canonical(ZoneState, {
    nameservers: isReplica(kind) ? [] : (nameservers?.records ?? []).map(({ content }) => content),
    kind,
    soa_edit_api: at(body, 'soa_edit_api') ?? '',
    ...(Array.isArray(masters) && masters.length > 0 ? { masters: masters as Json } : {}),
  })
  if (E.isLeft(state)) throw new OutcomeUnknown(`zone ${name}: the answer is odd: ${state.left}`)
  const sighting: Sighting = {
    state: state.right,
    external_id: name,
    outputs: { account: at(body, 'account') ?? '' },
    revision: textAt(body, 'edited_serial') ?? '',
  }
  return { sighting, nameservers }
}

const look = async (api: Api, of: Look): Promise<Seen | null> => {
  const query = { rrset_name: of.name, rrset_type: 'NS' }
  const body = await get(api, zonePath(api, of.name), of, query)
  return body === undefined ? null : seenOf(body)
}

const nameserversOf = (call: Call<ZoneSpec>, account: string): JsonObject => ({
  name: call.name,
  type: 'NS',
  ttl: nameservers_ttl_s,
  records: call.spec.nameservers.map((content) => ({ content, disabled: false })),
  comments: [commentOf(call, account)],
})

const settingsOf = ({ spec }: Call<ZoneSpec>): JsonObject => ({
  kind: spec.kind ?? 'Master',
  soa_edit_api: spec.soa_edit_api ?? 'DEFAULT',
  ...(spec.masters === undefined ? {} : { masters: spec.masters }),
})

const invalidName = ({ name }: Call): Outcome =>
  rejected(`${name} is no absolute zone name in lower case, as in example.org.`)

const soa_fields = 7
const serial_field = 2
const serials = 2 ** 32

/** What the server writes into a new zone's SOA, `@` standing for the zone; null: it does not say. */
const defaultSoa = async (api: Api, call: Call): Promise<readonly string[] | null> => {
  const settings = await get(api, api.config, call)
  const all = Array.isArray(settings) ? (settings as readonly Json[]) : []
  const content = textAt(all.find((s) => at(s, 'name') === 'default-soa-content') ?? null, 'value')
  const fields = (content ?? '').replaceAll('@', call.name).split(/\s+/)
  if (fields.length !== soa_fields) return null
  // The two names in it may stand without their last dot there, but not in a record.
  return fields.map((field, i) => (i < serial_field && !field.endsWith('.') ? `${field}.` : field))
}

/**
 * A zone that was deleted stays at its secondaries, and they take no zone for new whose serial is not above
 * theirs: made again, it begins where they are. Nothing where none of them holds it, or none can be asked.
 */
const soaAbove = async (
  api: Api,
  secondary: Secondary | null,
  call: Call,
): Promise<readonly JsonObject[]> => {
  const held = await secondary?.serialOf(call).catch(() => null)
  if (held === null || held === undefined) return []
  const soa = await defaultSoa(api, call)
  if (soa === null) return []
  const content = soa.with(serial_field, String((held + 1) % serials)).join(' ')
  const records = [{ content, disabled: false }]
  return [{ name: call.name, type: 'SOA', ttl: nameservers_ttl_s, changetype: 'REPLACE', records }]
}

const create = async (
  api: Api,
  account: string,
  secondary: Secondary | null,
  call: Call<ZoneSpec>,
): Promise<Outcome> => {
  if (!isDnsName(call.name)) return invalidName(call)
  const soa = isReplica(call.spec.kind) ? [] : await soaAbove(api, secondary, call)
  const body: JsonObject = {
    name: call.name,
    account,
    nameservers: [],
    ...settingsOf(call),
    // One request makes the zone, its nameservers and the comment, or none of them.
    ...(isReplica(call.spec.kind)
      ? {}
      : { rrsets: [{ ...nameserversOf(call, account), changetype: 'REPLACE' }, ...soa] }),
  }
  const answer = await api.ask({ method: 'POST', path: api.zones }, call, { body })
  if (isDone(answer)) return appliedOf(answer.body === undefined ? null : seenOf(answer.body), call)
  if (answer.reply.status !== 409) return refused(answer, call)
  // It exists. Ours from an attempt whose answer was lost, or someone's?
  const seen = await look(api, call)
  if (seen !== null && isOf(seen.nameservers, call)) return appliedOf(seen, call)
  const whose = textAt(seen?.sighting.outputs, 'account') ?? ''
  return rejected(`the zone exists already, account ${JSON.stringify(whose)}; import it instead`)
}

const appliedOf = (seen: Seen | null, call: Call<ZoneSpec>): Outcome => {
  const { state, outputs } = seen?.sighting ?? { state: ZoneSpec.encode(call.spec) }
  return applied(state, { external_id: call.name, outputs: outputs ?? call.outputs })
}

/** Two requests, each the same however often it is made. The comment comes last: it says that both are done. */
const update = async (api: Api, account: string, call: Call<ZoneSpec>): Promise<Outcome> => {
  if (!isDnsName(call.name)) return invalidName(call)
  const path = zonePath(api, call.name)
  const settings = await api.ask({ method: 'PUT', path }, call, { body: settingsOf(call) })
  if (!isDone(settings)) return refused(settings, call)
  if (isReplica(call.spec.kind)) return appliedOf(null, call)
  const body = { rrsets: [{ ...nameserversOf(call, account), changetype: 'REPLACE' }] }
  const half = 'the settings are done, the nameservers are not known to be'
  const nameservers = await api
    .ask({ method: 'PATCH', path }, call, { body })
    .catch((error: unknown) => {
      // Not even NotSent may pass as such: half of it has happened.
      throw new OutcomeUnknown(`${half}: ${error instanceof Error ? error.message : '?'}`)
    })
  if (!isDone(nameservers)) throw new OutcomeUnknown(`${half}: ${refusalOf(nameservers)}`)
  return appliedOf(null, call)
}

const remove = async (api: Api, call: Call<ZoneSpec>): Promise<Outcome> => {
  if (!isDnsName(call.name)) return invalidName(call)
  const answer = await api.ask({ method: 'DELETE', path: zonePath(api, call.name) }, call)
  return isDone(answer) || answer.reply.status === 404 ? applied(null) : refused(answer, call)
}

const find = async (api: Api, call: Call<ZoneSpec>): Promise<Sighting | null> => {
  const seen = await look(api, call)
  if (seen === null) return null
  if (isReplica(call.spec.kind)) {
    throw new Error(
      `zone ${call.name} is there, but a ${String(call.spec.kind)} carries no comment to tell whose`,
    )
  }
  return isOf(seen.nameservers, call) ? seen.sighting : null
}

/** Names and kinds of all zones of the server. */
export const zonesOf = async (
  api: Api,
  of: Look,
): Promise<readonly { readonly name: string; readonly kind: string }[]> => {
  const zones = await get(api, api.zones, of, { dnssec: 'false' })
  if (!Array.isArray(zones)) throw new OutcomeUnknown('the answer has no list of zones')
  return (zones as readonly Json[]).map((zone) => ({
    name: (textAt(zone, 'name') ?? '').toLowerCase(),
    kind: textAt(zone, 'kind') ?? '',
  }))
}

const list = async function* (
  api: Api,
  of: Omit<Look, 'name' | 'external_id' | 'outputs'>,
): AsyncGenerator<Listed> {
  const anyone: Look = { ...of, name: '', external_id: null, outputs: {} }
  for (const { name } of await zonesOf(api, anyone)) {
    const seen = await look(api, { ...anyone, name })
    if (seen !== null) yield { ...seen.sighting, name }
  }
}

export const zoneProvider = (
  api: Api,
  options: {
    readonly kind: string
    readonly account: string
    readonly traits: Traits
    readonly secondary: Secondary | null
    /** Told when zones come and go: what is known of suffixes may be wrong from then on. */
    readonly changed: () => void
  },
): Provider<ZoneSpec, ZoneSpec> => {
  const { kind, account, traits, secondary } = options
  const changing = async (outcome: Promise<Outcome>): Promise<Outcome> =>
    outcome.finally(options.changed)
  return {
    kind,
    spec: ZoneSpec,
    state: ZoneState,
    traits,
    create: async (call) => changing(create(api, account, secondary, call)),
    update: async (call) => update(api, account, call),
    delete: async (call) => changing(remove(api, call)),
    read: async (of) => (await look(api, of))?.sighting ?? null,
    find: async (call) => find(api, call),
    list: (of) => list(api, of),
    ...(secondary === null
      ? {}
      : {
          confirm: async (call: Call<ZoneSpec>) => {
            // A zone that is deleted at the primary stays at its secondaries: only the primary can tell.
            if (call.verb === 'delete')
              return (await look(api, call)) === null ? 'shown' : 'not_yet'
            if (isReplica(call.spec.kind))
              return (await look(api, call)) === null ? 'not_yet' : 'shown'
            return (await secondary.showsZone(call)) ? 'shown' : 'not_yet'
          },
        }),
  }
}
