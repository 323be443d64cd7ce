/**
 * The accounts that calls are made on, as this process knows them. What its calls say of them is told to
 * the database, which all processes share: at once when something is wrong, else now and then.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { accountIn, accountOf, createGauge, rateOf, type Gauge } from '../domain/budget.ts'
import type { BudgetNote, BudgetStore } from '../domain/budget-ports.ts'
import type { Logger } from '../domain/ports.ts'
import type { AnyProvider } from '../domain/provider.ts'
import type { Answer } from './watched.ts'

/** Good answers are told this often: another process may have found the account wanting. */
const tell_well_ms = 500
/** A process that ends does not wait longer for a database that does not answer. */
const stop_max_ms = 2_000
/** A reconcile waits this long for its next look at most; the next reconcile looks again. */
const admit_max_ms = 30_000
/** An account without a limit is not asked before each look. */
const free_ms = 1_000

export interface Budgets {
  readonly tell: (provider: AnyProvider, answer: Answer) => void
  /** Resolves when what is wrong, as far as it is known here, is known to all. */
  readonly flush: () => Promise<void>
  /** Whether some account is known to be not well. */
  readonly unwell: () => boolean
  /** Resolves when a look without an intent may be taken; throws where the account has none to give. */
  readonly admit: (provider: AnyProvider, scope: string) => Promise<void>
  /** Resolves when all that was told is known to all. What calls say later, whoever still makes them, is not told. */
  readonly stop: () => Promise<void>
}

export interface BudgetsDeps {
  readonly store: BudgetStore
  readonly providers: readonly AnyProvider[]
  readonly logger: Logger
}

const scopeOf = (provider: AnyProvider, scope: string): string | null =>
  accountOf(provider).includes('{scope}') ? scope : null

const noteOf = (account: string, provider: AnyProvider, scope: string): BudgetNote => ({
  account,
  kinds: [provider.kind],
  scope: scopeOf(provider, scope),
  throttled_ms: null,
  strained: false,
  broken: false,
  failed: 0,
  well: 0,
  why: null,
})

const added = (note: BudgetNote, answer: Answer, gauge: Gauge): BudgetNote => {
  const why = answer.why ?? note.why
  switch (answer.said) {
    case 'well':
      gauge.well()
      return { ...note, well: note.well + 1 }
    case 'throttled': {
      const throttled_ms = Math.ceil(answer.retry_after_ms ?? 0)
      return { ...note, why, throttled_ms: Math.max(note.throttled_ms ?? 0, throttled_ms) }
    }
    case 'failed': {
      const { strained, broken } = gauge.failed(answer.whose)
      return {
        ...note,
        why,
        failed: note.failed + 1,
        strained: note.strained || strained,
        broken: note.broken || broken,
      }
    }
  }
}

/** Writes down what was told, one time after the other. */
const createSending = (
  { store, logger }: BudgetsDeps,
  notes: Map<string, BudgetNote>,
  unwell: Set<string>,
) => {
  let urgent = false
  let sending: Promise<void> | null = null
  let next: Promise<void> | null = null

  const write = async (): Promise<void> => {
    urgent = false
    const told = [...notes.values()]
    notes.clear()
    try {
      const found = await store.note(told)
      for (const { account } of told) unwell.delete(account)
      for (const account of found) unwell.add(account)
    } catch (error) {
      logger.warn({ error }, 'what calls say of their accounts was not noted')
    }
  }
  const send = (): Promise<void> => {
    sending = write().finally(() => {
      sending = null
    })
    return sending
  }
  /** Waits for what was told before, and not for what comes meanwhile: answers may come without end. */
  const flush = async (): Promise<void> => {
    if (!urgent) return sending ?? undefined
    if (sending === null) return send()
    next ??= sending.then(() => {
      next = null
      return send()
    })
    return next
  }
  return {
    flush,
    soon: (): Promise<void> => {
      urgent = true
      return flush()
    },
  }
}

const createTelling = (deps: BudgetsDeps) => {
  const gauges = new Map<string, Gauge>()
  const notes = new Map<string, BudgetNote>()
  const unwell = new Set<string>()
  const { flush, soon } = createSending(deps, notes, unwell)
  let later: NodeJS.Timeout | null = null
  let stopped = false

  return {
    flush,
    unwell: () => unwell.size > 0,
    stop: async (): Promise<void> => {
      stopped = true
      if (later !== null) clearTimeout(later)
      const told = notes.size > 0 ? soon() : flush()
      await Promise.race([told, pause(stop_max_ms, undefined, { ref: false })])
    },
    tell: (provider: AnyProvider, answer: Answer): void => {
      if (stopped) return
      const account = accountIn(accountOf(provider), answer.scope)
      const gauge = gauges.get(account) ?? createGauge()
      gauges.set(account, gauge)
      const note = notes.get(account) ?? noteOf(account, provider, answer.scope)
      const kinds = [...new Set([...note.kinds, provider.kind])]
      notes.set(account, { ...added(note, answer, gauge), kinds })
      if (answer.said !== 'well' || unwell.has(account)) {
        void soon()
        return
      }
      later ??= setTimeout(() => {
        later = null
        void soon()
      }, tell_well_ms).unref()
    },
  }
}

export const createBudgets = (deps: BudgetsDeps): Budgets => {
  const telling = createTelling(deps)
  const free_until = new Map<string, number>()
  return {
    ...telling,
    tell: (provider, answer) => {
      // What has just asked to be left alone is left alone by the next look already.
      if (answer.said !== 'well') free_until.delete(accountIn(accountOf(provider), answer.scope))
      telling.tell(provider, answer)
    },
    admit: async (provider, scope) => {
      const account = accountIn(accountOf(provider), scope)
      const until = performance.now() + admit_max_ms
      while ((free_until.get(account) ?? 0) < performance.now()) {
        await telling.flush()
        const wait_ms = await deps.store.take({
          account,
          kind: provider.kind,
          scope: scopeOf(provider, scope),
          rate: rateOf(provider, deps.providers),
        })
        if (wait_ms === 0) return
        if (wait_ms === null) free_until.set(account, performance.now() + free_ms)
        else if (wait_ms < 0) throw new Error(`account ${account}: its circuit is open`)
        else if (performance.now() + wait_ms > until) {
          throw new Error(`account ${account} has no call to give for ${Math.ceil(wait_ms)} ms`)
        } else await pause(wait_ms)
      }
    },
  }
}
