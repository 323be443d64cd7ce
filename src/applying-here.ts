/**
 * An applier of the deciding process itself, entered with the first intent that asks for it. Should its lock be lost,
 * others may take over what it has in hand: it claims no more, lets that end, and enters anew as another worker. The
 * process is its program's, and goes on.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { enterAndApply, type Applying } from './applying.ts'
import type { Logger } from './domain/ports.ts'
import type { Telemetry } from './domain/telemetry-ports.ts'
import { within } from './domain/within.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { createNotices } from './reconcile/notices.ts'
import { settle_ms, startSweep } from './worker/worker.ts'

/** How often it is tried to enter again, while the database is away. */
const enter_again_ms = 1_000

interface Entered extends Applying {
  readonly stopSweep: () => void
}

interface Place {
  readonly enter: (onLost: (reason: string) => void) => Promise<Entered>
  /** `kept_ms`: how long it may take, besides, to write what calls were answered. */
  readonly end: (entered: Entered, kept_ms: number) => Promise<void>
  readonly keep_answers_ms: number
  readonly logger: Logger
}

/** One place in the database at a time: lost, it is given up and taken anew. */
const keeping = ({ enter, end, keep_answers_ms, logger }: Place) => {
  let entered: Promise<Entered> | null = null
  let renewal: Promise<void> | null = null
  let leaving: Promise<void> | null = null

  const giveUp = async (lost: Promise<Entered>, reason: string): Promise<void> => {
    logger.warn({}, `applying here has ended, and begins anew: ${reason}`)
    await lost
      .then((here) => end(here, keep_answers_ms))
      .catch((error: unknown) => {
        logger.warn({ error }, 'what applied here could not take its leave')
      })
  }

  const start = (): Promise<Entered> => {
    const mine: Promise<Entered> = enter((reason) => {
      if (entered !== mine || leaving !== null) return
      entered = null
      renewal = giveUp(mine, reason).finally(() => {
        renewal = null
        void wakeAgain()
      })
    }).catch((error: unknown) => {
      if (entered === mine) entered = null
      throw error
    })
    return mine
  }

  const wake = async (): Promise<void> => {
    // What the one before has in hand would be taken from it by the next one.
    await renewal
    // A worker that entered now would stay when all else has ended.
    if (leaving !== null) throw new Error('this process has stopped applying')
    entered ??= start()
    await (await entered).applier.wake()
  }

  /** There may be nobody else: what was decided does not wait for another decision. */
  const wakeAgain = async (): Promise<void> => {
    while (leaving === null && entered === null) {
      await wake().catch(() => pause(enter_again_ms, undefined, { ref: false }))
    }
  }

  const leave = async (): Promise<void> => {
    await renewal
    const here = await entered?.catch(() => null)
    if (here !== undefined && here !== null) await end(here, 0)
  }
  return { wake, leave: (): Promise<void> => (leaving ??= leave()) }
}

export const applyHere = (
  options: EngineOptions,
  engine: Pick<Engine, 'decide' | 'providers' | 'budgets' | 'reconcileDeps'> & {
    readonly telemetry: Telemetry
  },
) => {
  const { sweep_interval_ms, drain_timeout_ms, keep_answers_ms } = options.config.limits
  const notices = createNotices(engine.reconcileDeps)
  const place = keeping({
    logger: options.logger,
    enter: async (onLost) => {
      const here = await enterAndApply(options, engine, onLost)
      // Nobody else may see to what becomes due without a decision, or to what webhooks tell.
      const sweeping = { ...options, ...here, sweep_interval_ms, onFatal: onLost }
      return { ...here, stopSweep: startSweep({ ...sweeping, onSweep: notices.tick }) }
    },
    keep_answers_ms,
    end: async ({ stopSweep, applier, leave }, kept_ms) => {
      stopSweep()
      // A database that is away answers nobody: outcomes are written in time, or looked up by others.
      const drained = within(drain_timeout_ms + kept_ms + settle_ms, () =>
        applier.drain(drain_timeout_ms),
      )
      await drained.catch(() => undefined)
      await leave()
    },
  })
  return {
    wake: place.wake,
    leave: async (): Promise<void> => {
      await Promise.all([place.leave(), notices.stop(drain_timeout_ms)])
    },
  }
}
