/** Moves what was settled long ago from the log to files, in batches of one short transaction each. */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Config } from '../../domain/config.ts'
import { ForewordError } from '../../domain/errors.ts'
import { failPoint } from '../../domain/fail-point.ts'
import {
  dropPart,
  finishPart,
  prepareFolder,
  readArchive,
  writePart,
  type ReadFile,
} from './archive-file.ts'
import type { Reserved, Sql } from '../connect.ts'

/** Where the configuration wants the files. */
export const archiveFolder = ({ directory, retention }: Config): string =>
  retention?.to ?? path.join(directory, 'archive')

/** One archives at a time: 20141 and 20143 are taken. */
const lock_key = 20144
/** Entries looked at by one statement, and decisions that leave the log in one transaction. */
const page_entries = 2_000
const batch_decisions_max = 1_000

export interface ArchiveOptions {
  readonly older_than_s: number
  readonly folder: string
  /** Looks, and moves nothing. */
  readonly dry_run?: boolean
  readonly signal?: AbortSignal
  /** Decisions that leave the log in one transaction, at most. */
  readonly batch_decisions?: number
  readonly onBatch?: (so_far: Archived) => void
}

/** An open transaction; `gid`: a prepared one, which has no session. */
export interface HeldOpen {
  readonly since: string
  readonly pid: number | null
  readonly application: string | null
  readonly login: string | null
  readonly state: string | null
  readonly gid: string | null
}

export interface Archived {
  readonly files: number
  readonly decisions: number
  readonly entries: number
  readonly attempts: number
  readonly bytes: number
  /** What is settled later stays. */
  readonly settled_before: Date
  /** The decision that keeps what is older than asked for: it waits to be certified. */
  readonly held_by: string | null
  /** The open transaction that does: what was settled since it began stays. */
  readonly held_open: HeldOpen | null
  /** False: it was stopped before it had seen all. */
  readonly whole: boolean
}

interface Horizon {
  readonly settled_before: Date
  readonly settled_before_text: string
  readonly xid_below: number
  readonly held_by: string | null
  readonly held_open: HeldOpen | null
  readonly undoing: readonly string[]
}

const horizonOf = async (session: Reserved, older_than_s: number): Promise<Horizon> => {
  const [row] = await session<Horizon[]>`
    select
      h.settled_before,
      h.settled_before::text as settled_before_text,
      h.xid_below,
      h.held_by,
      h.held_open,
      h.undoing
    from foreword_code.archive_horizon(${older_than_s}::double precision * interval '1 second') h`
  if (row === undefined) throw new Error('no horizon was told')
  return row
}

interface Line {
  readonly line: string
  readonly entries: number
  readonly attempts: number
}

const linesOf = (session: Reserved, decisions: readonly string[]) => session<Line[]>`
  select l.line, l.entries, l.attempts
  from foreword_code.archive_lines(${[...decisions]}::uuid[]) with ordinality
    as l (line, entries, attempts, decided_at, place)
  order by l.place`

/** Of the log, page by page, what may go: as many at once as one transaction takes. */
async function* batches(
  session: Reserved,
  { settled_before_text, xid_below, undoing }: Horizon,
  batch_decisions: number,
): AsyncGenerator<readonly string[]> {
  let after = 0
  let ready = new Set<string>()
  for (;;) {
    const [page] = await session<{ last_id: number | null; decisions: string[] }[]>`
      select p.last_id, p.decisions
      from foreword_code.archivable(
        ${after}::bigint,
        ${page_entries},
        ${settled_before_text}::timestamptz,
        ${xid_below}::bigint,
        ${[...undoing]}::uuid[]
      ) p`
    for (const id of page?.decisions ?? []) ready.add(id)
    const ended = page === undefined || page.last_id === null
    if (ready.size >= batch_decisions || (ended && ready.size > 0)) {
      const all = [...ready]
      for (let at = 0; at < all.length; at += batch_decisions)
        yield all.slice(at, at + batch_decisions)
      ready = new Set()
    }
    if (ended) return
    after = page.last_id ?? after
  }
}

/** False: somebody has a row of them now, or has changed one; they stay until the next run. */
const moved = async (
  session: Reserved,
  decisions: readonly string[],
  file: string,
  written: { readonly sha256: string; readonly bytes: number },
): Promise<boolean> => {
  await session
    .unsafe(
      `begin isolation level read committed;
     set local synchronous_commit = on;
     set local lock_timeout = '1s'`,
    )
    .simple()
  try {
    const [row] = await session<{ archive: number | null }[]>`
      select foreword_code.archive_move(
        ${[...decisions]}::uuid[], ${file}, ${written.sha256}, ${written.bytes}::bigint
      ) as archive`
    const done = row?.archive !== null && row?.archive !== undefined
    failPoint('before_archive')
    await session.unsafe(done ? 'commit' : 'rollback')
    return done
  } catch (error) {
    await session.unsafe('rollback').catch(() => undefined)
    throw error
  }
}

const newFile = (folder: string): string =>
  path.join(
    folder,
    `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}.ndjson`,
  )

/** Files that the log has let go of, and whose writer died before they had their names. */
const finishForgotten = async (session: Reserved, folder: string): Promise<void> => {
  const rows = await session<{ file: string }[]>`
    select a.file
    from foreword_private.archive a
    order by a.id desc
    limit 100`
  for (const { file } of rows) if (path.dirname(file) === folder) await finishPart(file)
}

const archiveOn = async (session: Reserved, options: ArchiveOptions): Promise<Archived> => {
  const { older_than_s, folder, dry_run = false, signal, onBatch } = options
  const { batch_decisions = batch_decisions_max } = options
  const horizon = await horizonOf(session, older_than_s)
  const { settled_before, held_by, held_open } = horizon
  let so_far: Archived = {
    ...{ files: 0, decisions: 0, entries: 0, attempts: 0, bytes: 0 },
    settled_before,
    held_by,
    held_open,
    whole: true,
  }
  if (!dry_run) {
    await prepareFolder(folder)
    await finishForgotten(session, folder)
  }
  for await (const decisions of batches(session, horizon, batch_decisions)) {
    if (signal?.aborted === true) return { ...so_far, whole: false }
    const lines = await linesOf(session, decisions)
    const texts = lines.map(({ line }) => line)
    let bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0)
    if (!dry_run) {
      const file = newFile(folder)
      const written = await writePart(file, texts)
      failPoint('before_archive_move')
      if (!(await moved(session, decisions, file, written))) {
        await dropPart(file)
        continue
      }
      failPoint('after_archive')
      await finishPart(file)
      bytes = written.bytes
    }
    const sum = (of: (line: Line) => number): number => lines.reduce((n, line) => n + of(line), 0)
    so_far = {
      ...so_far,
      files: so_far.files + 1,
      decisions: so_far.decisions + lines.length,
      entries: so_far.entries + sum((line) => line.entries),
      attempts: so_far.attempts + sum((line) => line.attempts),
      bytes: so_far.bytes + bytes,
    }
    onBatch?.(so_far)
  }
  return so_far
}

/** All that may go. One at a time, and all of it on the session that holds the lock. */
export const archive = async (sql: Sql, options: ArchiveOptions): Promise<Archived> => {
  const session = await sql.reserve()
  try {
    const [lock] = await session<{ held: boolean }[]>`
      select pg_try_advisory_lock(${lock_key}) as held`
    if (lock?.held !== true) {
      throw new ForewordError('somebody else is archiving this log', {
        remedy: 'wait until that has ended',
      })
    }
    return await archiveOn(session, options)
  } finally {
    await session`select pg_advisory_unlock(${lock_key})`.catch(() => undefined)
    session.release()
  }
}

/** Which open transaction holds what is newer back, and how it is ended. */
export const heldOpenText = ({ since, pid, application, login, state, gid }: HeldOpen): string => {
  const from = `open since ${since.slice(0, 19).replace('T', ' ')} UTC`
  return gid === null
    ? `the transaction of pid ${pid ?? '?'} (${application ?? '?'}, login ${login ?? '?'}, ${state ?? '?'}), ${from}`
    : `the prepared transaction ${JSON.stringify(gid)} (login ${login ?? '?'}), ${from}`
}

/** As the configuration says; what came of it, in words. */
export const archiveByPolicy = async (sql: Sql, config: Config): Promise<string> => {
  const { retention } = config
  if (retention === undefined) return 'nothing: the configuration keeps everything'
  const older_than_s = retention.older_than_days * 86_400
  const done = await archive(sql, { older_than_s, folder: archiveFolder(config) })
  const held = done.held_by === null ? '' : `; decision ${done.held_by} holds back what is newer`
  const open =
    done.held_open === null ? '' : `; ${heldOpenText(done.held_open)}, holds back what is newer`
  return `archived ${done.decisions} decisions, ${done.entries} entries in ${done.files} files${held}${open}`
}

export interface Verified {
  readonly file: string
  readonly read: ReadFile
  /** What the log says of it; null: it knows no such file. */
  readonly recorded: { readonly sha256: string; readonly decisions: number } | null
}

/** Reads files back and holds them against what the log says of them; no file named: all that it knows. */
export async function* verify(sql: Sql, files: readonly string[]): AsyncGenerator<Verified> {
  const known = await sql<{ file: string; sha256: string; decisions: number }[]>`
    select a.file, a.sha256, a.decisions
    from foreword.archive a
    order by a.id`
  const records = new Map(known.map((row) => [row.file, row]))
  // Folders are moved; names are nobody else's.
  const by_name = new Map(known.map((row) => [path.basename(row.file), row]))
  for (const file of files.length > 0 ? files : records.keys()) {
    const recorded = records.get(file) ?? by_name.get(path.basename(file)) ?? null
    yield { file, read: await readArchive(file), recorded }
  }
}
