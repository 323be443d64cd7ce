/** Idempotency tokens: the same key within its time answers what the first call answered. */
import type { Answer } from './answer.ts'
import { refusal } from './answer.ts'
import type { Resource } from './world.ts'
import { seenAt } from './world.ts'

interface Token {
  /** Method, path and body of the first call. */
  readonly fingerprint: string
  readonly since: number
  /** null while the first call is in progress. */
  done: { readonly answer: Answer; readonly resource: Resource | null } | null
}

/** A call that is the first with its key. Exactly one of the two must be called. */
export interface FirstCall {
  /** It had its effect: remember the answer. `resource`: what must still be there at a replay. */
  readonly keep: (answer: Answer, resource: Resource | null) => void
  /** It had no effect: the key is as good as new. */
  readonly forget: () => void
}

export type Claimed =
  | { readonly type: 'first'; readonly call: FirstCall }
  | { readonly type: 'answered'; readonly answer: Answer }

export class Tokens {
  readonly #tokens = new Map<string, Token>()

  claim(key: string, fingerprint: string, now: number, valid_ms: number): Claimed {
    this.#expire(now - valid_ms)
    const known = this.#tokens.get(key)
    if (known !== undefined && (known.done === null || known.since > now - valid_ms)) {
      return { type: 'answered', answer: this.#again(known, fingerprint, now) }
    }
    const token: Token = { fingerprint, since: now, done: null }
    // Deleted first, so that the map stays in the order of `since`.
    this.#tokens.delete(key)
    this.#tokens.set(key, token)
    const keep = (answer: Answer, resource: Resource | null) => {
      token.done = { answer, resource }
    }
    return { type: 'first', call: { keep, forget: () => this.#tokens.delete(key) } }
  }

  #again(token: Token, fingerprint: string, now: number): Answer {
    if (token.fingerprint !== fingerprint) {
      return refusal(
        422,
        'idempotency_mismatch',
        'this Idempotency-Key was used for another request',
      )
    }
    if (token.done === null) {
      return refusal(409, 'in_progress', 'the first request with this Idempotency-Key goes on')
    }
    const { answer, resource } = token.done
    if (resource !== null) {
      const seen = seenAt(resource, now)
      if (seen === null || seen.status === 'DELETING') {
        const { id } = resource
        return refusal(409, 'idempotent_gone', `${id} was made, and is gone since`, { id })
      }
    }
    return { ...answer, headers: { ...answer.headers, 'Idempotent-Replay': 'true' } }
  }

  /** Forgets from the oldest on; stops at the first that is young or in progress. */
  #expire(oldest: number): void {
    for (const [key, token] of this.#tokens) {
      if (token.done === null || token.since > oldest) return
      this.#tokens.delete(key)
    }
  }
}
