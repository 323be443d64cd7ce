/** What was asked and what was answered: the other half of the ledger, for whoever doubts an answer. */
import type { RequestFault } from './faults.ts'

export interface RequestNote {
  readonly account: string
  readonly method: string
  /** Path with query. */
  readonly path: string
  /** X-Intent, else Idempotency-Key. */
  readonly intent: string | null
  /** ISO 8601, UTC: when it came. */
  readonly at: string
}

export interface RequestEntry extends RequestNote {
  /** 1 for the first request; without gaps. */
  readonly seq: number
  readonly fault: RequestFault | null
  /** What was answered; null: nothing yet, or never. */
  readonly status: number | null
  /** Whether the whole answer went out to a client that was still there. */
  readonly heard: boolean
}

type Kept = { -readonly [K in keyof RequestEntry]: RequestEntry[K] }

/** More than a long test makes; a cloud that runs for weeks forgets the oldest. */
const kept_max = 100_000

/** Told once, when the answer has gone out or never will. */
export type Tell = (answered: Pick<RequestEntry, 'fault' | 'status' | 'heard'>) => void

export class Requests {
  readonly #entries: Kept[] = []
  #seq = 0

  note(note: RequestNote): Tell {
    const entry: Kept = { seq: ++this.#seq, ...note, fault: null, status: null, heard: false }
    this.#entries.push(entry)
    // In large steps: shift() of a long array costs as much as a copy of it.
    if (this.#entries.length > 1.1 * kept_max) this.#entries.splice(0, kept_max / 10)
    return (answered) => {
      Object.assign(entry, answered)
    }
  }

  /** Entries after `seq`, oldest first. */
  after(seq: number, filter: { account: string | null; limit: number }): readonly RequestEntry[] {
    return this.#entries
      .filter((e) => e.seq > seq && (filter.account === null || e.account === filter.account))
      .slice(0, filter.limit)
  }
}
