/** The log as `foreword audit` judges it. */
import type { Test } from 'tap'
import { audit } from '../../src/audit/audit.ts'
import type { Engine } from '../../src/foreword.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'

/** No law of the audit is broken. */
export const auditedBy = async (t: Test, engine: Engine): Promise<void> => {
  const { checks } = await audit(auditStore(engine.sql))
  t.same(
    checks.filter(({ violated }) => violated > 0),
    [],
    'the log is lawful',
  )
}
