/** What others have told is looked into by whoever works: soon, and not all at once. */
import type { Logger } from '../domain/ports.ts'
import type { Left } from './go-on.ts'
import { observe } from './observe.ts'
import { decideOnDrift } from './on-drift.ts'
import { actOn, pausedIn, type ReconcileDeps, type Target } from './reconcile.ts'

const notices_max = 200

/** Looks into what is due, and acts on what differs, as a run over everything would. Returns how many it looked at. */
const lookInto = (deps: ReconcileDeps) => async (): Promise<number> => {
  const noticed = await deps.store.claimNotices([...deps.providers.keys()], notices_max)
  if (noticed.length === 0) return 0
  const by = { actor: 'foreword/notice', isPaused: pausedIn(await deps.store.paused()) }
  const targets = new Map<string, Target>()
  const unbelieved: Left[] = []
  const { looked } = await deps.telemetry.observe({}, () =>
    observe(deps)({ noticed }, async (batch) => {
      for (const { scope, kind } of batch) {
        targets.set(JSON.stringify([scope, kind]), { scope, kind })
      }
      unbelieved.push(...(await decideOnDrift(deps, batch, by)))
    }),
  )
  const tell = (left: readonly Left[]): void => {
    for (const { scope, resource, reason } of left) {
      deps.logger.warn({ scope, resource, error: new Error(reason) }, 'left as it is')
    }
  }
  tell(unbelieved)
  for (const target of targets.values()) tell((await actOn(deps, [target], target, by)).left)
  return looked
}

export interface Notices {
  /** Looks into what is due, unless it is at it already. Never waits, never throws. */
  readonly tick: () => void
  /** Begins no more, and waits so long for what it is at. False: it still was when the time was up. */
  readonly stop: (timeout_ms: number) => Promise<boolean>
}

/** Its login may carry out what was decided, and not look. */
const isForbidden = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '42501'

export const createNotices = (deps: ReconcileDeps & { readonly logger: Logger }): Notices => {
  const look = lookInto(deps)
  let stopped = false
  let running: Promise<void> | null = null
  return {
    tick: () => {
      if (stopped || running !== null) return
      running = look()
        .then(() => undefined)
        .catch((error: unknown) => {
          if (isForbidden(error)) {
            stopped = true
            return
          }
          // Its lease runs out, and it is looked into again.
          deps.logger.error({ error }, 'what was told was not looked into')
        })
        .finally(() => {
          running = null
        })
    },
    stop: async (timeout_ms) => {
      stopped = true
      if (running === null) return true
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(resolve, timeout_ms, false)
      })
      const ended = await Promise.race([running.then(() => true), late])
      clearTimeout(timer)
      return ended
    },
  }
}
