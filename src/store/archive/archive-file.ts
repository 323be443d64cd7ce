/**
 * Files of what has left the log: lines of JSON, the first says what it is, the last how much and what its digest
 * is, and between them a decision each. Until the log has let go of it a file is called `.part`: what ends in
 * `.ndjson` is archived.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { ForewordError } from '../../domain/errors.ts'

const format = 1
const part = '.part'

const partOf = (file: string): string => `${file}${part}`

const codeOfFile = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const unusable = (folder: string, error: unknown): ForewordError =>
  new ForewordError(`no file can be written to ${folder} (${codeOfFile(error)})`, {
    remedy: 'name a folder that this user may write to: --to DIR',
    cause: error,
  })

/** Makes the folder, and sees whether it can be written to before anything is asked of the log. */
export const prepareFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await syncFolder(folder)
  } catch (error) {
    throw unusable(folder, error)
  }
}

export interface Written {
  readonly sha256: string
  readonly bytes: number
}

/** All of it on disk under its name of `.part`, or an error. Never over another file. */
export const writePart = async (file: string, lines: readonly string[]): Promise<Written> => {
  const body = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const sha256 = createHash('sha256').update(body).digest('hex')
  const head = JSON.stringify({ foreword_archive: format, decisions: lines.length })
  const foot = JSON.stringify({ decisions: lines.length, bytes: body.length, sha256 })
  try {
    // What was asked and answered may be as secret as the database: for its owner only.
    const handle = await open(partOf(file), 'wx', 0o600)
    try {
      await handle.writeFile(
        Buffer.concat([Buffer.from(`${head}\n`), body, Buffer.from(`${foot}\n`)]),
      )
      await handle.sync()
    } finally {
      await handle.close()
    }
    await syncFolder(path.dirname(file))
  } catch (error) {
    throw unusable(path.dirname(file), error)
  }
  return { sha256, bytes: body.length }
}

/** The log has let go of what it holds. Idempotent: whoever died in between is followed by another. */
export const finishPart = async (file: string): Promise<void> => {
  try {
    await rename(partOf(file), file)
  } catch (error) {
    if (codeOfFile(error) === 'ENOENT') return
    throw unusable(path.dirname(file), error)
  }
  await syncFolder(path.dirname(file))
}

/** The log keeps what it holds. */
export const dropPart = (file: string): Promise<void> => unlink(partOf(file))

export type ReadFile =
  | {
      readonly type: 'whole'
      readonly decisions: number
      readonly entries: number
      readonly attempts: number
      readonly sha256: string
    }
  | { readonly type: 'missing' }
  | { readonly type: 'broken'; readonly why: string }

interface Line {
  readonly decision?: { readonly id?: unknown }
  readonly entries?: readonly { readonly calls?: readonly unknown[] }[]
  readonly foreword_archive?: unknown
  readonly sha256?: unknown
  readonly decisions?: unknown
}

const parsed = (text: string): Line | null => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/** By line feeds alone: readline takes U+2028 and U+2029 for ends of lines too, and texts in JSON may hold them. */
async function* linesIn(file: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

const readLines = async (file: string): Promise<ReadFile> => {
  const hash = createHash('sha256')
  let [decisions, entries, attempts, number] = [0, 0, 0, 0]
  let foot: Line | null = null
  for await (const text of linesIn(file)) {
    number += 1
    const line = parsed(text)
    if (foot !== null) return { type: 'broken', why: `something follows its last line` }
    if (line === null) return { type: 'broken', why: `line ${number} is no JSON` }
    if (number === 1) {
      if (line.foreword_archive === format) continue
      return { type: 'broken', why: 'it is no archive of this format' }
    }
    if (line.decision === undefined) {
      foot = line
      continue
    }
    hash.update(`${text}\n`)
    decisions += 1
    entries += line.entries?.length ?? 0
    for (const entry of line.entries ?? []) attempts += entry.calls?.length ?? 0
  }
  if (foot === null) return { type: 'broken', why: 'it has no end' }
  const sha256 = hash.digest('hex')
  if (foot.sha256 !== sha256 || foot.decisions !== decisions) {
    return { type: 'broken', why: 'its digest is another than its last line says' }
  }
  return { type: 'whole', decisions, entries, attempts, sha256 }
}

/** Reads a file back, whatever it is called by now. */
export const readArchive = async (file: string): Promise<ReadFile> => {
  for (const name of [file, partOf(file)]) {
    try {
      if (!(await stat(name)).isFile()) return { type: 'broken', why: 'it is no file' }
      return await readLines(name)
    } catch (error) {
      if (codeOfFile(error) !== 'ENOENT') return { type: 'broken', why: codeOfFile(error) }
    }
  }
  return { type: 'missing' }
}
