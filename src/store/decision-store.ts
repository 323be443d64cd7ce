import type { ConflictNote, DecisionStore, ReadPlan } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Sql } from './connect.ts'
import { jsonb } from './jsonb.ts'
import type { Slots } from './flights.ts'
import { createGrouping, group_size_max } from './group.ts'

/** Names whose slots this process has made. Bounded: a forgotten name costs one look-up. */
const names_max = 100_000

/** Of flights that could make slots beforehand, one in so many reads first, and shows whether it was worth it. */
const reads_first_every = 16

const rememberSlots = (): Slots => {
  const seen = new Set<string>()
  /** Whether names not seen yet were mostly new to everybody when this was last looked at. */
  let mostly_new = false
  let flights = 0
  const resourceKey = (r: ReadPlan['resources'][number]): string =>
    resourceId(r.scope, r.kind, r.name)
  const counterKey = (c: ReadPlan['counters'][number]): string =>
    JSON.stringify([c.scope, c.metric])
  const unseen = (plan: ReadPlan): ReadPlan | null => {
    const resources = plan.resources.filter((r) => !seen.has(resourceKey(r)))
    const counters = plan.counters.filter((c) => !seen.has(counterKey(c)))
    if (resources.length + counters.length === 0) return null
    return { resources, counters, finds: [] }
  }
  return {
    unseen,
    foresee: (plan) => (mostly_new && ++flights % reads_first_every > 0 ? unseen(plan) : null),
    learn: (asked, missing) => {
      mostly_new = missing * 2 > asked.resources.length + asked.counters.length
    },
    made: (plan) => {
      if (seen.size > names_max) seen.clear()
      for (const r of plan.resources) seen.add(resourceKey(r))
      for (const c of plan.counters) seen.add(counterKey(c))
    },
  }
}

const insertNotes = async (sql: Sql, notes: readonly ConflictNote[]): Promise<void> => {
  const tx = await sql.reserve()
  try {
    await tx`select foreword_code.note_conflicts(${jsonb(tx, notes)})`
  } finally {
    tx.release()
  }
}

const countKinds = async (
  sql: Sql,
  kinds: Parameters<DecisionStore['countKinds']>[0],
): Promise<readonly number[]> => {
  const asked = kinds.map(({ scope, kind }) => ({ scope, kind }))
  const rows = await sql<{ scope: string; kind: string; count: number }[]>`
    select c.scope, c.kind, c.count from foreword_code.count_kinds(${jsonb(sql, asked)}) c`
  return kinds.map(
    ({ scope, kind }) => rows.find((r) => r.scope === scope && r.kind === kind)?.count ?? 0,
  )
}

/** Scopes that are remembered to be paused. Bounded: a forgotten one costs its group one try. */
const paused_max = 1_000

/**
 * A group that holds a decision of a paused scope fails whole, and each of it is tried alone. So whoever was
 * refused for that goes alone from then on, until one of its scope is written: the others pay once.
 */
const pausedGoAlone = (once: DecisionStore['once']): DecisionStore['once'] => {
  const paused = new Set<string>()
  return async (attempt) => {
    const { scope } = attempt
    if (scope === undefined) return once(attempt)
    const apart = attempt.company === 'grouped' && paused.has(scope)
    const tried = await once(apart ? { ...attempt, company: 'alone' } : attempt)
    if (tried.type === 'paused') {
      if (paused.size >= paused_max) paused.clear()
      paused.add(scope)
    } else if (apart && tried.type === 'written') paused.delete(scope)
    return tried
  }
}

/** Decisions on a pool whose planner only uses index-driven plans: see `decider_settings`. */
export const decisionStore = (
  sql: Sql,
  options: { readonly group_decisions_max?: number } = {},
): DecisionStore => {
  const slots = rememberSlots()
  const size_max = Math.min(options.group_decisions_max ?? group_size_max, group_size_max)
  const grouping = createGrouping(sql, slots, size_max)
  return {
    once: pausedGoAlone(grouping.once),
    countKinds: (kinds) => countKinds(sql, kinds),
    noteConflicts: async (notes) => {
      // For counting only: whoever has decided has decided, also where this cannot be noted.
      await insertNotes(sql, notes).catch(() => undefined)
    },
  }
}
