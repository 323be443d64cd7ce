import type { Policy } from '../domain/config.ts'
import { registrable } from '../domain/policy.ts'
import type { Sql } from './connect.ts'
import { jsonb } from './jsonb.ts'
import { serializably } from './system.ts'

/** Whoever starts last has the say: deciders in SQL are under his policies, and workers keep his windows. */
export const registerPolicies = async (sql: Sql, policies: readonly Policy[]): Promise<void> => {
  await serializably(
    sql,
    (tx) => tx`select foreword_code.register_policies(${jsonb(tx, registrable(policies))})`,
  )
}
