/**
 * Specs of zones and record sets. Decoding normalises: what means the same to DNS is the same state,
 * so that order and letter case are never taken for drift.
 */
import { isIPv6 } from 'node:net'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { rule, strictObject, wholeNumber } from '../domain/codec/parts.ts'
import type { Json } from '../domain/json.ts'

const ttl_max = 2_147_483_647

/** An absolute domain name in lower case: one thing has one name, or two resources would own one record set. */
export const isDnsName = (name: string): boolean =>
  name.length <= 255 && (name === '.' || /^([^\s.A-Z\p{Cc}]{1,63}\.)+$/u.test(name))

const hostname_pattern = /^([\w*-]{1,63}\.)+$/i
const Hostname = rule<string>(
  'an absolute host name',
  (value) => (typeof value === 'string' && hostname_pattern.test(value) ? undefined : ''),
  'write it with the dot at its end, as in ns1.example.org.',
)

const Zone = rule<string>(
  'an absolute zone name',
  (value) => (typeof value === 'string' && isDnsName(value.toLowerCase()) ? undefined : ''),
  'write it with the dot at its end, as in example.org.',
)

const kinds = ['Native', 'Master', 'Slave', 'Producer', 'Consumer', 'Primary', 'Secondary'] as const
export type ZoneKind = 'Native' | 'Master' | 'Slave' | 'Producer' | 'Consumer'

const Kind = rule<(typeof kinds)[number]>(`a kind of zone (${kinds.join(', ')})`, (value) =>
  kinds.some((kind) => kind === value) ? undefined : '',
)

const filled = <A>(codec: t.Type<A>, what: string): t.Type<readonly A[]> =>
  rule<readonly A[]>(`a list of ${what}`, (value) => {
    if (!Array.isArray(value)) return ''
    if (value.length === 0) return 'may not be empty'
    const odd = value.findIndex((member) => !codec.is(member))
    return odd < 0 ? undefined : `member ${odd + 1} is not ${codec.name}`
  })

export interface ZoneSpec {
  /** Sorted, in lower case. Empty for a Slave or Consumer, which gets them from its masters. */
  readonly nameservers: readonly string[]
  readonly kind?: ZoneKind
  readonly masters?: readonly string[]
  readonly soa_edit_api?: string
}

export interface RecordSpec {
  /** Seconds. */
  readonly ttl: number
  /** Contents as in a zone file, sorted; names absolute, TXT in quotes. */
  readonly records: readonly string[]
  readonly disabled?: boolean
  /** The zone that holds it. Absent: the longest known suffix of the name. */
  readonly zone?: string
}

const sorted = (values: readonly string[]): readonly string[] => [...new Set(values)].sort()

const kindOf = (kind: (typeof kinds)[number]): ZoneKind => {
  if (kind === 'Primary') return 'Master'
  return kind === 'Secondary' ? 'Slave' : kind
}

/** Whether the zone's content comes from elsewhere: then nothing can be written into it. */
export const isReplica = (kind: ZoneKind | undefined): boolean =>
  kind === 'Slave' || kind === 'Consumer'

const ZoneShape = strictObject(
  { nameservers: t.readonlyArray(Hostname, 'a list of absolute host names') },
  {
    kind: Kind,
    masters: filled(t.string, 'addresses'),
    soa_edit_api: t.string,
  },
)
type ZoneShape = t.TypeOf<typeof ZoneShape>

const zoneOf = ({ nameservers, kind, masters, soa_edit_api }: ZoneShape): ZoneSpec => ({
  nameservers: sorted(nameservers.map((name) => name.toLowerCase())),
  ...(kind === undefined ? {} : { kind: kindOf(kind) }),
  ...(masters === undefined ? {} : { masters: sorted(masters) }),
  ...(soa_edit_api === undefined ? {} : { soa_edit_api }),
})

const RecordShape = strictObject(
  { ttl: wholeNumber(0, ttl_max), records: filled(t.string, 'record contents') },
  { disabled: t.boolean, zone: Zone },
)
type RecordShape = t.TypeOf<typeof RecordShape>

/** The one way to write a content. Quoted and encoded ones are left: their case has a meaning. */
const contentOf = (content: string): string => {
  if (isIPv6(content)) {
    return URL.parse(`http://[${content}]/`)?.hostname.slice(1, -1) ?? content.toLowerCase()
  }
  const ends_in_name = /^(\d+ +)*([\w*-]+\.)+$/.test(content)
  return ends_in_name ? content.toLowerCase().replace(/ +/g, ' ') : content
}

const recordOf = ({ ttl, records, disabled, zone }: RecordShape): RecordSpec => ({
  ttl,
  records: sorted(records.map(contentOf)),
  ...(disabled === undefined ? {} : { disabled }),
  ...(zone === undefined ? {} : { zone: zone.toLowerCase() }),
})

/** A codec whose decoding ends in the normal form; `fault` sees that form and may still refuse it. */
const normal = <Shape, Spec>(
  name: string,
  shape: t.Type<Shape, unknown>,
  normalise: (shape: Shape) => Spec,
  fault: (spec: Spec) => string | undefined = () => undefined,
): t.Type<Spec, Json> =>
  new t.Type<Spec, Json>(
    name,
    (u): u is Spec => E.isRight(shape.decode(u)),
    (u, context) => {
      const decoded = shape.validate(u, context)
      if (E.isLeft(decoded)) return decoded
      const spec = normalise(decoded.right)
      const message = fault(spec)
      return message === undefined ? t.success(spec) : t.failure(u, context, message)
    },
    // Specs are plain JSON objects; interfaces have no index signature, hence the cast.
    (spec) => spec as unknown as Json,
  )

export const ZoneSpec: t.Type<ZoneSpec, Json> = normal(
  'a zone',
  ZoneShape,
  zoneOf,
  ({ kind, nameservers, masters }) => {
    if (isReplica(kind)) {
      if (nameservers.length > 0) return `a ${String(kind)} gets its nameservers from its masters`
      return masters === undefined ? `a ${String(kind)} needs masters` : undefined
    }
    return nameservers.length === 0 ? 'nameservers may not be empty' : undefined
  },
)

export const RecordSpec: t.Type<RecordSpec, Json> = normal('a record set', RecordShape, recordOf)

/** State of a zone: as its spec, but whatever the server shows is a fact, a replica with nameservers too. */
export const ZoneState: t.Type<ZoneSpec, Json> = normal('a zone', ZoneShape, zoneOf)
