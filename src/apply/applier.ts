/**
 * Carries intents out: claims what is due in batches, runs the steps side by side within each
 * provider's concurrency, and settles what was learned in batches. It holds no state that matters:
 * whatever it had in hand when it died is in the log, under a lease.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { failPoint } from '../domain/fail-point.ts'
import type { ApplyLog, ClaimKind, Lease, Logger, StepResult } from '../domain/ports.ts'
import type { AnyProvider, Traits } from '../domain/provider.ts'
import type { Telemetry } from '../domain/telemetry-ports.ts'
import { createAlarm } from './alarm.ts'
import { gathered } from './batching.ts'
import type { StepDeps } from './call.ts'
import type { DecideAgain } from './decide-again.ts'
import { apply, certified, confirm, lookUp, poll, recover } from './step.ts'

export interface ApplierDeps extends StepDeps {
  readonly log: ApplyLog
  /** Runs the deciders of decisions that went stale, where they are known here. */
  readonly decideAgain: DecideAgain
  readonly telemetry: Pick<Telemetry, 'step'>
  readonly worker: number
  readonly providers: ReadonlyMap<string, AnyProvider>
  readonly claim_intents_max: number
  readonly logger: Logger
}

export interface Applier {
  /** Claims what is due now; returns once it is claimed, not once it is done. */
  readonly wake: () => Promise<void>
  /** Takes over what dead workers left, then wakes. */
  readonly sweep: () => Promise<void>
  /** Claims no more and waits for what runs. False: some of it still ran when the time was up. */
  readonly drain: (timeout_ms: number) => Promise<boolean>
  readonly running: () => number
  /** Intents leased so far, for whatever step. */
  readonly claimed: () => number
}

const learn = async (
  deps: ApplierDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<StepResult | null> => {
  switch (lease.step) {
    case 'apply':
      return apply(deps, provider, lease)
    case 'confirm':
      return confirm(deps, provider, lease)
    case 'poll':
      return poll(deps, provider, lease)
    case 'look_up':
      return lookUp(deps, provider, lease)
    case 'recover':
      return recover(provider, lease)
    case 'withdraw':
      await deps.log.withdraw(lease)
      void deps.decideAgain.wake()
      return null
    case 'certify': {
      if (await deps.log.certify(lease)) return certified(provider, lease)
      deps.logger.warn({ intent: lease.entry, decision: lease.decision }, 'not serializable')
      void deps.decideAgain.wake()
      return null
    }
  }
}

/** A step, with its fail points around it. */
const stepOf = async (
  deps: ApplierDeps,
  provider: AnyProvider,
  lease: Lease,
): Promise<StepResult | null> => {
  failPoint(`before_${lease.step}`)
  const result = await learn(deps, provider, lease)
  failPoint(`after_${lease.step}`)
  return result
}

/** How many steps of each kind run now. */
interface Slots {
  readonly take: (kind: string) => void
  readonly give: (kind: string) => void
  readonly running: () => number
  /** Half of what one claim can be given of some kind is free: worth a claim of its own. */
  readonly roomy: (providers: Iterable<AnyProvider>, max: number) => boolean
  /** What may be claimed now: within each provider's concurrency, and so many of a kind at once. */
  readonly free: (providers: Iterable<AnyProvider>, max: number) => readonly ClaimKind[]
}

const createSlots = (): Slots => {
  const open = new Map<string, number>()
  let running = 0
  const add = (kind: string, by: number): void => {
    open.set(kind, (open.get(kind) ?? 0) + by)
    running += by
  }
  const freeOf = (kind: string, { concurrency }: Traits): number =>
    concurrency - (open.get(kind) ?? 0)
  return {
    take: (kind) => {
      add(kind, 1)
    },
    give: (kind) => {
      add(kind, -1)
    },
    running: () => running,
    roomy: (providers, max) =>
      [...providers].some(
        ({ kind, traits }) => freeOf(kind, traits) * 2 >= Math.min(traits.concurrency, max),
      ),
    free: (providers, max) =>
      [...providers].flatMap(({ kind, traits }) => {
        const slots = Math.min(freeOf(kind, traits), max)
        return slots > 0 ? [{ kind, slots, timeout_ms: traits.call_timeout_ms }] : []
      }),
  }
}

/** Writes results in batches: whatever is learned while one batch is on its way goes with the next. */
const createSettler = (
  deps: ApplierDeps,
  slots: Slots,
  afterwards: (results: readonly StepResult[]) => Promise<void>,
) => {
  const waiting: StepResult[] = []
  const more = {
    full: () => waiting.length >= deps.claim_intents_max,
    coming: () => slots.running() > 0,
  }
  const write = gathered(async () => {
    const results = waiting.splice(0)
    if (results.length === 0) return 0
    try {
      const moved = new Set(await deps.log.settle(deps.worker, results))
      for (const r of results.filter((x) => !moved.has(x.entry))) {
        deps.logger.warn({ intent: r.entry, epoch: r.epoch }, 'outcome under an old lease refused')
      }
    } catch (error) {
      // The lease runs out, and the next worker finds the attempt row and looks the outcome up.
      deps.logger.error({ error, intents: results.map((r) => r.entry) }, 'outcomes not written')
    }
    await afterwards(results)
    return results.length
  }, more)
  return {
    write,
    waiting: () => waiting.length,
    settle: (result: StepResult): Promise<void> => {
      waiting.push(result)
      return write()
    },
  }
}

/** Claims what is due, in batches as large as there are slots, and hands it on. */
const createClaimer = (
  deps: ApplierDeps,
  slots: Slots,
  take: (provider: AnyProvider, lease: Lease) => void,
) => {
  let stopped = false
  /** The last claim was given as many of some kind as there were slots: there may be more of it. */
  let more = false
  let claimed = 0
  let claiming = false
  const ask = async (kinds: readonly ClaimKind[]): Promise<readonly Lease[]> => {
    claiming = true
    try {
      return await deps.log.claim(deps.worker, kinds)
    } finally {
      claiming = false
    }
  }
  const claim = async (): Promise<number> => {
    const kinds = stopped ? [] : slots.free(deps.providers.values(), deps.claim_intents_max)
    more = kinds.length < deps.providers.size
    if (kinds.length === 0) return 0
    const leases = await ask(kinds)
    claimed += leases.length
    const got = Map.groupBy(leases, ({ kind }) => kind)
    more ||= kinds.some(({ kind, slots: asked }) => (got.get(kind)?.length ?? 0) >= asked)
    for (const lease of leases) {
      const provider = deps.providers.get(lease.kind)
      if (provider === undefined) continue
      slots.take(lease.kind)
      take(provider, lease)
    }
    return leases.length
  }
  const full = (): boolean => more && slots.roomy(deps.providers.values(), deps.claim_intents_max)
  return {
    claim: gathered(claim, { full, coming: () => false }),
    more: () => more,
    claimed: () => claimed,
    /** What comes of it is leased, and its attempts are committed: whoever leaves now leaves them to be unknown. */
    claiming: () => claiming,
    stop: () => {
      stopped = true
    },
    stopped: () => stopped,
  }
}

/** Whether it has ended at a moment; it goes on if not. */
const endedBy = async (moment: number, work: Promise<void>): Promise<boolean> => {
  const late = pause(Math.max(0, moment - performance.now()), false, { ref: false })
  return Promise.race([work.then(() => true), late])
}

export const createApplier = (deps: ApplierDeps): Applier => {
  const slots = createSlots()
  const claimer = createClaimer(deps, slots, (provider, lease) => void carryOut(provider, lease))

  const wake = async (): Promise<void> => {
    try {
      await claimer.claim()
    } catch (error) {
      deps.logger.error({ error }, 'claim failed; the sweep tries again')
    }
  }

  const alarm = createAlarm(() => void wake())
  const settler = createSettler(deps, slots, async (results) => {
    const due = results.flatMap((r) => (r.due_in_ms === null ? [] : [r.due_in_ms]))
    if (due.length > 0 && !claimer.stopped()) alarm.in(Math.min(...due) + 1)
    // What waited for these may be carried out now.
    void wake()
  })

  const carryOut = async (provider: AnyProvider, lease: Lease): Promise<void> => {
    let result: StepResult | null = null
    try {
      result = await deps.telemetry.step(lease, () => stepOf(deps, provider, lease))
      // Before the deletion counts as confirmed: a crash in between releases again, which is harmless.
      if (result?.state === 'confirmed' && lease.verb === 'delete') {
        await deps.log.release(lease.resource, lease.version)
      }
      if (result !== null) void settler.settle(result)
    } catch (error) {
      const { entry: intent, decision, step } = lease
      deps.logger.error({ error, intent, decision, step }, 'step failed')
    } finally {
      slots.give(lease.kind)
    }
    // Else the settling of the result does it.
    if (claimer.more() || result === null) await wake()
  }

  return {
    wake,
    sweep: async () => {
      const taken = await deps.log.sweep()
      if (taken > 0) deps.logger.warn({ taken }, 'took over the leases of a dead worker')
      void deps.decideAgain.wake()
      await wake()
    },
    drain: async (timeout_ms) => {
      claimer.stop()
      alarm.clear()
      const until = performance.now() + timeout_ms
      const decided = deps.decideAgain.stop()
      const busy = (): boolean => claimer.claiming() || slots.running() > 0 || settler.waiting() > 0
      while (busy() && performance.now() < until) await pause(10)
      await settler.write()
      return !claimer.claiming() && slots.running() === 0 && (await endedBy(until, decided))
    },
    running: slots.running,
    claimed: claimer.claimed,
  }
}
