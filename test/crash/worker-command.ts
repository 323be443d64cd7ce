/** `foreword worker` as a process, for tests of how it ends. */
import type { Bench, Ran, Running } from '../cli/harness.ts'
import { eventually } from '../support/eventually.ts'

export const startWorker = async (b: Bench, env: Record<string, string> = {}): Promise<Running> => {
  const worker = b.start(['worker'], { env })
  await worker.shows(/Ready\./)
  return worker
}

export const within = async (ended: Promise<Ran>, deadline_ms: number): Promise<Ran> => {
  let ran: Ran | null = null
  void ended.then((value) => (ran = value))
  return eventually('it has ended', () => ran, { deadline_ms })
}

export const confirmedOf = async ({ database }: Bench): Promise<number> => {
  const rows = await database.sql`select from foreword.intent where state = 'confirmed'`
  return rows.length
}

export const leased = async ({ database }: Bench): Promise<number> => {
  const rows = await database.sql`select from foreword.intent where state = 'applying'`
  return rows.length
}
