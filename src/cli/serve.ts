/** What `up` and `worker` have in common: a worker that lives until it is told to stop. */
import { once } from 'node:events'
import { homedir, hostname } from 'node:os'
import type { Schedule } from '../domain/config.ts'
import { nextRunOf } from '../domain/cron-next.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Logger } from '../domain/ports.ts'
import type { Engine } from '../foreword.ts'
import { createLogger, logLevelOf } from '../logger.ts'
import { withoutPassword } from '../store/database-url.ts'
import type { Database } from '../store/database.ts'
import { lineLogger, type Context } from './context.ts'
import { harmless, moment, table } from './print.ts'

export interface ServeOptions {
  /** Of /metrics; absent: as the configuration says. */
  readonly metricsPort?: number
}

/** Lines for people on a terminal; JSON for whoever collects logs, or has said how much he wants. */
export const servingLogger = (context: Context): Logger => {
  const level = logLevelOf(context.env)
  const asked = (context.env['FOREWORD_LOG_LEVEL'] ?? '') !== ''
  return process.stderr.isTTY && !asked ? lineLogger(context) : createLogger({ level })
}

/** A path as people write it, from their home folder on. */
const shortPath = (path: string, cwd: string): string => {
  if (path.startsWith(`${cwd}/`)) return path.slice(cwd.length + 1)
  const home = homedir()
  return home !== '/' && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}

const workerIdOf = async (engine: Engine): Promise<number | undefined> => {
  const [row] = await engine.sql<{ id: number }[]>`
    select w.id
    from foreword.worker w
    where w.host = ${hostname()} and w.pid = ${process.pid} and w.stopped_at is null
    order by w.id desc
    limit 1`
  return row?.id
}

const nextOf = ({ cron }: Schedule): string => {
  const next = nextRunOf(cron, new Date())
  return next === null ? 'never' : `next ${moment(next).slice(0, 16)} UTC`
}

const scheduleLines = (context: Context, schedules: readonly Schedule[]): readonly string[] =>
  table(
    [
      { title: '' },
      { title: '', min: 8 },
      { title: '', spare: 1 },
      { title: '', min: 10, spare: 2 },
      { title: '' },
    ],
    schedules.map((s) => [
      s.name,
      s.cron,
      s.scope,
      s.decider === undefined ? `reconcile ${s.kind ?? 'all'}` : `decide ${s.decider}`,
      { text: nextOf(s), paint: context.colors.dim },
    ]),
    { width: context.width, indent: 12 },
  ).slice(1)

export interface Serving {
  /** Resolves when it was told to stop and has drained. */
  readonly untilStopped: () => Promise<number>
}

/** Starts the worker and tells what runs. */
export const startServing = async (
  context: Context,
  engine: Engine,
  schedules: readonly Schedule[],
): Promise<Serving> => {
  let fail: ((reason: string) => void) | undefined
  const failed = new Promise<string>((resolve) => (fail = resolve))
  const worker = await engine.startWorker((reason) => fail?.(reason))
  let stopping: Promise<boolean> | undefined
  const stop = (): Promise<boolean> => (stopping ??= worker.stop())
  context.atEnd(async () => {
    await stop()
  })
  const { colors, say } = context
  const id = await workerIdOf(engine)
  const kinds = [...engine.providers.keys()].toSorted().join(', ')
  const what = kinds === '' ? 'no kinds: the configuration has no providers' : `for ${kinds}`
  say(`  ${colors.dim('worker')}    ${id ?? '?'}, ${harmless(what)}`)
  const [first, ...rest] = scheduleLines(context, schedules)
  if (first === undefined) say(`  ${colors.dim('schedules')} none`)
  else say(`  ${colors.dim('schedules')} ${first.trimStart()}`)
  for (const line of rest) say(line)
  return {
    untilStopped: async () => {
      const stopped = context.signal.aborted
        ? Promise.resolve()
        : once(context.signal, 'abort').then(() => undefined)
      const reason = await Promise.race([failed, stopped])
      if (reason !== undefined) {
        throw new ForewordError(`the worker has ended: ${reason}`, {
          remedy: 'start it again; what was under way is taken over',
        })
      }
      context.note('stopping: no more is begun, what runs may end; once more to stop at once')
      const drained = await stop()
      if (!drained) context.note('some calls still run: the next worker looks after them')
      return 0
    },
  }
}

/** Says which database, and where its log is when it is ours. */
export const tellDatabase = (context: Context, database: Database): void => {
  const { colors, say, cwd } = context
  const log = database.log === null ? '' : `, its log ${shortPath(database.log, cwd)}`
  say(`  ${colors.dim('database')}  ${harmless(withoutPassword(database.url))}${log}`)
}
