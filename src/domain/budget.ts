/** Accounts with an API: whose rate it is, and what the answers of the last calls say about it. Pure. */
import type { AnyProvider, Traits } from './provider.ts'

type Paying = Pick<AnyProvider, 'kind' | 'traits'>

/** What pays for the calls of a kind; `{scope}` in it stands for the scope. */
export const accountOf = ({ kind, traits }: Paying): string => traits.account ?? kind

export const accountIn = (account: string, scope: string): string =>
  account.replaceAll('{scope}', () => scope)

/** The rate of the account that a provider calls on: the lowest that any of its kinds declares. */
export const rateOf = (provider: Paying, all: Iterable<Paying>): Traits['rate'] => {
  const account = accountOf(provider)
  const rates = [...all]
    .filter((other) => accountOf(other) === account)
    .flatMap(({ traits }) => (traits.rate === undefined ? [] : [traits.rate]))
  return rates.length === 0
    ? undefined
    : {
        per_second: Math.min(...rates.map((rate) => rate.per_second)),
        burst: Math.min(...rates.map((rate) => rate.burst)),
      }
}

/** Answers that are remembered of each account. */
const recent_max = 20
/** One intent that always fails is that intent's fault. From so many on it may be the API's. */
const strained_intents = 2
const broken_intents = 5
const broken_in_a_row = 8

export interface Strain {
  /** Some of the last calls failed, and not those of one intent only. */
  readonly strained: boolean
  /** So many have failed in a row that the next ones will. */
  readonly broken: boolean
}

/** Watches the answers of one account, each under the name of whom it was for. */
export interface Gauge {
  readonly well: () => void
  readonly failed: (whose: string) => Strain
}

export const createGauge = (): Gauge => {
  /** Who failed; null: it went well. */
  const recent: (string | null)[] = []
  const push = (whose: string | null): void => {
    recent.push(whose)
    if (recent.length > recent_max) recent.shift()
  }
  return {
    well: () => {
      push(null)
    },
    failed: (whose) => {
      push(whose)
      const row = recent.slice(recent.lastIndexOf(null) + 1)
      return {
        strained: new Set(recent.filter((one) => one !== null)).size >= strained_intents,
        broken: row.length >= broken_in_a_row && new Set(row).size >= broken_intents,
      }
    },
  }
}
