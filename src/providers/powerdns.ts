/** PowerDNS Authoritative Server 4.7 and later, by its HTTP API: zones and record sets. See docs/providers.md. */
import { defaultTraits, type AnyProvider, type Traits } from '../domain/provider.ts'
import { call_timeout_ms, concurrency, powerdnsApi, type Server } from './powerdns-api.ts'
import { recordProvider } from './powerdns-record.ts'
import { secondaryOf, type SecondaryOptions } from './powerdns-secondary.ts'
import { Suffixes } from './powerdns-suffix.ts'
import { zoneProvider } from './powerdns-zone.ts'

/** Where PowerDNS is, and how its zones and records are kept. */
export interface PowerdnsOptions extends Server {
  /** Written as the account of zones and comments, so that people see whose they are. Default `foreword`. */
  readonly account?: string
  /** Where an effect must show before it is confirmed. Absent: the API of the primary is proof enough. */
  readonly secondary?: SecondaryOptions
  /** How long the secondary may lag, in milliseconds. Default 15,000 with a secondary, else 0. */
  readonly settle_ms?: number
  /** Names of the two kinds. Default `dns_zone` and `dns_record`. */
  readonly kinds?: { readonly zone?: string; readonly record?: string }
  /** Calls and looks per second that the server may be sent by all workers, both kinds together. */
  readonly rate?: NonNullable<Traits['rate']>
}

const settle_with_secondary_ms = 15_000

/** Two providers, zones first. Throws nothing: the server is first asked when something is to be done. */
export const powerdns = (options: PowerdnsOptions): readonly AnyProvider[] => {
  const { account = 'foreword', kinds = {}, rate } = options
  const api = powerdnsApi(options)
  const secondary = options.secondary === undefined ? null : secondaryOf(options.secondary, api)
  const suffixes = new Suffixes(api)
  const traits: Traits = {
    ...defaultTraits,
    call_timeout_ms,
    concurrency,
    account: typeof options.url === 'string' ? new URL(options.url).host : 'powerdns',
    settle_ms: options.settle_ms ?? (secondary === null ? 0 : settle_with_secondary_ms),
    // The API reads what it wrote; only a secondary has to be waited for.
    sightings: secondary === null ? 0 : 1,
    ...(rate === undefined ? {} : { rate }),
  }
  return [
    zoneProvider(api, {
      kind: kinds.zone ?? 'dns_zone',
      account,
      traits: { ...traits, idempotency: 'lookup' },
      secondary,
      changed: () => suffixes.forget(),
    }),
    recordProvider(
      { api, account, suffixes },
      {
        kind: kinds.record ?? 'dns_record',
        traits: { ...traits, idempotency: 'natural' },
        secondary,
      },
    ),
  ]
}
