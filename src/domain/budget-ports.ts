/** What budgets need of the database, as types. */
import type { Traits } from './provider.ts'

/** What the answers to a process's calls say of one account, since it was told last. */
export interface BudgetNote {
  readonly account: string
  readonly kinds: readonly string[]
  /** Null: all scopes share the account. */
  readonly scope: string | null
  readonly throttled_ms: number | null
  readonly strained: boolean
  readonly broken: boolean
  readonly failed: number
  readonly well: number
  readonly why: string | null
}

export interface BudgetStore {
  /** Returns those of the accounts that are not well. */
  readonly note: (notes: readonly BudgetNote[]) => Promise<readonly string[]>
  /** Milliseconds until an account of these kinds that has nothing to give now has something; null: all have. */
  readonly wait: (kinds: readonly string[]) => Promise<number | null>
  /** Takes one look. Milliseconds to wait before asking again, 0: taken; null: no limit; below 0: its circuit is open. */
  readonly take: (from: {
    readonly account: string
    readonly kind: string
    readonly scope: string | null
    readonly rate: Traits['rate']
  }) => Promise<number | null>
}
