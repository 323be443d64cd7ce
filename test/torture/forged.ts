/**
 * What Postgres would let through if it missed a conflict, as released versions do: two decisions that each
 * say to have read what the other one writes, and did not.
 */
import type { WritePlan } from '../../src/domain/ports.ts'
import { newDecisionId } from '../../src/domain/decision-id.ts'
import { resourceId } from '../../src/domain/resource-id.ts'
import type { Sql } from '../../src/store/connect.ts'
import { prepareSlots, writeFlight } from '../../src/store/flights.ts'
import { scope } from './setting.ts'

const kind = 'dns_record'
const names = ['left.example.', 'right.example.'] as const

const planOf = (name: string): WritePlan => ({
  head: {
    scope,
    decider: 'forged',
    decider_version: 1,
    actor: 'torture',
    reason: '',
    input: null,
    tries: 1,
    saw_at: new Date().toISOString(),
  },
  premises: names.map((n) => ({ resource: resourceId(scope, kind, n), version: 0 })),
  predicates: [],
  counters: [],
  cause: 'intent',
  changes: [
    {
      scope,
      kind,
      name,
      verb: 'create',
      state: { type: 'A', ttl: 60, records: ['192.0.2.1'] },
      labels: null,
      counters: null,
      needs: [],
      initial: 'pending',
    },
  ],
  acted: [],
})

export const forgeCycle = async (sql: Sql): Promise<void> => {
  const tx = await sql.reserve()
  try {
    const resources = names.map((name) => ({ scope, kind, name }))
    await prepareSlots(tx, { resources, finds: [], counters: [] })
    for (const name of names) {
      await tx`begin isolation level serializable`
      await writeFlight(tx, [{ id: newDecisionId(Date.now()), plan: planOf(name) }])
    }
  } finally {
    tx.release()
  }
}
