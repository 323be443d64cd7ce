/**
 * Decides what happens to each request. Request n of a client has its own throw, which depends on
 * the seed, the client and n only: the same client doing the same things meets the same faults,
 * whatever the others do meanwhile.
 */
import { bits, hashText, uniform } from './random.ts'
import { requestFaults } from './faults.ts'
import type { Faults, RequestFault, Rule } from './faults.ts'

export interface Asked {
  readonly client: string
  readonly account: string
  readonly method: string
  /** Path with query. */
  readonly path: string
}

/** The fate of one request. */
export interface Throw {
  readonly number: number
  readonly fault: RequestFault | null
  /** Whether a request that hangs has its effect. */
  readonly hang_effect: boolean
  readonly delay_ms: number
  /** 500 or 502, for an error after the effect. */
  readonly error_status: number
  /** Which replica serves it, if it is a read. */
  readonly replica: number
  readonly build_fails: boolean
}

/** Each use of chance has a channel of its own, so that changing one probability moves no other. */
const channel = {
  hang: 101,
  delay: 102,
  status: 103,
  replica: 104,
  build: 105,
  rule: 1_000,
} as const

interface LoadedRule {
  readonly rule: Rule
  readonly path: RegExp | null
  hits: number
}

const loadRules = (rules: readonly Rule[]): readonly LoadedRule[] =>
  rules.map((rule) => ({
    rule,
    path: rule.path_regex === undefined ? null : new RegExp(rule.path_regex),
    hits: 0,
  }))

const concerns = ({ rule, path, hits }: LoadedRule, asked: Asked): boolean =>
  (rule.n === undefined || hits < rule.n) &&
  (rule.account === undefined || rule.account === asked.account) &&
  (rule.method === undefined || rule.method.toUpperCase() === asked.method) &&
  (path === null || path.test(asked.path))

const between = ([min, max]: readonly [number, number], chance: number): number =>
  min + (max - min) * chance

export class Dice {
  #faults: Faults
  #seed: number
  #rules: readonly LoadedRule[]
  readonly #thrown = new Map<string, number>()
  readonly #hits = new Map<string, number>()
  #requests = 0

  constructor(seed: number, faults: Faults) {
    this.#seed = seed
    this.#faults = faults
    this.#rules = loadRules(faults.match)
  }

  get faults(): Faults {
    return this.#faults
  }

  get seed(): number {
    return this.#seed
  }

  /** How many requests there were, and how many each fault has hit. */
  get counts(): {
    readonly requests: number
    readonly faults: { readonly [fault: string]: number }
  } {
    return { requests: this.#requests, faults: Object.fromEntries(this.#hits) }
  }

  /** New faults from now on; the rules' hits count from 0 again. */
  change(faults: Faults): void {
    // Kept as they are when the caller did not touch them, so that a spent rule stays spent.
    if (faults.match !== this.#faults.match) this.#rules = loadRules(faults.match)
    this.#faults = faults
  }

  /** Every client's next request is its first one again, under this seed. */
  reseed(seed: number): void {
    this.#seed = seed
    this.#thrown.clear()
    this.#rules = loadRules(this.#faults.match)
  }

  throw(asked: Asked): Throw {
    const number = (this.#thrown.get(asked.client) ?? 0) + 1
    this.#thrown.set(asked.client, number)
    this.#requests += 1
    const base = bits(this.#seed, hashText(asked.client), number)
    const chance = (what: number) => uniform(base, what)

    const byRule = this.#tryRules(asked, chance)
    const fault = byRule.fault ?? this.#tryGeneral(chance)
    if (fault !== null) this.#hits.set(fault, (this.#hits.get(fault) ?? 0) + 1)
    return {
      number,
      fault,
      hang_effect: byRule.effect ?? chance(channel.hang) < 0.5,
      delay_ms: byRule.delay_ms + between(this.#faults.delay_ms, chance(channel.delay)),
      error_status: chance(channel.status) < 0.5 ? 500 : 502,
      replica: Math.floor(chance(channel.replica) * this.#faults.replicas),
      build_fails: chance(channel.build) < this.#faults.build_error,
    }
  }

  #tryRules(asked: Asked, chance: (what: number) => number) {
    let delay_ms = 0
    for (const [index, loaded] of this.#rules.entries()) {
      const { rule } = loaded
      if (!concerns(loaded, asked)) continue
      if (chance(channel.rule + 2 * index) >= (rule.p ?? 1)) continue
      loaded.hits += 1
      if (rule.fault !== 'delay') return { fault: rule.fault, effect: rule.effect, delay_ms }
      delay_ms += between(rule.ms ?? [0, 0], chance(channel.rule + 2 * index + 1))
    }
    return { fault: null, effect: undefined, delay_ms }
  }

  #tryGeneral(chance: (what: number) => number): RequestFault | null {
    for (const [index, fault] of requestFaults.entries()) {
      if (chance(index) < this.#faults[fault]) return fault
    }
    return null
  }
}
