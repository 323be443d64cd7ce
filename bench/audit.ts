/**
 * `foreword audit` of a log of a million decisions, each with three premises and one entry that was
 * carried out. The floors are the bars: 20 seconds, 2 GiB of the audit's process. Between the laws of the
 * history (is there a serial order?) and those of the tables, the floor of the former is the latter.
 */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { makeLog } from './audit-log.ts'
import type { Audited } from './audit-process.ts'
import { benchDatabase } from './database.ts'
import { compared, progress, type BenchLine } from './rounds.ts'

const decisions = 1_000_000
const resources = 200_000
const [seconds_bar, gib_bar] = [20, 2]

const auditOnce = async (url: string): Promise<Audited> => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    path.join(import.meta.dirname, 'audit-process.ts'),
    url,
  ])
  const audited = JSON.parse(stdout) as Audited
  if (audited.broken.length > 0 || audited.checked !== decisions) {
    throw new Error(`the log that was audited is not the one that was made: ${stdout}`)
  }
  return audited
}

export const benchAudit = async (rounds: number): Promise<readonly BenchLine[]> => {
  const database = await benchDatabase()
  try {
    await makeLog(database.sql, { decisions, resources })
    const audits: Audited[] = []
    for (let round = 0; round < rounds; round++) {
      audits.push(await auditOnce(database.url))
      progress('audit', { seconds: audits.map(({ total_s }) => total_s) })
    }
    const line = (
      name: string,
      ours: (audited: Audited) => number,
      floor: (audited: Audited) => number,
      unit: string,
    ): BenchLine => compared('audit', name, audits.map(ours), audits.map(floor), unit)
    return [
      line(
        '1M decisions, seconds',
        (a) => a.total_s,
        () => seconds_bar,
        's',
      ),
      line(
        '1M decisions, GiB',
        (a) => a.memory_gib,
        () => gib_bar,
        'GiB',
      ),
      line(
        '1M decisions, history against tables',
        (a) => a.history_s,
        (a) => a.tables_s,
        's',
      ),
    ]
  } finally {
    await database.close()
  }
}
