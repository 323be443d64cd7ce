/**
 * Quotas that race, as OpenStack Neutron's do: checked first, counted after a gap. Creates that
 * are in the gap at the same time all see the old count, and together overshoot the limit.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { JsonObject } from '../domain/json.ts'
import type { Kind } from './kinds.ts'

export const metrics = ['cores', 'vms', 'ips'] as const
export type Metric = (typeof metrics)[number]
export type Amounts = { readonly [M in Metric]: number }

const nothing: Amounts = { cores: 0, vms: 0, ips: 0 }
const coresOf: { readonly [size: string]: number } = { s: 1, m: 2, l: 4 }

/** What a resource of this spec takes of the account's quotas. */
export const cost = (kind: Kind, spec: JsonObject): Amounts => {
  if (kind === 'ips') return { ...nothing, ips: 1 }
  if (kind !== 'vms') return nothing
  const size = typeof spec['size'] === 'string' ? spec['size'] : ''
  return { ...nothing, vms: 1, cores: coresOf[size] ?? 0 }
}

const eachMetric = <A>(make: (metric: Metric) => A): { readonly [M in Metric]: A } => ({
  cores: make('cores'),
  vms: make('vms'),
  ips: make('ips'),
})

export const difference = (after: Amounts, before: Amounts): Amounts =>
  eachMetric((metric) => after[metric] - before[metric])

interface Account {
  limit: { readonly [M in Metric]: number | null }
  used: Amounts
}

export class Quotas {
  readonly #accounts = new Map<string, Account>()

  #of(account: string): Account {
    const known = this.#accounts.get(account)
    if (known !== undefined) return known
    const fresh = { limit: eachMetric(() => null), used: nothing }
    this.#accounts.set(account, fresh)
    return fresh
  }

  /** Whether any limit stands in the way of `more`; without one there is nothing to race for. */
  concerns(account: string, more: Amounts): boolean {
    const { limit } = this.#of(account)
    return metrics.some((metric) => more[metric] > 0 && limit[metric] !== null)
  }

  /** The first metric that `more` would take beyond its limit, or null. */
  exceeded(account: string, more: Amounts): Metric | null {
    const { limit, used } = this.#of(account)
    const tooMuch = (metric: Metric) =>
      more[metric] > 0 && used[metric] + more[metric] > (limit[metric] ?? Infinity)
    return metrics.find(tooMuch) ?? null
  }

  count(account: string, more: Amounts): void {
    const entry = this.#of(account)
    entry.used = eachMetric((metric) => entry.used[metric] + more[metric])
  }

  show(account: string): JsonObject {
    const { limit, used } = this.#of(account)
    return eachMetric((metric) => ({ limit: limit[metric], used: used[metric] }))
  }

  /** Sets the limits named in `input`; null lifts one. Left: what is wrong with it. */
  set(account: string, input: JsonObject): E.Either<string, JsonObject> {
    for (const [metric, limit] of Object.entries(input)) {
      if (!metrics.some((known) => known === metric)) return E.left(`${metric} is no quota`)
      const whole = Number.isSafeInteger(limit) && Number(limit) >= 0
      if (limit !== null && !whole) return E.left(`${metric} must be a whole number or null`)
    }
    const entry = this.#of(account)
    entry.limit = { ...entry.limit, ...input }
    return E.right(this.show(account))
  }
}
