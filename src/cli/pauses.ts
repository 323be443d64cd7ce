/** Paused scopes as commands tell them. */
import { ForewordError } from '../domain/errors.ts'
import type { Sql } from '../store/connect.ts'
import type { Context } from './context.ts'
import { harmless, plural, span } from './print.ts'

export interface Pause {
  readonly scope: string
  readonly by: string
  readonly note: string
  readonly since: Date
  /** Intents that wait for it to go on. */
  readonly waiting: number
}

/** What is paused, of one scope or of all. */
export const readPauses = (sql: Sql, scope?: string): Promise<readonly Pause[]> => sql<Pause[]>`
  select s.scope, s.by, s.note, s.since, s.waiting
  from foreword.scope s
  where s.paused and (${scope ?? null}::text is null or s.scope = ${scope ?? null})
  order by s.scope`

/** Who has paused it, and why. */
export const pausedBy = ({ scope, by, note }: Pick<Pause, 'scope' | 'by' | 'note'>): string =>
  harmless(`scope ${scope} is paused by ${by}${note === '' ? '' : `: ${note}`}`)

/** Quoted where a shell would take it apart. */
const word = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

export const resumeCommand = (scope: string): string => harmless(`foreword resume ${word(scope)}`)

export const pauseLines = (pauses: readonly Pause[], context: Context): readonly string[] =>
  pauses.map((pause) => {
    const since = span(Date.now() - pause.since.getTime())
    const waits = plural(pause.waiting, 'intent waits', 'intents wait')
    const rest = context.colors.dim(` · since ${since} · ${waits} · ${resumeCommand(pause.scope)}`)
    return `${context.colors.yellow('‖')} ${pausedBy(pause)}${rest}`
  })

/** Nothing can be decided there now: said before anything is written. */
export const refusePaused = (pauses: readonly Pause[], scopes: readonly string[]): void => {
  const pause = pauses.find(({ scope }) => scopes.includes(scope))
  if (pause === undefined) return
  throw new ForewordError(pausedBy(pause), { remedy: resumeCommand(pause.scope) })
}
