import type { BudgetStore } from '../domain/budget-ports.ts'
import type { Sql } from './connect.ts'
import { jsonb } from './jsonb.ts'

export const budgetStore = (sql: Sql): BudgetStore => ({
  note: async (notes) => {
    const rows = await sql<{ account: string }[]>`
      select n as account from foreword_code.note_answers(${jsonb(sql, notes)}) n`
    return rows.map((row) => row.account)
  },
  wait: async (kinds) => {
    const [row] = await sql<{ ms: number | null }[]>`
      select foreword_code.budget_wait(${[...kinds]}::text[]) as ms`
    return row?.ms ?? null
  },
  take: async ({ account, kind, scope, rate }) => {
    const [row] = await sql<{ ms: number | null }[]>`
      select foreword_code.take_call(
        ${account},
        ${kind},
        ${scope},
        ${rate?.per_second ?? null}::double precision,
        ${rate?.burst ?? null}::integer
      ) as ms`
    return row?.ms ?? null
  },
})
