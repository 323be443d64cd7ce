/** Draws a schedule from a seed: the same one for the same seed, always. */
import { drawFaults } from './faults.ts'
import { chanceOf, type Chance, type Job, type Kinds, type Schedule } from './schedule.ts'

const drawJob = (chance: Chance, job: string, names: number): Job => ({
  job,
  decider: chance.pick([
    'provision',
    'provision',
    'provision',
    'resize',
    'resize',
    'retire',
    'reboot',
    'point',
    'misname',
    'follow',
    'mislead',
    'pair',
  ]),
  n: chance.int(1, names),
  wait_ms: chance.int(0, 400),
})

export const drawSchedule = (seed: number): Schedule => {
  const chance = chanceOf(seed)
  const idempotency = () => chance.pick(['lookup', 'lookup', 'token', 'token', 'none'] as const)
  const kinds: Kinds = {
    network: idempotency(),
    vm: idempotency(),
    ip: idempotency(),
    dns_record: idempotency(),
  }
  const lag_ms = chance.pick([0, 50, 150, 250])
  const names = chance.int(3, 6)
  const deciders = Array.from({ length: 2 }, (_, d) =>
    Array.from({ length: chance.int(5, 8) }, (_, i) => drawJob(chance, `${'ab'[d]}${i}`, names)),
  )
  const workers = chance.pick([2, 2, 3])
  return {
    seed,
    kinds,
    traits: { settle_ms: lag_ms + 100, sightings: chance.int(1, 3), call_timeout_ms: 2_000 },
    cloud: {
      lag_ms,
      replicas: chance.int(1, 3),
      delay_ms: [0, chance.pick([5, 20, 80])],
      build_ms: chance.pick([0, 50, 200]),
      delete_ms: chance.pick([0, 100]),
      quota_gap_ms: 20,
      tokens: true,
    },
    cores_max: chance.int(4, 14),
    cloud_cores: chance.happens(0.3) ? chance.int(2, 8) : null,
    deciders,
    workers,
    faults: drawFaults(chance, { workers, deciders: deciders.length }),
  }
}
