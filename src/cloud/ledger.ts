/** The independent record of what really happened: one line per effect, in the order of the effects. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Json, JsonObject } from '../domain/json.ts'
import { ForewordError } from '../domain/errors.ts'

export interface Effect {
  readonly account: string
  readonly kind: string
  /** create, update, delete, reboot; drift for a hand change. */
  readonly verb: string
  readonly id: string
  readonly name: string
  /** X-Intent, else Idempotency-Key, else the tag `intent` of the body; null by hand. */
  readonly intent: string | null
  readonly by: 'api' | 'hand'
  readonly request_body: Json
}

export interface LedgerEntry extends Effect {
  /** 1 for the first effect; without gaps. */
  readonly seq: number
  /** ISO 8601, UTC. */
  readonly at: string
}

const openFile = (path: string): number => {
  try {
    return openSync(path, 'a')
  } catch (error) {
    throw new ForewordError('the ledger cannot be written', {
      where: path,
      remedy: 'give --ledger a file in a folder that exists and is writable',
      exit_code: 2,
      cause: error,
    })
  }
}

export class Ledger {
  readonly #entries: LedgerEntry[] = []
  #file: number | null

  /** With a path, each line is in the file before its effect is answered. Throws ForewordError. */
  constructor(path: string | null) {
    this.#file = path === null ? null : openFile(path)
  }

  append(now: number, effect: Effect): void {
    const entry = { seq: this.#entries.length + 1, at: new Date(now).toISOString(), ...effect }
    // Written synchronously and first: a line that cannot be written must prevent its effect, and a
    // killed process must not have had effects that its file does not show.
    if (this.#file !== null) writeSync(this.#file, `${JSON.stringify(entry)}\n`)
    this.#entries.push(entry)
  }

  /** Entries after `seq`, oldest first. */
  after(seq: number, filter: { account: string | null; limit: number }): readonly LedgerEntry[] {
    const found: LedgerEntry[] = []
    for (let i = Math.max(0, seq); i < this.#entries.length; i += 1) {
      if (found.length >= filter.limit) break
      const entry = this.#entries[i]
      if (entry === undefined) break
      if (filter.account === null || entry.account === filter.account) found.push(entry)
    }
    return found
  }

  /** Effects per intent and in total. Changes by hand are counted apart: they have no intent. */
  summary(account: string | null): JsonObject {
    const intents = new Map<string, number>()
    const totals = new Map<string, number>()
    let by_hand = 0
    let without_intent = 0
    const entries = this.after(0, { account, limit: Infinity })
    for (const { by, intent, kind, verb } of entries) {
      totals.set(`${kind} ${verb}`, (totals.get(`${kind} ${verb}`) ?? 0) + 1)
      if (by === 'hand') by_hand += 1
      else if (intent === null) without_intent += 1
      else intents.set(intent, (intents.get(intent) ?? 0) + 1)
    }
    const repeated = [...intents].filter(([, count]) => count > 1)
    return {
      effects: entries.length,
      by_hand,
      without_intent,
      distinct_intents: intents.size,
      max: repeated.reduce((most, [, count]) => Math.max(most, count), Math.min(1, intents.size)),
      repeated: Object.fromEntries(repeated),
      totals: Object.fromEntries(totals),
      intents: Object.fromEntries(intents),
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }
}
