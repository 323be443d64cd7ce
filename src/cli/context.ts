/** What every command is given: its global options, where it may write, and when it is to end. */
import { ForewordError } from '../domain/errors.ts'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import type { Logger } from '../domain/ports.ts'
import { colorsOf, harmless, type Colors } from './print.ts'

export interface GlobalOptions {
  readonly config?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export interface Context {
  readonly options: GlobalOptions
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** A line on stdout: what was asked for. */
  readonly out: (line?: string) => void
  /** A line on stdout that --quiet leaves out: what an action did. */
  readonly say: (line?: string) => void
  /** One dim line on stderr that --quiet leaves out. */
  readonly note: (line: string) => void
  /** One line on stderr, always. */
  readonly complain: (line: string) => void
  /** A value on stdout, for --json. */
  readonly json: (value: unknown) => void
  readonly colors: Colors
  /** Columns of stdout; Infinity where it is no terminal. */
  readonly width: number
  /** What stderr can show of progress. */
  readonly progress: {
    readonly isTty: boolean
    readonly width: number
    readonly colors: Colors
    readonly write: (text: string) => void
  }
  /** Aborted by the first Ctrl-C or SIGTERM, or when nobody reads stdout any more. */
  readonly signal: AbortSignal
  /** What must be closed before the process may end; last in, first out, once. */
  readonly atEnd: (close: () => Promise<void>) => void
  readonly setPatience: (patience: Patience) => void
  /** The database in use, so that an error that names none can be told with its place. */
  readonly setUrl: (url: string) => void
}

/**
 * How the end is waited for after a signal: `short` is for commands that only ask; `long` for those
 * that drain by themselves and bound that; `child` leaves the terminal's signals to a child process.
 */
export type Patience = 'short' | 'long' | 'child'

export interface Ending {
  readonly signal: AbortSignal
  readonly atEnd: Context['atEnd']
  readonly setPatience: Context['setPatience']
  readonly setUrl: Context['setUrl']
}

const widthOf = (stream: NodeJS.WriteStream): number =>
  stream.isTTY && stream.columns > 0 ? stream.columns : Infinity

const folderOf = ({ cwd }: Pick<NodeJS.Process, 'cwd'>): string => {
  try {
    return cwd()
  } catch (error) {
    const remedy = 'change into one that is there'
    throw new ForewordError('the folder that one is in was removed', {
      remedy,
      exit_code: 2,
      cause: error,
    })
  }
}

export const createContext = (options: GlobalOptions, ending: Ending): Context => {
  const { stdout, stderr, env } = process
  const quiet = options.quiet === true
  const dim = colorsOf(stderr, env).dim
  const out = (line = ''): void => {
    stdout.write(`${line}\n`)
  }
  const complain = (line: string): void => {
    stderr.write(`${withoutSecrets(line)}\n`)
  }
  return {
    options,
    env,
    cwd: folderOf(process),
    out,
    say: (line) => {
      if (!quiet && options.json !== true) out(line)
    },
    note: (line) => {
      if (!quiet) complain(dim(line))
    },
    complain,
    json: (value) => {
      out(JSON.stringify(value, null, 2))
    },
    colors: colorsOf(stdout, env),
    get width() {
      return widthOf(stdout)
    },
    progress: {
      isTty: stderr.isTTY && env['TERM'] !== 'dumb' && !quiet,
      get width() {
        return widthOf(stderr)
      },
      colors: colorsOf(stderr, env),
      write: (text) => {
        if (!quiet) stderr.write(text)
      },
    },
    ...ending,
  }
}

/** What goes wrong on the side of a command of a few seconds, one line each; the rest is in the views. */
export const lineLogger = (context: Pick<Context, 'complain'>): Logger => {
  let last = ''
  const tell = (fields: Record<string, unknown>, message: string): void => {
    const { error, kind, resource, intent } = fields
    const about = [kind, resource, intent].find(
      (field) => typeof field === 'string' || typeof field === 'number',
    )
    const where = about === undefined ? '' : `, ${about}`
    const why = error instanceof Error ? `: ${error.message}` : ''
    const line = harmless(`foreword: warning: ${message}${where}${why}`)
    // One cause, a dozen connections that say so.
    if (line !== last) context.complain(line)
    last = line
  }
  return { info: () => undefined, warn: tell, error: tell }
}
