/** Looks on their way into the database: gathered, noted many at once, and what differs in them told. */
import type { Difference } from '../domain/diff.ts'
import type { Json } from '../domain/json.ts'
import type { AnyProvider } from '../domain/provider.ts'
import type { LookNote, ReconcileStore, Watched } from '../domain/reconcile-ports.ts'
import { noteOf, type Look } from './look.ts'

/** A difference that is believed. */
export interface Drifted extends Watched {
  /** The assumed state, its references resolved. */
  readonly expected: Json
  /** Null: it is gone. */
  readonly observed: Json
  readonly differences: readonly Difference[]
}

export type OnDrift = (drifted: readonly Drifted[]) => Promise<void>

export const batch_looks_max = 200
const batch_bytes_max = 4_000_000
const batch_ms_max = 2_000

interface Noting {
  readonly look: Look
  readonly note: LookNote
  /** It cannot be noted. */
  readonly fail: (error: unknown) => void
}

/** What Postgres cannot take of a value: an index that it is too long for, above all. That is no outage. */
const isUnkept = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(22|23|54)/.test(String(error.code))

/** What cannot be noted keeps none of the others from it. */
const noteSome = async (
  store: Pick<ReconcileStore, 'noteLooks'>,
  batch: readonly Noting[],
): Promise<{ readonly counted: readonly string[]; readonly unkept: number }> => {
  try {
    return { counted: await store.noteLooks(batch.map(({ note }) => note)), unkept: 0 }
  } catch (error) {
    if (!isUnkept(error)) throw error
    if (batch.length === 1) {
      batch[0]?.fail(error)
      return { counted: [], unkept: 1 }
    }
    const middle = Math.ceil(batch.length / 2)
    const one = await noteSome(store, batch.slice(0, middle))
    const other = await noteSome(store, batch.slice(middle))
    return { counted: [...one.counted, ...other.counted], unkept: one.unkept + other.unkept }
  }
}

/** Gathers looks and notes them: so many, so large, or so old at most. */
export const createNotebook = (
  deps: { readonly store: Pick<ReconcileStore, 'noteLooks'> },
  onDrift: OnDrift,
) => {
  const looks = new Map<string, Noting>()
  let bytes = 0
  let since = performance.now()
  let writing: Promise<void> = Promise.resolve()
  let looked = 0
  let voided = 0

  const write = async (): Promise<void> => {
    const batch = [...looks.values()]
    looks.clear()
    bytes = 0
    since = performance.now()
    if (batch.length === 0) return
    const { counted, unkept } = await noteSome(deps.store, batch)
    const counts = new Set(counted)
    looked += counts.size
    voided += batch.length - counts.size - unkept
    const drifted = batch
      .filter(({ look }) => look.differences.length > 0 && counts.has(look.at.resource))
      .map(({ look }) => ({
        ...look.at,
        expected: look.state,
        observed: look.seen?.state ?? null,
        differences: look.differences,
      }))
    if (drifted.length > 0) await onDrift(drifted)
  }
  const flush = (): Promise<void> => {
    writing = writing.then(write)
    return writing
  }
  return {
    flush,
    told: () => ({ looked, voided }),
    add: async (provider: AnyProvider, look: Look, fail: Noting['fail']): Promise<void> => {
      const note = noteOf(provider, look)
      if (looks.size === 0) since = performance.now()
      looks.set(look.at.resource, { look, note, fail })
      bytes += JSON.stringify(note).length
      const full = looks.size >= batch_looks_max || bytes >= batch_bytes_max
      if (full || performance.now() - since >= batch_ms_max) await flush()
    },
  }
}

export type Notebook = ReturnType<typeof createNotebook>
