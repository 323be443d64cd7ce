/**
 * Proves the log against itself: what each table says of the same facts must agree, and the decisions
 * must have an order in which each of them would have read what it read. It trusts none of the code
 * that wrote them, so it finds also what was edited by hand or lost by a restore.
 */
import type {
  ArchivedLog,
  AuditStore,
  Finding,
  HistoryLaw,
  Law,
  TableLaw,
} from '../domain/audit-ports.ts'
import { holdHistory } from './history-laws.ts'

export interface Check extends Finding {
  readonly law: Law
  /** The law in one sentence. */
  readonly says: string
}

export interface AuditReport {
  readonly checks: readonly Check[]
  /** True: no law is broken. */
  readonly ok: boolean
  /** What has left the log by `foreword archive`: nothing is proven of it here. */
  readonly archived: ArchivedLog
}

/** Violations shown of each law; `violated` counts them all. */
const violations_max = 20

/** Records, so that a law without its sentence does not compile. In the order of the report. */
const of_tables: Readonly<Record<TableLaw, string>> = {
  versions_without_gaps:
    'The versions of each resource are 1 to n, archived ones first, and n is its state’s version.',
  state_is_newest_entry: 'What is assumed of a resource is what its newest entry says.',
  entries_are_decided: 'Every entry was written by a decision that committed.',
  states_are_lawful:
    'What an entry is of, how it stands and whether it is settled belong together.',
  effects_were_attempted:
    'Every intent that took effect has a call that was answered, or was in doubt and then looked up or ruled on.',
  one_open_attempt:
    'An intent has at most one call open, its newest, and only while it is applying or accepted.',
  attempts_are_counted:
    'The calls of an intent are numbered 1 to n under its own idempotency key, and n is what the intent counts.',
  rulings_were_due:
    'Every ruling was on a call in doubt or an intent that waited, and what was cancelled was ruled so.',
  quotas_add_up: 'What a metric has consumed is the sum of what its resources consume.',
  the_gone_consume_nothing: 'A resource that is gone, with nothing under way, consumes nothing.',
  members_match_labels: 'find() sees each present resource under each of its labels, and no other.',
  references_resolve: 'Whatever is noted of a resource is noted of one that is known.',
  archives_add_up: 'What each file of the archive took is what has left the log, and no more.',
}

const of_history: Readonly<Record<HistoryLaw, string>> = {
  reads_were_written: 'Every version that was read was written by a decision that committed.',
  finds_are_complete: 'Every find() found as many as there were in its snapshot.',
  decisions_are_serializable:
    'The decisions are equivalent to some serial order over everything that they read.',
}

const tableLaws = Object.keys(of_tables) as readonly TableLaw[]
const historyLaws = Object.keys(of_history) as readonly HistoryLaw[]

/** Holds every law against one snapshot of the log. Reads only; takes seconds per million entries. */
export const audit = (store: AuditStore): Promise<AuditReport> =>
  store.snapshot(async (log) => {
    const checks: Check[] = []
    for (const law of tableLaws) {
      checks.push({ law, says: of_tables[law], ...(await log.find(law, violations_max)) })
    }
    const findings = await holdHistory(await log.history(), violations_max)
    for (const law of historyLaws) checks.push({ law, says: of_history[law], ...findings[law] })
    return {
      checks,
      ok: checks.every((check) => check.violated === 0),
      archived: await log.archived(),
    }
  })
