/** `node bench/audit-process.ts URL`: audits once, in a process of its own, and tells what it took as JSON. */
import { audit } from '../src/audit/audit.ts'
import { auditStore } from '../src/store/audit/audit-store.ts'
import { connectSql } from '../src/store/connect.ts'

/** Seconds of the laws of the tables and of those of the history, loading included; GiB at most. */
export interface Audited {
  readonly broken: readonly string[]
  readonly checked: number
  readonly tables_s: number
  readonly history_s: number
  readonly total_s: number
  readonly memory_gib: number
}

const [url = ''] = process.argv.slice(2)
const sql = connectSql({ url, application_name: 'foreword:audit', max: 1 })
const store = auditStore(sql)
let tables_ms = 0
const started = performance.now()
const report = await audit({
  snapshot: (work) =>
    store.snapshot((log) =>
      work({
        ...log,
        find: async (law, violations_max) => {
          const asked = performance.now()
          const finding = await log.find(law, violations_max)
          tables_ms += performance.now() - asked
          return finding
        },
      }),
    ),
})
const total_ms = performance.now() - started
await sql.end({ timeout: 5 })
const audited: Audited = {
  broken: report.checks.flatMap(({ law, violated }) => (violated > 0 ? [law] : [])),
  checked: report.checks.find(({ law }) => law === 'decisions_are_serializable')?.checked ?? 0,
  tables_s: tables_ms / 1_000,
  history_s: (total_ms - tables_ms) / 1_000,
  total_s: total_ms / 1_000,
  memory_gib: process.resourceUsage().maxRSS / 2 ** 20,
}
console.log(JSON.stringify(audited))
