/** What the callers of bench/conflict.ts do: each on what is its own, and nobody else's. */
import {
  create,
  defineDecider,
  remove,
  update,
  type Decider,
  type Reads,
} from '../src/domain/decider.ts'
import type { DecideResult } from '../src/domain/result.ts'
import type { Engine } from '../src/foreword.ts'

export const scope = 'bench'
export const callers = 16
const members_target = 20

/** `find` comes last: it alone deletes. */
export const workloads = ['point', 'absence', 'quota', 'find'] as const
export type Workload = (typeof workloads)[number]

/** Label values; caller c has c, c + 16, c + 32, …: two at least, so that it can relabel. */
export const cellsOf = (count: number): number =>
  callers * Math.max(2, Math.round(count / callers / members_target))

const below = (n: number): number => Math.floor(Math.random() * n)

/** Three different ones. */
const threeBelow = (n: number): readonly [number, number, number] => {
  const [first, second, third] = [below(n), 1 + below(n - 1), 1 + below(n - 2)]
  return [first, (first + second) % n, (first + third + (third >= second ? 1 : 0)) % n]
}

let named = 0
/** A name that nobody has used yet. */
const newName = (): string => `new${++named}`

/** What one caller does next; the same for ours and for the floor. */
export interface Job {
  /** Of its own: there, but for what `find` has deleted. */
  readonly names: readonly [string, string, string]
  /** Of its own: not there. */
  readonly absent: readonly [string, string, string]
  readonly metric: string
  readonly cell: string
  readonly other_cell: string
  readonly odd: boolean
  /** Draws one of those found, and what is done with it. */
  readonly dice: number
}

export const nextJob = (caller: number, count: number): Job => {
  const owned = Math.floor((count - caller - 1) / callers) + 1
  const own = (n: number): string => `r${caller + callers * n}`
  const [a, b, c] = threeBelow(owned)
  const cells = cellsOf(count) / callers
  const cell = below(cells)
  return {
    names: [own(a), own(b), own(c)],
    absent: [newName(), newName(), newName()],
    metric: `m${caller}`,
    cell: String(caller + callers * cell),
    other_cell: String(caller + callers * ((cell + 1) % cells)),
    odd: below(2) === 1,
    dice: below(1_000_000),
  }
}

/** Keeps a label value at about 20 members, 30 at most: grows the small, shrinks the large. */
export const verbFor = (found: number, dice: number): 'create' | 'relabel' | 'delete' => {
  if (found < 5) return 'create'
  if (found >= 30) return 'delete'
  return (['create', 'relabel', 'delete'] as const)[dice % 3] ?? 'create'
}

const point = defineDecider({
  name: 'point',
  version: 1,
  read: (q, job: Job) => ({ all: q.getAll('vm', job.names) }),
  decide: (_, job) => update('vm', job.names[0], { size: 'm' }),
})

const absence = defineDecider({
  name: 'absence',
  version: 1,
  read: (q, job: Job) => ({ all: q.getAll('vm', job.absent) }),
  decide: (_, job) => create('vm', job.absent[0], { size: 's' }),
})

const quota = defineDecider({
  name: 'quota',
  version: 1,
  read: (q, job: Job) => ({ consumed: q.counter(job.metric) }),
  decide: (_, job) =>
    job.odd
      ? update(
          'vm',
          job.names[0],
          { size: 'l' },
          { counters: { [job.metric]: 1 + (job.dice % 9) } },
        )
      : create('vm', job.absent[0], { size: 's' }, { counters: { [job.metric]: 1 } }),
})

const find = defineDecider({
  name: 'find',
  version: 1,
  read: (q, job: Job) => ({ pool: q.find('vm', { cell: job.cell }) }),
  decide: ({ pool }, job) => {
    const name = pool[job.dice % pool.length]?.name ?? ''
    switch (verbFor(pool.length, job.dice)) {
      case 'create':
        return create('vm', job.absent[0], { size: 's' }, { labels: { cell: job.cell } })
      case 'relabel':
        return update('vm', name, { size: 's' }, { labels: { cell: job.other_cell } })
      case 'delete':
        return remove('vm', name)
    }
  },
})

const deciding =
  <R extends Reads>(decider: Decider<R, Job>) =>
  (engine: Engine, input: Job): Promise<DecideResult> =>
    engine.decide(decider, { scope, input })

/** One decision of ours. */
export const decide = {
  point: deciding(point),
  absence: deciding(absence),
  quota: deciding(quota),
  find: deciding(find),
} as const
