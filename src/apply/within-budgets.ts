/** A log whose claims take no more than the accounts have, and which claims again when they have more. */
import { timer_ms_max } from '../domain/codec/provider.ts'
import { accountOf, rateOf } from '../domain/budget.ts'
import type { BudgetStore } from '../domain/budget-ports.ts'
import type { ApplyLog, Logger } from '../domain/ports.ts'
import type { AnyProvider } from '../domain/provider.ts'
import type { Budgets } from './budgets.ts'

export interface WithinBudgetsDeps {
  readonly log: ApplyLog
  readonly store: BudgetStore
  readonly budgets: Budgets
  readonly providers: ReadonlyMap<string, AnyProvider>
  readonly wake: () => void
  readonly logger: Logger
}

/** Asks, after claims, when an account will have more to give, and rings then. */
const createBell = ({ store, wake, logger }: WithinBudgetsDeps) => {
  let timer: NodeJS.Timeout | undefined
  let asking = false
  const ended = new AbortController()
  const isOver = (): boolean => ended.signal.aborted
  return {
    stop: (): void => {
      ended.abort()
      clearTimeout(timer)
    },
    ask: async (kinds: readonly string[]): Promise<void> => {
      if (asking || isOver()) return
      asking = true
      try {
        const ms = await store.wait(kinds)
        if (ms === null || isOver()) return
        clearTimeout(timer)
        timer = setTimeout(wake, Math.min(timer_ms_max, ms)).unref()
      } catch (error) {
        if (!isOver()) logger.warn({ error }, 'budgets not asked; the sweep claims again')
      } finally {
        asking = false
      }
    },
  }
}

export const withinBudgets = (
  deps: WithinBudgetsDeps,
): ApplyLog & { readonly stop: () => void } => {
  const { log, budgets, providers } = deps
  const bell = createBell(deps)
  const limits = new Map(
    [...providers.values()].map((provider) => {
      const rate = rateOf(provider, providers.values())
      return [
        provider.kind,
        { account: accountOf(provider), ...(rate === undefined ? {} : { rate }) },
      ]
    }),
  )
  const limited = [...limits.values()].some(({ rate }) => rate !== undefined)
  return {
    ...log,
    stop: bell.stop,
    claim: async (worker, kinds) => {
      // What has just asked to be left alone is left alone by the next claim already.
      await budgets.flush()
      const leases = await log.claim(
        worker,
        kinds.map((k) => ({ ...k, ...limits.get(k.kind) })),
      )
      if (limited || budgets.unwell()) void bell.ask(kinds.map((k) => k.kind))
      return leases
    },
    settle: async (worker, results) => {
      // What was throttled is due again once this is written: by then the account must be known to wait.
      await budgets.flush()
      return log.settle(worker, results)
    },
  }
}
