/** `foreword archive`: moves what was settled long ago to files; --verify reads them back. */
import { resolve } from 'node:path'
import type { Config } from '../domain/config.ts'
import { ForewordError } from '../domain/errors.ts'
import { kept_ms_min, tokenValidMs } from '../domain/retention.ts'
import {
  archive as archiveAll,
  archiveFolder,
  heldOpenText,
  verify,
  type Archived,
} from '../store/archive/archive-store.ts'
import type { Context } from './context.ts'
import { harmless, moment, plural, span } from './print.ts'
import { configOf, openReaderOf, openSession } from './session.ts'
import { spanOf } from './times.ts'
import { UsageError } from './usage.ts'

export interface ArchiveOptions {
  readonly olderThan?: string
  readonly to?: string
  readonly dryRun?: boolean
  readonly verify?: boolean
}

/** A hundred years, as in the configuration: the database counts no times without end. */
const kept_ms_max = 36_500 * 86_400_000

const wrong = (what: string, remedy: string): ForewordError =>
  new ForewordError(what, { remedy, exit_code: 2 })

/** How much must stay whatever is asked for: certificates and idempotency keys may still need it. */
const olderThan = (config: Config, text: string | undefined): number => {
  if (text === undefined && config.retention === undefined) {
    throw wrong(
      'nothing says how long the log keeps what is settled',
      'say it: --older-than 30d, or retention: { older_than_days: 30 } in the configuration',
    )
  }
  const ms =
    text === undefined ? (config.retention?.older_than_days ?? 0) * 86_400_000 : spanOf(text)
  if (ms < kept_ms_min) {
    throw wrong(
      `the log keeps an hour at least, ${harmless(text ?? '')} is less`,
      'decisions of one time are certified against each other: say --older-than 1h or more',
    )
  }
  if (ms > kept_ms_max) {
    throw wrong(`nothing is as old as ${harmless(text ?? '')}`, 'say a shorter --older-than')
  }
  const valid_ms = tokenValidMs(config)
  if (ms < valid_ms) {
    throw wrong(
      `an API knows idempotency keys for ${span(valid_ms)}, and ${harmless(text ?? '')} is less`,
      'the log keeps them for as long: say a longer --older-than',
    )
  }
  return ms
}

const sizeText = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MB`

const tell = (context: Context, done: Archived, folder: string, dry_run: boolean): void => {
  const { out, colors } = context
  const until = `${moment(done.settled_before)} UTC`
  const what = `${plural(done.decisions, 'decision')} with ${plural(done.entries, 'entry', 'entries')} and ${plural(done.attempts, 'call')}, settled before ${until}`
  const where = `${plural(done.files, 'file')} in ${harmless(folder)}, ${sizeText(done.bytes)}`
  if (done.decisions === 0)
    out(`Nothing to archive: all that is settled before ${until} is needed, or archived.`)
  else
    out(
      dry_run
        ? `Would archive ${what}: ${where}.`
        : `${colors.bold('Archived')} ${what}: ${where}.`,
    )
  if (done.held_by !== null) {
    context.note(`decision ${done.held_by} is not certified yet: what is newer stays until it is`)
  }
  const { held_open } = done
  if (held_open !== null) {
    const end =
      held_open.gid === null
        ? `end it, or: select pg_terminate_backend(${held_open.pid ?? ''})`
        : 'end it: rollback prepared, or commit prepared'
    context.note(harmless(`${heldOpenText(held_open)}, holds back what is newer; ${end}`))
  }
  if (!done.whole) context.note('stopped before the end; run it again to go on')
}

const verifying = async (
  context: Context,
  config: Config,
  files: readonly string[],
): Promise<number> => {
  const { sql } = await openReaderOf(context, config)
  const { colors, out } = context
  let wrong_files = 0
  const all = []
  const named = files.map((file) => resolve(context.cwd, file))
  for await (const { file, read, recorded } of verify(sql, named)) {
    const trouble =
      read.type === 'missing'
        ? 'it is not there'
        : read.type === 'broken'
          ? read.why
          : recorded === null
            ? 'the log knows no such file: its decisions may still be in the log'
            : recorded.sha256 !== read.sha256
              ? 'its digest is another than the log says'
              : null
    if (trouble !== null) wrong_files += 1
    all.push({ file, ok: trouble === null, trouble, ...read, type: undefined })
    if (context.options.json === true) continue
    if (trouble !== null) out(`${colors.red('✗')} ${harmless(file)}: ${trouble}`)
    else if (read.type === 'whole') {
      out(
        `${colors.green('✓')} ${harmless(file)} ${colors.dim(plural(read.decisions, 'decision'))}`,
      )
    }
  }
  if (context.options.json === true) context.json({ ok: wrong_files === 0, files: all })
  else if (all.length === 0) out('Nothing was archived yet.')
  else if (wrong_files === 0) out(`${plural(all.length, 'file')} read back, as the log says.`)
  else out(colors.red(`${wrong_files} of ${plural(all.length, 'file')} cannot be relied on.`))
  return wrong_files === 0 ? 0 : 1
}

export const archive =
  (files: readonly string[], options: ArchiveOptions) =>
  async (context: Context): Promise<number> => {
    const config = await configOf(context)
    if (options.verify === true) {
      if (options.dryRun === true || options.to !== undefined || options.olderThan !== undefined) {
        throw new UsageError('--verify only reads: give it files, or nothing', 'foreword archive')
      }
      return verifying(context, config, files)
    }
    if (files.length > 0) {
      throw new UsageError('files are read back with --verify', 'foreword archive')
    }
    const ms = olderThan(config, options.olderThan)
    if (options.to === '') {
      throw wrong('--to names no folder', 'name one; the folder one is in is .')
    }
    const folder =
      options.to === undefined ? archiveFolder(config) : resolve(context.cwd, options.to)
    const dry_run = options.dryRun === true
    const { engine } = await openSession(context, { config })
    const done = await archiveAll(engine.sql, {
      older_than_s: ms / 1_000,
      folder,
      dry_run,
      signal: context.signal,
      onBatch: ({ decisions }) => {
        if (decisions % 50_000 === 0) context.note(`${decisions} decisions so far`)
      },
    })
    if (context.options.json === true) context.json({ ...done, folder, dry_run })
    else tell(context, done, folder, dry_run)
    return done.whole ? 0 : 130
  }
