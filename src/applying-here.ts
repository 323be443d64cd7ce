/**
 * An applier of the deciding process itself, entered with the first intent that asks for it. Should its lock be lost,
 * others may take over what it has in hand: it claims no more, lets that end, and enters anew as another worker. The
 * process is its program's, and goes on. Where another release is deployed under it, it ends for good: others take over.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { enterAndApply, type Applying } from './applying.ts'
import type { Logger } from './domain/ports.ts'
import type { Telemetry } from './domain/telemetry-ports.ts'
import { within } from './domain/within.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { createNotices } from './reconcile/notices.ts'
import { ofOtherRelease, watchRelease, type ReleaseWatch } from './store/release-watch.ts'
import { settle_ms, startSweep } from './worker/worker.ts'

/** How often it is tried to enter again, while the database is away. */
const enter_again_ms = 1_000

interface Entered extends Applying {
  readonly stopSweep: () => void
}

interface Place {
  /** `onOver`: nobody of this program may enter any more. */
  readonly enter: (
    onLost: (reason: string) => void,
    onOver: (reason: string) => void,
  ) => Promise<Entered>
  /** `kept_ms`: how long it may take, besides, to write what calls were answered. */
  readonly end: (entered: Entered, kept_ms: number) => Promise<void>
  readonly keep_answers_ms: number
  /** Whoever leaves waits no longer for what was given up before. */
  readonly leave_ms: number
  readonly logger: Logger
}

/** One place in the database at a time: lost, it is given up and taken anew. */
const keeping = ({ enter, end, keep_answers_ms, leave_ms, logger }: Place) => {
  let entered: Promise<Entered> | null = null
  let renewal: Promise<void> | null = null
  let leaving: Promise<void> | null = null
  let over: string | null = null

  const giveUp = async (lost: Promise<Entered>, kept_ms: number): Promise<void> => {
    const here = await lost.catch(() => null)
    if (here === null) return
    await end(here, kept_ms).catch((error: unknown) => {
      logger.warn({ error }, 'what applied here could not take its leave')
    })
  }

  const onOver = (reason: string): void => {
    if (over !== null || leaving !== null) return
    over = reason
    logger.error({}, `applying here has ended: ${reason}; start this program again`)
    // Another release may have no place for its answers: they are not waited for.
    if (entered !== null) renewal = giveUp(entered, 0)
    entered = null
  }

  const start = (): Promise<Entered> => {
    const mine: Promise<Entered> = enter((reason) => {
      if (entered !== mine || leaving !== null) return
      entered = null
      logger.warn({}, `applying here has ended, and begins anew: ${reason}`)
      renewal = giveUp(mine, keep_answers_ms).finally(() => {
        renewal = null
        void wakeAgain()
      })
    }, onOver).catch((error: unknown) => {
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
    if (over !== null) throw new Error(over)
    entered ??= start()
    await (await entered).applier.wake()
  }

  /** There may be nobody else: what was decided does not wait for another decision. */
  const wakeAgain = async (): Promise<void> => {
    while (leaving === null && over === null && entered === null) {
      await wake().catch(() => pause(enter_again_ms, undefined, { ref: false }))
    }
  }

  const leave = async (): Promise<void> => {
    // A program that is told to close has its bound, also while answers wait for a database that is away.
    await Promise.race([renewal, pause(leave_ms, undefined, { ref: false })])
    const here = await entered?.catch(() => null)
    if (here !== undefined && here !== null) await end(here, 0)
  }
  return { wake, over: () => over, leave: (): Promise<void> => (leaving ??= leave()) }
}

export const applyHere = (
  options: EngineOptions,
  engine: Pick<Engine, 'sql' | 'decide' | 'providers' | 'budgets' | 'reconcileDeps'> & {
    readonly telemetry: Telemetry
  },
) => {
  const { sweep_interval_ms, drain_timeout_ms, keep_answers_ms } = options.config.limits
  const notices = createNotices(engine.reconcileDeps)
  let release: ReleaseWatch | null = null
  const place = keeping({
    logger: options.logger,
    enter: async (onLost, onOver) => {
      // Of the release that it entered first: what was deployed while its lock was lost is another one.
      if (release === null) release = await watchRelease(engine.sql, onOver)
      else if (!(await release.isOurs())) throw new Error('the database is of another release')
      const { tick } = release
      const here = await enterAndApply(options, engine, onLost)
      // Nobody else may see to what becomes due without a decision, or to what webhooks tell.
      const onSweep = (): void => {
        notices.tick()
        tick()
      }
      const sweeping = { ...options, ...here, sweep_interval_ms, onFatal: onLost, onSweep }
      return { ...here, stopSweep: startSweep(sweeping) }
    },
    keep_answers_ms,
    leave_ms: drain_timeout_ms + settle_ms,
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
    /** Throws a ForewordError once this program applies no more, since its database is of another release. */
    unlessOver:
      (run: Engine['decideHere']): Engine['decideHere'] =>
      async (decider, asked) => {
        const over = place.over()
        if (over !== null) throw ofOtherRelease(options.url, over)
        return run(decider, asked)
      },
    leave: async (): Promise<void> => {
      await Promise.all([place.leave(), notices.stop(drain_timeout_ms)])
    },
  }
}
