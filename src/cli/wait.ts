/** `--wait`: until every intent of some decisions is settled or waits for a person. */
import { setTimeout as pause } from 'node:timers/promises'
import { ForewordError } from '../domain/errors.ts'
import { resourceKey } from '../domain/reference.ts'
import type { Engine } from '../foreword.ts'
import type { Worker } from '../worker/worker.ts'
import type { Context } from './context.ts'
import { isParked, readIntents, stuckIntents, unservedKinds, type OpenIntent } from './intents.ts'
import { harmless, plural, span } from './print.ts'
import { progressFor } from './progress.ts'

const wait_default_s = 300
const pause_min_ms = 20
const pause_max_ms = 500
/** Redraws of a live line are cheap; asking the database is not. */
const redraw_ms = 100
const listed_max = 20

export interface WaitResult {
  readonly type: 'settled' | 'waits' | 'timeout' | 'stopped'
  readonly intents: readonly OpenIntent[]
}

/** Milliseconds of `--wait` and `--wait=SECONDS`; undefined: do not wait. */
export const waitMs = (wait: boolean | number | undefined): number | undefined => {
  if (wait === undefined || wait === false) return undefined
  return (wait === true ? wait_default_s : wait) * 1_000
}

const now = (): number => performance.now()

/** Polls the views, soon at first, then every half second, so that many waiters cost little. */
const poll = async (
  context: Context,
  engine: Engine,
  ids: readonly number[],
  timeout_ms: number,
): Promise<WaitResult> => {
  const until = now() + timeout_ms
  const progress = progressFor(context)
  const seen = new Map<number, OpenIntent>()
  const result = (type: WaitResult['type']): WaitResult => ({ type, intents: [...seen.values()] })
  let open_ids = ids
  try {
    for (let pause_ms = pause_min_ms; ; pause_ms = Math.min(pause_max_ms, pause_ms * 1.5)) {
      for (const intent of await readIntents(engine.sql, open_ids)) seen.set(intent.id, intent)
      const open = [...seen.values()].filter((intent) => intent.settled_at === null)
      open_ids = open.map((intent) => intent.id)
      if (open.length === 0) return result('settled')
      if (open.some(isParked)) {
        const stuck = await stuckIntents(engine.sql)
        if (open_ids.every((id) => stuck.has(id))) {
          // Some of them may have come to it since they were read.
          for (const intent of await readIntents(engine.sql, open_ids)) seen.set(intent.id, intent)
          return result('waits')
        }
      }
      const again = Math.min(until, now() + pause_ms)
      do {
        progress.show(ids.length - open.length, ids.length, open)
        if (context.signal.aborted) return result('stopped')
        await pause(Math.min(redraw_ms, Math.max(0, again - now())))
      } while (now() < again)
      if (now() >= until) return result('timeout')
    }
  } finally {
    progress.end()
  }
}

/** Says that nobody carries these kinds out, where there are any. */
export const tellUnserved = (context: Context, unserved: readonly string[]): void => {
  if (unserved.length === 0) return
  const start = 'nothing will happen until `foreword up` or `foreword worker` runs'
  context.complain(`foreword: no worker for ${harmless(unserved.join(', '))} is alive; ${start}`)
}

/**
 * Says when nobody carries these kinds out; with `help` this process does it meanwhile, until `stop`.
 */
export const withWorkers = async (
  context: Context,
  engine: Engine,
  kinds: readonly string[],
  help: boolean,
): Promise<void> => {
  const unserved = await unservedKinds(engine.sql, kinds)
  if (unserved.length === 0) return
  const here = unserved.every((kind) => engine.providers.has(kind))
  if (!help || !here) {
    tellUnserved(context, unserved)
    return
  }
  context.note('no worker is alive: this process carries it out while it waits')
  let stopping: Promise<boolean> | undefined
  let worker: Worker | null = null
  const stop = async (): Promise<void> => {
    await (stopping ??= worker?.stop())
  }
  const fail = async (reason: string): Promise<never> => {
    // What its calls are answered is written yet, should the database come back.
    await stop().catch(() => undefined)
    throw new ForewordError(`the worker in this process has ended: ${reason}`, {
      remedy: 'run it again, or `foreword worker`; nothing is lost',
    })
  }
  // Nobody awaits that: the process ends by it, with one line, and others take over.
  worker = await engine.startWorker((reason) => void fail(reason), [])
  context.atEnd(stop)
}

const describe = (intent: OpenIntent): string => {
  const reason = intent.reason === null ? '' : `: ${intent.reason}`
  return harmless(`${intent.verb} ${resourceKey(intent)}, intent ${intent.id}${reason}`)
}

const tellSome = (
  context: Context,
  intents: readonly OpenIntent[],
  mark: string,
  more: string,
): void => {
  for (const intent of intents.slice(0, listed_max)) context.say(`  ${mark} ${describe(intent)}`)
  const left = intents.length - listed_max
  if (left > 0) context.say(`  … and ${left} more; ${more}`)
}

const summaryOf = (intents: readonly OpenIntent[], took_ms: number): string => {
  const counts = new Map<string, number>()
  for (const { state } of intents) counts.set(state, (counts.get(state) ?? 0) + 1)
  const parts = [...counts].map(([state, n]) => `${n} ${state.replaceAll('_', ' ')}`)
  return `${parts.join(', ')} in ${span(took_ms)}.`
}

const exitCodeOf = (result: WaitResult): number => {
  if (result.type === 'timeout') return 4
  const failed = result.intents.some((i) => i.settled_at !== null && i.state !== 'confirmed')
  if (failed) return 1
  return result.type === 'waits' ? 3 : 0
}

/** Waits, tells what came of it, and returns the exit code with it. */
export const awaitIntents = async (
  context: Context,
  engine: Engine,
  ids: readonly number[],
  timeout_ms: number,
): Promise<{ readonly exit_code: number; readonly result: WaitResult }> => {
  const began = now()
  const result = await poll(context, engine, ids, timeout_ms)
  const { colors } = context
  const { intents } = result
  const failed = intents.filter((i) => i.settled_at !== null && i.state !== 'confirmed')
  const parked = intents.filter((i) => i.settled_at === null && isParked(i))
  const head = colors.bold(result.type === 'settled' ? 'Done:' : 'So far:')
  context.say(`${head} ${summaryOf(intents, now() - began)}`)
  tellSome(context, failed, colors.red('✗'), 'see foreword.intent')
  tellSome(context, parked, colors.yellow('?'), 'see `foreword doubts`')
  if (result.type === 'timeout') {
    // What its account, or a window that is closed, makes it wait for: nobody need guess.
    const slow = intents.filter((i) => i.settled_at === null && !isParked(i) && i.reason !== null)
    tellSome(context, slow, colors.dim('·'), 'see `foreword status`')
    const open = intents.filter((i) => i.settled_at === null).length
    context.complain(
      `foreword: ${plural(open, 'intent is', 'intents are')} not settled after ${span(timeout_ms)}; ` +
        'they go on: see `foreword status`',
    )
  }
  return { exit_code: exitCodeOf(result), result }
}
