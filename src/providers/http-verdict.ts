/** What an HTTP status, or an error code in the body, says about whether the effect happened. */
import { Throttled } from '../domain/provider.ts'
import { OutcomeUnknown, type Reply } from './transport.ts'

/**
 * - `applied`: it happened. `gone`: it was done once, and nothing is there any more.
 * - `rejected`: it certainly did not happen, for good. `retry`: it did not happen, worth another try.
 * - `accepted`: it was taken on, and the answer says which operation it is.
 * - `unknown`: nobody can tell from this answer.
 */
export type Verdict = 'applied' | 'accepted' | 'gone' | 'rejected' | 'retry' | 'unknown'

export interface Rules {
  readonly statuses?: { readonly [status: number]: Verdict }
  readonly codes?: { readonly [code: string]: Verdict }
  /** 5xx statuses by which this API promises that nothing was done, such as a 503 of its rate limiter. */
  readonly not_done?: readonly number[]
}

/** Answers that every sane API gives before it does anything. Others, 408 and 5xx above all, may follow a deed. */
const nothing_done = new Set([400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422])

/** A code in the body is more specific than a status, and a declaration more than the default. */
export const verdictOf = (
  answer: { readonly verb: string; readonly status: number; readonly code: string | undefined },
  rules: Rules,
): Verdict => {
  const { verb, status, code } = answer
  if (status >= 200 && status < 300) return rules.statuses?.[status] ?? 'applied'
  const by_code = code === undefined ? undefined : rules.codes?.[code]
  const declared = by_code ?? rules.statuses?.[status]
  if (declared !== undefined) return declared
  if (status === 429 || rules.not_done?.includes(status) === true) return 'retry'
  if (verb === 'delete' && (status === 404 || status === 410)) return 'gone'
  return nothing_done.has(status) ? 'rejected' : 'unknown'
}

const retry_after_default_ms = 1_000
const retry_after_max_ms = 3_600_000

const header = (reply: Pick<Reply, 'headers'>, name: string): string | undefined => {
  const value = reply.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/**
 * Milliseconds that Retry-After asks for; one second without it, an hour at most. A date is taken
 * relative to the answer's own Date, so that a skewed clock here does not matter.
 */
export const retryAfter = (reply: Pick<Reply, 'headers'>, now: Date): number => {
  const asked = header(reply, 'retry-after')?.trim()
  if (asked === undefined || asked === '') return retry_after_default_ms
  if (/^\d+(\.\d+)?$/.test(asked)) return Math.min(Number(asked) * 1_000, retry_after_max_ms)
  const until = Date.parse(asked)
  if (Number.isNaN(until)) return retry_after_default_ms
  const sent_at = Date.parse(header(reply, 'date') ?? '')
  const from = Number.isNaN(sent_at) ? now.getTime() : sent_at
  return Math.min(Math.max(until - from, 0), retry_after_max_ms)
}

/** What is thrown where an answer tells nothing. 429, and 503 with Retry-After, are for the whole account. */
export const unknownAfter = (reply: Pick<Reply, 'status' | 'headers'>, reason: string): Error =>
  reply.status === 429 || (reply.status === 503 && header(reply, 'retry-after') !== undefined)
    ? new Throttled(reason, retryAfter(reply, new Date()))
    : new OutcomeUnknown(reason)

/** What a `retry` means: not done, worth another try; and for a rate limiter's answer, for the whole account. */
export const retryOf = (
  reply: Pick<Reply, 'status' | 'headers'>,
  now: Date,
): { readonly retry_after_ms: number; readonly throttled?: boolean } => ({
  retry_after_ms: retryAfter(reply, now),
  ...(reply.status === 429 || reply.status === 503 ? { throttled: true } : {}),
})
