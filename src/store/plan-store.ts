/** What saved plans need of the database: a seal that only it can make, and a note of those that were applied. */
import { createHmac } from 'node:crypto'
import type { ReconcileStore } from '../domain/reconcile-ports.ts'
import type { Sql } from './connect.ts'
import { wantOn } from './reconcile-store.ts'

export interface Seals {
  /** Which database this is: its server's own number, and its own there. */
  readonly database: string
  readonly seal: (text: string) => string
}

export const readSeals = async (sql: Sql): Promise<Seals> => {
  const [row] = await sql<{ database: string; secret: string }[]>`
    select
      c.system_identifier || '/' || d.oid as database,
      array_to_string(s.secret, '') as secret
    from foreword_private.plan_seal s
    cross join pg_control_system() c
    join pg_database d on d.datname = current_database()`
  if (row === undefined) throw new Error('the database has no seal')
  const { database, secret } = row
  return {
    database,
    seal: (text) => createHmac('sha256', secret).update(`${database}\n${text}`).digest('hex'),
  }
}

export interface AppliedPlan {
  readonly applied_at: Date
  readonly applied_by: string
}

export const readAppliedPlan = async (sql: Sql, id: string): Promise<AppliedPlan | undefined> => {
  const [row] = await sql<AppliedPlan[]>`
    select p.applied_at, p.applied_by
    from foreword_private.applied_plan p
    where p.id = ${id}`
  return row
}

type Rows = Parameters<ReconcileStore['want']>[0]

export interface PlannedWish {
  readonly scope: string
  readonly stack: string
  readonly rows: Rows
  /** By KIND/NAME: the generation that its row had when it was planned; absent: it had none. */
  readonly generations: ReadonlyMap<string, number>
  /** Those that have a new name since: their rows are new ones. */
  readonly renamed: ReadonlySet<string>
  readonly unwanted: readonly { readonly kind: string; readonly name: string }[]
}

class Moved extends Error {}

/**
 * Writes all that a saved plan wants, and that it was applied, or nothing: where one of its wishes was another
 * one's meanwhile, or it was applied already. Returns what is in the way.
 */
export const wantPlanned = async (
  sql: Sql,
  id: string,
  wishes: readonly PlannedWish[],
  how: { readonly by: string; readonly take_over: boolean },
): Promise<string | null> => {
  try {
    await sql.begin(async (tx) => {
      const noted = await tx`
        insert into foreword_private.applied_plan (id, applied_by)
        values (${id}, ${how.by})
        on conflict do nothing
        returning id`
      if (noted.length === 0) throw new Moved('it is being applied by somebody else')
      for (const { scope, rows, generations, renamed, unwanted } of wishes) {
        for (const { kind, name, generation } of await wantOn(tx, rows, how.by, how.take_over)) {
          const before = generations.get(`${kind}/${name}`) ?? 0
          const is_new = renamed.has(`${kind}/${name}`)
          if (generation > before + 1 && !is_new)
            throw new Moved(`${kind}/${name} is wanted otherwise meanwhile`)
        }
        for (const { kind, name } of unwanted) {
          await tx`select foreword.unwant(${scope}, ${kind}, ${name}, ${how.by})`
        }
      }
    })
    return null
  } catch (error) {
    if (error instanceof Moved) return error.message
    throw error
  }
}
