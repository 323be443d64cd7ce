/** The metrics by name: the one list that /metrics, docs/metrics.md, the dashboard and the alerts are held against. */

export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

/** A decision is milliseconds; what is slower than ten seconds is ill. */
const decision_seconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
const call_seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const batch = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
const tries = [1, 2, 3, 4, 5, 7, 10]
const run_seconds = [0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900]

const family = <T extends Family['type'], L extends string = never>(
  type: T,
  name: string,
  help: string,
  labels: readonly L[] = [],
  buckets?: readonly number[],
) => ({ type, name, help, labels, ...(buckets === undefined ? {} : { buckets }) })

/** Of this process: counted as it works. */
export const of_process = {
  info: family('gauge', 'foreword_info', 'Always 1; the version of foreword and of Node.', [
    'version',
    'node',
  ]),
  up: family(
    'gauge',
    'foreword_up',
    '1: the database was read for this scrape; 0: it did not answer.',
  ),
  reading: family(
    'gauge',
    'foreword_database_reading_seconds',
    'How long the last reading of the database took.',
  ),
  decisions: family(
    'counter',
    'foreword_decisions_total',
    'Runs of deciders in this process, by what came of them.',
    ['decider', 'outcome'],
  ),
  decision_seconds: family(
    'histogram',
    'foreword_decision_duration_seconds',
    'From the call of a decider to its result, all tries included.',
    ['outcome'],
    decision_seconds,
  ),
  decision_tries: family(
    'histogram',
    'foreword_decision_tries',
    'Tries until a decision committed, refused or was given up.',
    ['outcome'],
    tries,
  ),
  calls: family(
    'counter',
    'foreword_calls_total',
    'Calls and looks at APIs, by provider kind, verb (or read, find, confirm, list, poll) and answer.',
    ['kind', 'verb', 'answer'],
  ),
  call_seconds: family(
    'histogram',
    'foreword_call_duration_seconds',
    'How long calls and looks at APIs took; of a list: until its end.',
    ['kind', 'verb'],
    call_seconds,
  ),
  steps: family(
    'counter',
    'foreword_steps_total',
    'Steps of leased intents, by the state that each led to; none: it led to none.',
    ['kind', 'step', 'state'],
  ),
  running: family('gauge', 'foreword_running_steps', 'Steps of leased intents that run now.'),
  claim_intents: family(
    'histogram',
    'foreword_claim_intents',
    'Intents that a claim was given; claims that found nothing are not counted.',
    [],
    batch,
  ),
  claim_seconds: family(
    'histogram',
    'foreword_claim_duration_seconds',
    'How long claims took, those that found nothing included.',
    [],
    decision_seconds,
  ),
  settle_intents: family(
    'histogram',
    'foreword_settle_intents',
    'Outcomes that were written by one statement.',
    [],
    batch,
  ),
  settle_seconds: family(
    'histogram',
    'foreword_settle_duration_seconds',
    'How long writing outcomes took.',
    [],
    decision_seconds,
  ),
  refused_outcomes: family(
    'counter',
    'foreword_refused_outcomes_total',
    'Outcomes under a lease that had been taken over: not written.',
  ),
  takeovers: family(
    'counter',
    'foreword_takeovers_total',
    'Leases of dead workers that this one has freed.',
  ),
  reconciles: family(
    'counter',
    'foreword_reconciles_total',
    'Reconcile runs, by whether they came to their end.',
    ['outcome'],
  ),
  reconcile_seconds: family(
    'histogram',
    'foreword_reconcile_duration_seconds',
    'How long reconcile runs took.',
    [],
    run_seconds,
  ),
  looked: family(
    'counter',
    'foreword_looked_resources_total',
    'Resources that reconcile runs looked at, by whether the look counted.',
    ['outcome'],
  ),
  drifts: family(
    'counter',
    'foreword_drifts_found_total',
    'Resources that reconcile runs found drifted.',
  ),
} as const

/** Of the database, so the same from every process: read when somebody scrapes. */
export const of_database = {
  backlog: family(
    'gauge',
    'foreword_backlog_intents',
    'Intents that are not settled, by kind and state.',
    ['kind', 'state'],
  ),
  backlog_age: family(
    'gauge',
    'foreword_backlog_oldest_age_seconds',
    'Age of the oldest intent that is not settled, by kind and state.',
    ['kind', 'state'],
  ),
  overdue: family(
    'gauge',
    'foreword_overdue_seconds',
    'How late the most overdue work is; 0: nothing is late.',
  ),
  parked: family('gauge', 'foreword_parked_intents', 'Doubts that only a person can end.'),
  drifted: family(
    'gauge',
    'foreword_drifted_paths',
    'Paths at which the world differs from what is assumed.',
    ['kind'],
  ),
  drift_age: family(
    'gauge',
    'foreword_drift_oldest_age_seconds',
    'For how long the oldest drift has been there.',
    ['kind'],
  ),
  live_workers: family('gauge', 'foreword_live_workers', 'Workers that live.'),
  versions: family(
    'gauge',
    'foreword_live_workers_by_version',
    'Workers that live, by their version.',
    ['version'],
  ),
  dead_workers: family(
    'gauge',
    'foreword_dead_workers',
    'Workers that died and whose leases nobody has taken over yet.',
  ),
  paused_scopes: family('gauge', 'foreword_paused_scopes', 'Scopes that are paused.'),
  paused_intents: family(
    'gauge',
    'foreword_paused_intents',
    'Intents that wait for their scopes to be resumed.',
  ),
  margin: family(
    'gauge',
    'foreword_ssi_margin_commits',
    'Serializable commits that may pass during one open transaction before Postgres forgets conflicts.',
  ),
  oldest_transaction: family(
    'gauge',
    'foreword_oldest_transaction_age_seconds',
    'Age of the oldest open transaction that this login may see; 0: none is open.',
  ),
  commits: family(
    'counter',
    'foreword_database_commits_total',
    'Transactions that the database has committed, of whatever kind.',
  ),
  conflicts: family(
    'gauge',
    'foreword_recent_conflicts',
    'Tries of the last 5 minutes that came to nothing, of all deciders in all processes; at most 10000 are counted.',
    ['sqlstate'],
  ),
  account_health: family(
    'gauge',
    'foreword_account_health',
    'Always 1: how it stands with an account that is limited or not well (well, strained, throttled, open, half_open).',
    ['account', 'health'],
  ),
  account_tokens: family(
    'gauge',
    'foreword_account_tokens',
    'Calls that an account with a rate has left now.',
    ['account'],
  ),
  account_burst: family(
    'gauge',
    'foreword_account_burst',
    'Calls that an account with a rate holds at most.',
    ['account'],
  ),
  schedule_running: family(
    'gauge',
    'foreword_schedule_running',
    '1: a run of the schedule is under way.',
    ['schedule'],
  ),
  schedule_started: family(
    'gauge',
    'foreword_schedule_last_start_timestamp_seconds',
    'When the last run of the schedule began.',
    ['schedule'],
  ),
  schedule_next: family(
    'gauge',
    'foreword_schedule_next_timestamp_seconds',
    'When the schedule runs next.',
    ['schedule'],
  ),
  schedule_skipped: family(
    'counter',
    'foreword_schedule_skipped_total',
    'Runs that were left out, since the one before was still under way.',
    ['schedule'],
  ),
} as const

export const families: readonly Family[] = [
  ...Object.values(of_process),
  ...Object.values(of_database),
]
