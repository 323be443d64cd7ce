/**
 * The release that a database is of: a process and the functions of the database are made for each other. Where
 * another release is deployed under a process that lives on, what it calls is gone, or does something else.
 */
import { ForewordError } from '../domain/errors.ts'
import { codeOf, type Sql, type TransactionSql } from './connect.ts'
import { placeOf } from './database-url.ts'

/** No such function, table, column or schema. */
export const foreign_codes: ReadonlySet<string> = new Set(['42883', '42P01', '42703', '3F000'])

/** What a program is told whose database is of another release by now. */
export const ofOtherRelease = (url: string, why: string, cause?: unknown): ForewordError =>
  new ForewordError(`the database is of another release of foreword than this program (${why})`, {
    where: placeOf(url),
    remedy: 'start it again, with the newer of the two; it migrates where it may',
    cause,
  })

/** What says that the database is of another release, as that; any other error as it is. */
export const otherRelease = (url: string, error: unknown): unknown =>
  error instanceof Error && foreign_codes.has(codeOf(error))
    ? ofOtherRelease(url, error.message, error)
    : error

const hashOf = async (sql: Sql): Promise<string | null> => {
  const [row] = await sql<{ hash: string | null }[]>`select foreword_code.deployed_hash() as hash`
  return row?.hash ?? null
}

const asks_every = 5

export interface ReleaseWatch {
  /** With each sweep; never waits. */
  readonly tick: () => void
  /** Asks at once, and tells as `tick` does. True also where it cannot be asked. */
  readonly isOurs: () => Promise<boolean>
}

/** Remembers the release of the database now, and tells once when it is of another one. */
export const watchRelease = async (
  sql: Sql,
  onChanged: (reason: string) => void,
): Promise<ReleaseWatch> => {
  const ours = await hashOf(sql)
  let ticks = 0
  let done = false
  const end = (reason: string): void => {
    if (!done) onChanged(reason)
    done = true
  }
  const ask = async (): Promise<void> => {
    try {
      if ((await hashOf(sql)) !== ours) {
        end('the database was migrated to another release of foreword, and needs workers of that')
      }
    } catch (error) {
      // Any other error is the sweep's to meet.
      if (foreign_codes.has(codeOf(error))) end('foreword is not deployed in the database any more')
    }
  }
  return {
    isOurs: async () => {
      await ask()
      return !done
    },
    tick: () => {
      ticks += 1
      if (!done && ticks % asks_every === 0) void ask()
    },
  }
}

/** Whether a version is later than another; of what is not numbers and dots alone only these count. */
const isLater = (version: string, than: string): boolean => {
  const parts = (text: string): readonly number[] =>
    (/^\d+(\.\d+)*/.exec(text)?.[0] ?? '').split('.').map(Number)
  const [ours, theirs] = [parts(version), parts(than)]
  const at = ours.findIndex((part, i) => part !== (theirs[i] ?? 0))
  return at >= 0 && (ours[at] ?? 0) > (theirs[at] ?? 0)
}

/** An old worker that is started again must not take the functions back under those of the new release. */
export const refuseToGoBack = async (
  tx: TransactionSql,
  version: string,
  where: string,
): Promise<void> => {
  const [latest] = await tx<{ version: string }[]>`
    select d.version from foreword_private.deployment d order by d.at desc limit 1`
  if (latest === undefined || !isLater(latest.version, version)) return
  throw new ForewordError(
    `the database is of a newer foreword (${latest.version}, this is ${version})`,
    { where, remedy: 'upgrade foreword here; `foreword migrate` of this one takes it back' },
  )
}
