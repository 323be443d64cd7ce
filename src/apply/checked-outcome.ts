/**
 * Providers are people's code: what one answers with is an outcome, or as good as no answer. Taken on trust, a
 * typing mistake would end the process with all that it had in hand, and a wait of NaN be one for ever.
 */
import { timer_ms_max } from '../domain/codec/provider.ts'
import { unknown, type Outcome } from '../domain/provider.ts'

const types: ReadonlySet<unknown> = new Set<Outcome['type']>([
  'applied',
  'rejected',
  'accepted',
  'unknown',
])

const isOutcome = (answer: unknown): answer is Outcome =>
  typeof answer === 'object' && answer !== null && types.has(Reflect.get(answer, 'type'))

/** A wait as it can be waited for. What is no number asks for none in particular. */
export const wait_ms = (asked: unknown): number =>
  typeof asked === 'number' && Number.isFinite(asked)
    ? Math.min(timer_ms_max, Math.max(0, asked))
    : 0

const shown = (answer: unknown): string => {
  if (answer === undefined || answer === null) return String(answer)
  return typeof answer === 'object' ? 'an object of no known type' : `a ${typeof answer}`
}

/** The outcome that a provider answered with. */
export const checkedOutcome = (answer: unknown): Outcome => {
  if (!isOutcome(answer)) {
    return unknown(`the provider answered with ${shown(answer)}, and no outcome`)
  }
  if (answer.type === 'rejected' && answer.retry_after_ms !== undefined) {
    return { ...answer, retry_after_ms: wait_ms(answer.retry_after_ms) }
  }
  return answer.type === 'accepted' && answer.poll_after_ms !== undefined
    ? { ...answer, poll_after_ms: wait_ms(answer.poll_after_ms) }
    : answer
}
