/** `foreword status`: how everything stands, from the views. */
import { setTimeout as pause } from 'node:timers/promises'
import { ForewordError } from '../domain/errors.ts'
import type { Context } from './context.ts'
import { pauseLines } from './pauses.ts'
import {
  harmless,
  moment,
  plural,
  span,
  table,
  type Cell,
  type Colors,
  type Column,
} from './print.ts'
import { scheduleTable } from './schedules.ts'
import { noteUnknown } from './scope.ts'
import { openReader } from './session.ts'
import { statusAt } from './status-at.ts'
import { readStatus, type Attention, type Count, type Status } from './status-rows.ts'

const watch_interval_ms = 1_000

/** One sentence, and how loud. */
const verdict = (
  { health, attention_count, unserved }: Status,
  workers: number,
): readonly [paint: 'green' | 'yellow' | 'red', text: string] => {
  const { waits_for_a_person: waits, awaiting_approval: approvals } = health
  const { pending, applying, applied, in_doubt, paused_intents, paused_scopes } = health
  const open = pending + applying + applied + in_doubt - waits - paused_intents
  if (workers === 0 && open > 0) {
    const verb = open === 1 ? 'waits' : 'wait'
    return ['red', `${plural(open, 'intent')} ${verb}, no worker is alive: start \`foreword up\``]
  }
  if (unserved.length > 0) {
    const kinds = harmless(unserved.map(({ kind }) => kind).join(', '))
    const count = unserved.reduce((n, { open: of_kind }) => n + of_kind, 0)
    return ['red', `${plural(count, 'intent')} under way, no worker that lives provides ${kinds}`]
  }
  if (waits > 0) {
    const verb = waits === 1 ? 'waits' : 'wait'
    const text = `${plural(waits, 'intent')} ${verb} for a person: see \`foreword doubts\``
    return ['yellow', text]
  }
  if (approvals > 0) {
    return ['yellow', `${plural(approvals, 'intent')} awaiting approval: see \`foreword doubts\``]
  }
  if (open > 0 && health.unwell_accounts > 0) {
    const accounts = plural(health.unwell_accounts, 'account')
    const fail = health.unwell_accounts === 1 ? 'fails or throttles' : 'fail or throttle'
    const text = `${plural(open, 'intent')} under way, ${accounts} ${fail}: see foreword.budget`
    return ['yellow', text]
  }
  if (paused_scopes > 0) {
    const scopes = plural(paused_scopes, 'scope is', 'scopes are')
    return ['yellow', `${open > 0 ? `${plural(open, 'intent')} under way, ` : ''}${scopes} paused`]
  }
  if (open > 0) return ['green', `${plural(open, 'intent')} under way`]
  if (health.drifted_paths > 0) return ['yellow', 'drift: the next reconcile decides on it']
  if (attention_count > 0) {
    const what = plural(attention_count, 'resource is', 'resources are')
    return ['yellow', `nothing under way, ${what} not in order`]
  }
  return ['green', 'nothing under way']
}

const healthLine = (status: Status, colors: Colors): string => {
  const { health, workers } = status
  if (health.live_workers === null) {
    const [paint, text] = verdict(status, 1)
    const rest = ' · a standby: who lives is known to the primary'
    return `${colors[paint]('●')} ${colors.bold(text)}${colors.dim(rest)}`
  }
  const alive = workers.filter((worker) => worker.alive).length
  const [paint, text] = verdict(status, alive)
  const died = workers.length - alive
  const rest = [
    ...(alive === 0 && paint === 'red' ? [] : [`${plural(alive, 'worker')} alive`]),
    ...(died === 0 ? [] : [`${died} died`]),
  ].map((part) => ` · ${part}`)
  return `${colors[paint]('●')} ${colors.bold(text)}${colors.dim(rest.join(''))}`
}

const first_conditions = ['ready', 'pending', 'applying', 'accepted', 'applied', 'drifted']

/** Conditions in the order in which they are passed through, unusual ones last. */
const conditionsOf = (counts: readonly Count[]): readonly string[] => {
  const there = new Set(counts.map(({ condition }) => condition))
  const usual = first_conditions.filter((condition) => there.has(condition))
  return [...usual, ...[...there].filter((condition) => !usual.includes(condition)).toSorted()]
}

const paintOf = (condition: string, colors: Colors): ((text: string) => string) => {
  if (condition === 'ready') return colors.green
  if (['rejected', 'failed', 'in_doubt', 'absent'].includes(condition)) return colors.red
  return ['drifted', 'awaiting_approval'].includes(condition) ? colors.yellow : colors.cyan
}

const countTable = (context: Context, counts: readonly Count[]): readonly string[] => {
  const { colors, width } = context
  const conditions = conditionsOf(counts)
  const columns: readonly Column[] = [
    { title: 'kind', min: 6 },
    ...conditions.map((title): Column => ({ title: title.replaceAll('_', ' '), align: 'right' })),
    { title: 'in sync', align: 'right', spare: 1 },
  ]
  const rows = [...new Set(counts.map(({ kind }) => kind))].map((kind): readonly Cell[] => {
    const mine = counts.filter((count) => count.kind === kind)
    const cells = conditions.map((condition): Cell => {
      const count = mine.find((c) => c.condition === condition)?.count ?? 0
      return { text: String(count), paint: count === 0 ? colors.dim : paintOf(condition, colors) }
    })
    const sum = (of: (count: Count) => number): number => mine.reduce((s, c) => s + of(c), 0)
    return [kind, ...cells, `${sum((c) => c.in_sync)}/${sum((c) => c.count)}`]
  })
  return table(columns, rows, { width, indent: 2, paintTitle: colors.dim })
}

const attentionTable = (
  context: Context,
  rows: readonly Attention[],
  all: number,
): readonly string[] => {
  const { colors, width } = context
  const columns: readonly Column[] = [
    { title: 'not in order', min: 18 },
    { title: 'scope', min: 6, spare: 2 },
    { title: 'is', min: 8 },
    { title: 'since', spare: 1 },
    { title: 'because', min: 12 },
  ]
  const lines = table(
    columns,
    rows.map((row): readonly Cell[] => [
      `${row.kind}/${row.name}`,
      row.scope,
      { text: row.condition.replaceAll('_', ' '), paint: paintOf(row.condition, colors) },
      span(Date.now() - row.since.getTime()),
      row.reason ?? '',
    ]),
    { width, indent: 2, paintTitle: colors.dim },
  )
  const left = all - rows.length
  return left > 0
    ? [...lines, colors.dim(`  … and ${left} more: select from foreword.resource`)]
    : lines
}

const livesOf = (alive: boolean, known: boolean, colors: Colors): Cell => {
  if (!known) return ''
  return alive ? { text: 'alive', paint: colors.green } : { text: 'dead', paint: colors.red }
}

const workerTable = (context: Context, { health, workers }: Status): readonly string[] => {
  const known = health.live_workers !== null
  const { colors, width } = context
  const columns: readonly Column[] = [
    { title: 'worker', align: 'right' },
    { title: 'host', min: 8 },
    { title: 'pid', align: 'right', spare: 2 },
    { title: 'version', spare: 3 },
    { title: 'up', align: 'right', spare: 1 },
    { title: 'running', align: 'right' },
    { title: '' },
  ]
  return table(
    columns,
    workers.map((worker): readonly Cell[] => [
      String(worker.id),
      worker.host,
      String(worker.pid),
      worker.version,
      span(Date.now() - worker.started_at.getTime()),
      String(worker.running),
      livesOf(worker.alive, known, colors),
    ]),
    { width, indent: 2, paintTitle: colors.dim },
  )
}

/** All lines of the page, so that --watch can draw it at once. */
const linesOf = (context: Context, status: Status, asked?: string): readonly string[] => {
  const { colors } = context
  const lines = [healthLine(status, colors), ...pauseLines(status.paused, context)]
  const scopes = [...new Set(status.counts.map(({ scope }) => scope))]
  if (scopes.length === 0) {
    const where = asked === undefined ? '' : ` in ${harmless(asked)}`
    lines.push('', `No resources${where} yet: \`foreword apply -f FILE\`.`)
  }
  for (const scope of scopes) {
    lines.push('', colors.bold(harmless(scope)))
    lines.push(
      ...countTable(
        context,
        status.counts.filter((count) => count.scope === scope),
      ),
    )
  }
  if (status.attention.length > 0) {
    lines.push('', ...attentionTable(context, status.attention, status.attention_count))
  }
  if (status.schedules.length > 0) lines.push('', ...scheduleTable(context, status.schedules))
  if (status.workers.length > 0) lines.push('', ...workerTable(context, status))
  return lines
}

/** Home, each line cleared to its end, the rest of the screen cleared: no flicker. */
const redraw = (lines: readonly string[], rows: number): string => {
  const shown = lines.slice(0, Math.max(1, rows - 1))
  return `\u001b[H${shown.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`
}

/** Draws on the alternate screen, so that what was on the terminal is there again afterwards. */
const watchLive = async (context: Context, draw: () => Promise<void>): Promise<void> => {
  const { stdout } = process
  let drawing = true
  const restore = (): void => {
    if (drawing) stdout.write('\u001b[?25h\u001b[?1049l')
    drawing = false
  }
  process.once('exit', restore)
  stdout.write('\u001b[?1049h\u001b[?25l\u001b[2J')
  try {
    await watch(context, draw)
  } finally {
    // Before any error is told: on the other screen it would be gone with it.
    restore()
  }
}

/** Into a pipe: one line for each change, that a log can keep. */
const watchLines = async (context: Context, read: () => Promise<Status>): Promise<void> => {
  let told = ''
  await watch(context, async () => {
    const status = await read()
    const counted = new Map<string, number>()
    for (const { condition, count } of status.counts) {
      counted.set(condition, (counted.get(condition) ?? 0) + count)
    }
    const counts = conditionsOf(status.counts).map(
      (condition) => `${counted.get(condition) ?? 0} ${condition.replaceAll('_', ' ')}`,
    )
    const line = [healthLine(status, context.colors), ...counts].join(' · ')
    if (line !== told) context.out(`${moment(new Date())}  ${line}`)
    told = line
  })
}

const watch = async ({ signal }: Context, show: () => Promise<void>): Promise<void> => {
  while (!signal.aborted) {
    await show()
    await pause(watch_interval_ms, undefined, { signal }).catch(() => undefined)
  }
}

export const status =
  (scope: string | undefined, options: { readonly watch?: boolean; readonly at?: string }) =>
  async (context: Context): Promise<number> => {
    if (options.at !== undefined) {
      if (options.watch !== true) return statusAt(scope, options.at)(context)
      throw new ForewordError('--at and --watch do not go together: what was does not change', {
        remedy: 'leave one of them out',
        exit_code: 2,
      })
    }
    const sql = await openReader(context)
    const read = (): Promise<Status> => readStatus(sql, scope)
    const show = async (): Promise<void> => {
      const now = await read()
      for (const line of linesOf(context, now, scope)) context.out(line)
      if (scope !== undefined && now.counts.length === 0) await noteUnknown(context, sql, scope)
    }
    if (context.options.json === true) {
      if (options.watch === true) {
        await watch(context, async () => context.out(JSON.stringify(await read())))
      } else context.json(await read())
    } else if (options.watch !== true) await show()
    else if (!process.stdout.isTTY) {
      await watchLines(context, read)
    } else {
      await watchLive(context, async () => {
        process.stdout.write(redraw(linesOf(context, await read(), scope), process.stdout.rows))
      })
    }
    return 0
  }
