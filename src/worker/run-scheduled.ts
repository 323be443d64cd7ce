/** Runs what a crontab line asks for: a reconcile, or a registered decider. */
import type { decide } from '../decide/decide.ts'
import type { Schedule } from '../domain/config.ts'
import type { AnyDecider } from '../domain/decider.ts'
import { ForewordError } from '../domain/errors.ts'
import type { reconcile } from '../reconcile/reconcile.ts'

/** What came of it, in words. Throws where it could not even be begun. */
export const runScheduled = async (
  engine: {
    readonly decide: ReturnType<typeof decide>
    readonly reconcile: ReturnType<typeof reconcile>
  },
  deciders: readonly AnyDecider[],
  schedule: Schedule,
): Promise<string> => {
  const actor = `schedule ${schedule.name}`
  const { scope } = schedule
  if (schedule.decider === undefined) {
    const kind = schedule.kind === undefined ? {} : { kind: schedule.kind }
    const done = await engine.reconcile({ scope, actor, ...kind })
    const found = `looked at ${done.looked}, ${done.drifted.length} drifted`
    const [paused] = done.paused
    return paused === undefined
      ? `${found}, ${done.intents.length} intents`
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
