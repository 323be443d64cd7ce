/** The text of a stack file, or why there is none. */
import { isUtf8 } from 'node:buffer'
import * as E from 'fp-ts/lib/Either.js'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

const stack_file_bytes_max = 10 * 1024 * 1024

export interface SourceProblem {
  readonly line: number
  readonly message: string
  readonly remedy: string
}

const problem = (message: string, remedy: string, line = 1): E.Either<SourceProblem, never> =>
  E.left({ line, message, remedy })

const unreadable = (error: unknown): E.Either<SourceProblem, never> => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return problem('there is no such file', 'check the name')
  if (code === 'EACCES' || code === 'EPERM')
    return problem('may not be read', 'give yourself the right to read it')
  return problem(`cannot be read (${code})`, 'name a file that can be read')
}

/** All of it, or undefined as soon as it is too much: pipes and devices do not tell their size. */
const collect = async (input: AsyncIterable<unknown>): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input) {
    const buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    bytes += buffer.length
    if (bytes > stack_file_bytes_max) return undefined
    chunks.push(buffer)
  }
  return Buffer.concat(chunks)
}

const newline = 0x0a

/** The line with the first bytes that are no UTF-8. No character of UTF-8 has a line break within. */
const oddLine = (bytes: Buffer): number => {
  let line = 1
  for (let start = 0; start <= bytes.length; line++) {
    const end = bytes.indexOf(newline, start)
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
  }
  return line
}

const textOf = (bytes: Buffer): E.Either<SourceProblem, string> =>
  isUtf8(bytes)
    ? E.right(new TextDecoder().decode(bytes))
    : problem('is not UTF-8 text', 'save it as UTF-8', oddLine(bytes))

/** `-` is the standard input. */
export const readSource = async (
  path: string,
  stdin: AsyncIterable<unknown>,
): Promise<E.Either<SourceProblem, string>> => {
  try {
    if (path !== '-' && (await stat(path)).isDirectory())
      return problem(
        'is a directory',
        `name the files in it, as in ${path.replace(/\/$/, '')}/*.yaml`,
      )
    const bytes = await collect(path === '-' ? stdin : createReadStream(path))
    if (bytes !== undefined) return textOf(bytes)
    return problem('is larger than 10 MB', 'divide it into several files')
  } catch (error) {
    return unreadable(error)
  }
}
