/** Schedules that lead straight to where one precaution is all that stands between a fault and its harm. */
import type { Fault, Job, Kinds, Schedule } from './schedule.ts'

/** Of every kind the same. */
export const all = (idempotency: Kinds['vm']): Kinds => ({
  network: idempotency,
  vm: idempotency,
  ip: idempotency,
  dns_record: idempotency,
})

const jobsOf = (names: readonly string[]): readonly Job[] =>
  names.map((decider, i) => ({ job: `a${i}`, decider, n: 1, wait_ms: 0 }))

/** A calm world with one worker, whose place another takes as soon as it cannot work. */
export const directed = (names: readonly string[], over: Partial<Schedule> = {}): Schedule => ({
  seed: 1,
  kinds: all('lookup'),
  traits: { settle_ms: 100, sightings: 1, call_timeout_ms: 2_000 },
  cores_max: 10,
  cloud_cores: null,
  deciders: [jobsOf(names)],
  workers: 1,
  faults: [],
  ...over,
  cloud: { tokens: true, ...over.cloud },
})

export const worker = (
  point: Extract<Fault, { type: 'fail_point' }>['point'],
  over: Partial<Extract<Fault, { type: 'fail_point' }>> = {},
): Fault => ({
  type: 'fail_point',
  role: 'worker',
  index: 0,
  point,
  nth: 1,
  action: 'kill',
  after_ms: 0,
  for_ms: 0,
  ...over,
})

/** The first POST of all has its effect, and its answer is lost. */
export const first_answer_lost = {
  match: [{ method: 'POST', fault: 'lose_response', n: 1 }],
} as const
