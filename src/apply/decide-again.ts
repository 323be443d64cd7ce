/**
 * Decides again what went stale, where its decider is registered. What is to be decided again stands in the
 * log, under a lease, since whoever took it back may die before it does; a decision that comes of it marks
 * it as done in its own transaction, so that it is done once.
 */
import { failPoint } from '../domain/fail-point.ts'
import type { ApplyLog, Logger, StaleDecision } from '../domain/ports.ts'
import type { DecideResult } from '../domain/result.ts'
import { backoff_ms } from '../domain/retry-policy.ts'
import { coalesced } from './coalesced.ts'

/** Each holds a session of the deciders' pool while it runs. */
const at_once_max = 4

export interface DecideAgainDeps {
  readonly log: Pick<ApplyLog, 'claimAgain' | 'endAgain'>
  readonly worker: number
  /** Names of the deciders that are known here. */
  readonly deciders: readonly string[]
  readonly decide: (stale: StaleDecision) => Promise<DecideResult>
  readonly logger: Logger
}

export interface DecideAgain {
  /** Decides what is due; never throws, since whatever is missed is due again. */
  readonly wake: () => Promise<void>
  /** Begins no more; resolves when what runs has ended. */
  readonly stop: () => Promise<void>
}

const decideOne = async (deps: DecideAgainDeps, stale: StaleDecision): Promise<void> => {
  const { log, logger, worker } = deps
  const { decision, decider, tries } = stale
  const later = () => log.endAgain(worker, decision, null, 20 * backoff_ms(tries))
  try {
    failPoint('before_decide_again')
    const result = await deps.decide(stale)
    failPoint('after_decide_again')
    logger.info({ decision, decider, result: result.type }, 'decided again')
    if (result.type === 'decided') return
    // What is paused goes on some day, and what was taken back is decided again then.
    const is_paused = result.type === 'refused' && result.paused === true
    await (result.type === 'gave_up' || is_paused
      ? later()
      : log.endAgain(worker, decision, result.type, null))
  } catch (error) {
    logger.error({ error, decision, decider }, 'deciding again failed')
    await later()
  }
}

export const createDecideAgain = (deps: DecideAgainDeps): DecideAgain => {
  let stopped = false
  const run = coalesced(async () => {
    for (;;) {
      const due = stopped || deps.deciders.length === 0 ? [] : await claimed()
      if (due.length === 0) return
      await Promise.all(due.map((stale) => decideOne(deps, stale)))
    }
  })
  const claimed = () => deps.log.claimAgain(deps.worker, deps.deciders, at_once_max)
  const wake = async (): Promise<void> => {
    try {
      await run()
    } catch (error) {
      deps.logger.error({ error }, 'deciding again failed; the sweep tries again')
    }
  }
  return {
    wake,
    stop: async () => {
      stopped = true
      await wake()
    },
  }
}
