/**
 * Which hints a worker acts on. All workers hear of every decision, and one claim is enough: whoever finds
 * that others have taken everything since the last hint lets more and more of them pass. The queue gives its
 * job to one worker only, and that one acts on it, unless it has just acted on the same news.
 */

/** Of so many hints a worker that never finds anything acts on one. */
const passes_max = 15
/** The queue's job comes some milliseconds after the channel's news, seldom later than this. */
const same_news_ms = 2_000

export interface HintsDeps {
  /** Intents that this worker has claimed so far. */
  readonly claimed: () => number
  readonly wake: () => void
  /** A clock that only goes forward, in milliseconds. */
  readonly now: () => number
}

export interface Hints {
  /** By the channel. */
  readonly heard: () => void
  /** By the queue: whether there is reason to act on it. */
  readonly news: () => boolean
}

export const createHints = ({ claimed, wake, now }: HintsDeps): Hints => {
  let claimed_before = 0
  let in_vain = 0
  let passed = 0
  let acted_at = -Infinity
  return {
    heard: () => {
      const total = claimed()
      in_vain = total > claimed_before ? 0 : in_vain + 1
      claimed_before = total
      if (passed < Math.min(in_vain - 1, passes_max)) {
        passed += 1
        acted_at = -Infinity
        return
      }
      passed = 0
      acted_at = now()
      wake()
    },
    news: () => now() - acted_at >= same_news_ms,
  }
}
