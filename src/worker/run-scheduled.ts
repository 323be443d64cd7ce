/** Runs what a crontab line asks for: a reconcile, or a registered decider. */
import type { decide } from '../decide/decide.ts'
import type { Policy, Schedule } from '../domain/config.ts'
import { nextRunOf } from '../domain/cron-next.ts'
import type { AnyDecider } from '../domain/decider.ts'
import { ForewordError } from '../domain/errors.ts'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import { archiving } from '../domain/retention.ts'
import type { reconcile } from '../reconcile/reconcile.ts'

interface UseCases {
  readonly decide: ReturnType<typeof decide>
  readonly reconcile: ReturnType<typeof reconcile>
}

/** What came of it, in words. Throws where it could not even be begun. */
export const runScheduled = async (
  engine: UseCases,
  deciders: readonly AnyDecider[],
  schedule: Schedule,
): Promise<string> => {
  const actor = `schedule ${schedule.name}`
  const { scope } = schedule
  if (schedule.decider === undefined) {
    const kind = schedule.kind === undefined ? {} : { kind: schedule.kind }
    const done = await engine.reconcile({ scope, actor, due_only: true, ...kind })
    const found = `looked at ${done.looked}, ${done.drifted.length} drifted`
    const [paused] = done.paused
    const late = done.gave_up.length === 0 ? '' : '; others were faster, the next run goes on'
    const [first] = done.left
    const told = `${first?.resource ?? 'the scope'}: ${first?.reason ?? ''}`
    const left =
      first === undefined ? late : `${late}; ${done.left.length} left as they are, ${told}`
    return paused === undefined
      ? `${found}, ${done.intents.length} intents${left}`
      : `${found}, nothing decided: scope ${paused.scope} is paused by ${paused.by}`
  }
  const decider = deciders.find((d) => d.name === schedule.decider)
  if (decider === undefined) {
    throw new ForewordError(`no decider ${schedule.decider}`, {
      where: `schedule ${schedule.name}`,
      remedy: 'list it under `deciders` in the configuration',
    })
  }
  const result = await engine.decide(decider, { scope, actor, input: schedule.input })
  return result.type === 'refused' ? `refused: ${result.reason}` : result.type
}

export interface RunScheduleDeps {
  /** Keeps runs of one schedule from overlapping. */
  readonly store: {
    readonly start: (name: string, worker: number, next_at: Date | null) => Promise<boolean>
    readonly finish: (name: string, worker: number, outcome: string) => Promise<void>
  }
  readonly worker: number
  /** Under the policies of the configuration and, after them, these. */
  readonly under: (policies: readonly Policy[]) => UseCases
  readonly deciders: readonly AnyDecider[]
  /** Moves to files what the configuration keeps no longer; what came of it, in words. */
  readonly archive: () => Promise<string>
}

/** One run, unless the last one is still under way. */
export const runSchedule =
  ({ store, worker, under, deciders, archive }: RunScheduleDeps) =>
  async (schedule: Schedule): Promise<void> => {
    const { name, cron, policies = [] } = schedule
    if (!(await store.start(name, worker, nextRunOf(cron, new Date())))) return
    try {
      const came_to =
        schedule.decider === archiving
          ? await archive()
          : await runScheduled(under(policies), deciders, schedule)
      await store.finish(name, worker, withoutSecrets(came_to))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      await store.finish(name, worker, withoutSecrets(why))
      throw error
    }
  }
