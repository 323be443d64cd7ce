/** Which faults a schedule gets. At least one; most schedules get three or four of different kinds. */
import type { FailPoint } from '../../src/domain/fail-point.ts'
import type { ApiFault, Chance, Fault } from './schedule.ts'

/** Points that a worker comes by, the busy ones as often as their neighbours that are rare. */
const worker_points: readonly [FailPoint, ...FailPoint[]] = [
  'before_claim',
  'after_claim',
  'before_certify',
  'after_certify',
  'before_apply',
  'before_apply',
  'after_apply',
  'after_apply',
  'before_settle',
  'before_settle',
  'after_settle',
  'before_sweep',
  'after_sweep',
  'before_recover',
  'after_recover',
  'before_look_up',
  'after_look_up',
  'before_confirm',
  'after_confirm',
  'before_release',
  'after_release',
  'before_withdraw',
  'after_withdraw',
  'before_decide_again',
  'after_decide_again',
]

const decider_points: readonly [FailPoint, ...FailPoint[]] = [
  'before_read',
  'after_read',
  'before_commit',
  'before_commit',
  'after_commit',
]

/** Longer than a lease (call_timeout_ms and 5 s of grace): others have taken over when it wakes. */
const past_the_lease_ms = 8_000

interface Cast {
  readonly workers: number
  readonly deciders: number
}

type Draw = (chance: Chance, cast: Cast) => Fault

const killedWorker =
  (index: number): Draw =>
  (chance) => ({
    type: 'fail_point',
    role: 'worker',
    index,
    point: chance.pick(worker_points),
    nth: chance.pick([1, 1, 1, 2, 3]),
    action: 'kill',
    // While what follows the point is under way: written, but not answered.
    after_ms: chance.pick([0, 0, 1, 3, 10, 40]),
    for_ms: 0,
  })

const killedDecider: Draw = (chance, { deciders }) => ({
  type: 'fail_point',
  role: 'decider',
  index: chance.int(0, deciders - 1),
  point: chance.pick(decider_points),
  nth: chance.int(1, 4),
  action: 'kill',
  after_ms: chance.pick([0, 0, 1, 2, 5]),
  for_ms: 0,
})

const stoppedWorker: Draw = (chance, { workers }) => ({
  type: 'fail_point',
  role: 'worker',
  index: chance.int(0, workers - 1),
  point: chance.pick([
    'after_claim',
    'before_apply',
    'after_apply',
    'before_settle',
    'after_look_up',
    'after_confirm',
    'before_withdraw',
    'before_release',
  ]),
  nth: chance.int(1, 2),
  action: 'stop',
  after_ms: chance.pick([0, 0, 2, 20]),
  for_ms: chance.pick([800, past_the_lease_ms]),
})

const killedSomewhere: Draw = (chance, { workers }) => ({
  type: 'kill',
  role: 'worker',
  index: chance.int(0, workers - 1),
  at_ms: chance.int(0, 2_500),
})

const cut: Draw = (chance) => ({
  type: 'cut',
  role: chance.pick(['worker', 'worker', 'decider']),
  at_ms: chance.int(0, 2_000),
  share: chance.pick([0.3, 0.6, 1]),
})

const partition: Draw = (chance) => ({
  type: 'partition',
  role: chance.pick(['worker', 'decider']),
  at_ms: chance.int(0, 1_500),
  for_ms: chance.int(100, 900),
})

const commitCut: Draw = (chance) => ({
  type: 'commit_cut',
  nth: chance.int(1, 8),
  how: chance.pick(['before', 'after', 'late', 'during']),
})

const clock: Draw = (chance, { workers }) => ({
  type: 'clock',
  index: chance.int(0, workers - 1),
  at_ms: chance.int(0, 1_500),
  by_ms: chance.pick([-86_400_000, -60_000, 60_000, 3_600_000, 86_400_000]),
})

const postgres: Draw = (chance) => ({ type: 'postgres', at_ms: chance.int(200, 2_000) })

const api_faults: readonly [ApiFault, ...ApiFault[]] = [
  'lose_response',
  'lose_response',
  'lose_request',
  'error_before',
  'error_after',
  'throttle',
  'hang',
  'truncate',
]

const api: Draw = (chance) => ({
  type: 'api',
  fault: chance.pick(api_faults),
  p: chance.pick([0.05, 0.1, 0.2]),
})

/** How likely a schedule has each. */
const odds: readonly (readonly [p: number, draw: Draw])[] = [
  [0.75, killedWorker(0)],
  [0.6, killedWorker(1)],
  [0.4, killedWorker(0)],
  [0.4, killedWorker(1)],
  [0.35, killedDecider],
  [0.15, stoppedWorker],
  [0.25, killedSomewhere],
  [0.2, cut],
  [0.1, partition],
  [0.35, commitCut],
  [0.25, clock],
  [0.08, postgres],
  [0.7, api],
  [0.4, api],
]

export const drawFaults = (chance: Chance, cast: Cast): readonly Fault[] => {
  const drawn = odds.flatMap(([p, draw]) => (chance.happens(p) ? [draw(chance, cast)] : []))
  return drawn.length > 0 ? drawn : [killedWorker(0)(chance, cast)]
}
