/** What can be shown now; a silent database is something to show too. */
import type { Logger } from '../domain/ports.ts'
import { shared } from '../domain/shared.ts'
import type { HealthRow } from '../domain/web-ports.ts'
import type { WebReads } from '../domain/web-story-ports.ts'
import { inTime } from './live.ts'
import { troubleMain } from './overview.ts'
import { missing, views, type Page } from './pages.ts'

const rest_ms = 500
/** Addresses whose last reading is kept for whoever asks at the same time. */
const kept_max = 64

export type Health = {
  readonly status: 'ok' | 'no_worker' | 'no_database'
} & Partial<HealthRow>

export interface Readings {
  /** Never rejects. */
  readonly page: (at: URL) => Promise<Page>
  readonly health: () => Promise<Health>
  /** After a change: what is read next is read anew. */
  readonly forget: () => void
}

/** Of Postgres: the statement was cut off, since it took longer than a page may. */
const tookTooLong = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === '57014'

/** Says once that the database is silent, not with every try. */
const troubleLog = (logger: Logger) => {
  let silent = false
  return {
    worked: (): void => {
      silent = false
    },
    failed: (error: unknown): void => {
      if (!silent) logger.error({ error }, 'the page cannot read the database')
      silent = true
    },
  }
}

export const readings = (of: {
  readonly reads: WebReads
  readonly logger: Logger
  readonly person: string
}): Readings => {
  const { reads, person } = of
  const log = troubleLog(of.logger)
  const health = shared(reads.health, rest_ms)
  const kept = new Map<string, () => Promise<Page>>()
  /** Readers of one address share a reading. */
  const readingOf = (at: URL): (() => Promise<Page>) => {
    const address = at.pathname + at.search
    const known = kept.get(address)
    const view = views.get(at.pathname)
    if (known !== undefined) return known
    if (view === undefined) {
      return () =>
        Promise.resolve(missing('There is no such page', 'The links above lead to all there are.'))
    }
    const made = shared(() => view(reads, at.searchParams, person), rest_ms)
    kept.set(address, made)
    const [oldest] = kept.keys()
    if (kept.size > kept_max && oldest !== undefined) kept.delete(oldest)
    return made
  }
  return {
    forget: () => {
      kept.clear()
    },
    page: async (at) => {
      try {
        const page = await inTime(readingOf(at)())
        log.worked()
        return page
      } catch (error) {
        if (tookTooLong(error)) {
          return missing(
            'This takes too long',
            'The database is busy, or it was asked for too much: ask for less, or again.',
            503,
          )
        }
        log.failed(error)
        return { title: 'no database', main: troubleMain(), status: 503 }
      }
    },
    health: async () => {
      try {
        const row = await inTime(health())
        log.worked()
        return { status: row.live_workers > 0 ? 'ok' : 'no_worker', ...row }
      } catch (error) {
        log.failed(error)
        return { status: 'no_database' }
      }
    },
  }
}
