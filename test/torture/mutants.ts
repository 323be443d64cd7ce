/**
 * Foreword with one precaution missing. Each must be found out by a schedule that leads straight to it,
 * and that the whole foreword passes.
 */
import { all, directed, first_answer_lost, worker } from './directed.ts'
import { forgeCycle } from './forged.ts'
import type { Sql } from '../../src/store/connect.ts'
import type { Schedule } from './schedule.ts'

/** A text that must be there exactly once, and what stands there instead. */
export interface Edit {
  readonly from: string
  readonly to: string
}

export interface Mutant {
  readonly name: string
  /** Functions of foreword_code, in the schedule's database. */
  readonly functions?: Readonly<Record<string, readonly Edit[]>>
  /** Files under src, in a copy of it. */
  readonly files?: Readonly<Record<string, readonly Edit[]>>
  readonly schedule: Schedule
  /** What is in the database before anybody comes. */
  readonly prepare?: (sql: Sql) => Promise<void>
  /** Where the harm is that nothing happens any more: how long to wait for it. */
  readonly rest_ms?: number
}

const lifecycle = 'domain/lifecycle.ts'
const past_the_lease_ms = 8_000

/** A worker that hears no hint, neither by the channel nor by the queue. */
const deaf: readonly Edit[] = [
  { from: 'wake: () => void applier.wake(),', to: 'wake: () => undefined,' },
  { from: 'if (hints.news()) await applier.wake()', to: 'hints.news()' },
]

const tells_headers: readonly Edit[] = [
  {
    from: '`${what} after it was sent`',
    to: '`${what} after it was sent: ${JSON.stringify(this.#request.headers)}`',
  },
]

export const mutants: readonly Mutant[] = [
  {
    name: 'no attempt is written down before the call',
    functions: {
      claim: [{ from: "where l.step = 'apply'", to: 'where false' }],
    },
    schedule: directed(['point']),
    rest_ms: 5_000,
  },
  {
    name: 'a call of unknown outcome is made again',
    files: {
      [lifecycle]: [
        {
          from: "case 'none':\n      return park(type, reason, traits)",
          to: "case 'none':\n      return to('pending', repeat_in_ms, reason)",
        },
      ],
    },
    schedule: directed(['pair'], { kinds: all('none'), cloud: first_answer_lost }),
  },
  {
    name: 'whatever comes late is settled all the same',
    functions: {
      settle: [
        { from: 'and e.epoch = r.epoch', to: '' },
        { from: 'and e.worker is not distinct from p_worker', to: '' },
      ],
    },
    // The second call makes a vm that is not ready before its zombie wakes.
    schedule: directed(['provision'], {
      cloud: { build_ms: 14_000 },
      faults: [worker('after_apply', { nth: 2, action: 'stop', for_ms: past_the_lease_ms })],
    }),
  },
  {
    name: 'a call begins however late it is',
    files: {
      'apply/step.ts': [
        {
          from: 'const left_ms = lease.deadline_in_ms - lease.age_ms()',
          to: 'const left_ms = lease.deadline_in_ms',
        },
      ],
    },
    schedule: directed(['pair'], {
      faults: [worker('before_apply', { action: 'stop', for_ms: past_the_lease_ms })],
    }),
  },
  {
    name: 'the outcome is written before the call',
    files: {
      'apply/applier.ts': [
        {
          from: "case 'apply':\n      return",
          to: `case 'apply':
      await deps.log.settle(deps.worker, [{ entry: lease.entry, resource: lease.resource,
        epoch: lease.epoch, number: lease.number, state: 'applied', due_in_ms: 1_000, reason: null,
        looks: 0, outcome: 'applied' }])
      return`,
        },
      ],
    },
    schedule: directed(['point'], { cloud: { delay_ms: [200, 200] } }),
  },
  {
    name: 'the deadline of the lost call is forgotten',
    files: {
      [lifecycle]: [
        {
          from: 'const provable_in_ms = standing.deadline_in_ms + traits.settle_ms',
          to: 'const provable_in_ms = traits.settle_ms - standing.first_attempt_ms_ago',
        },
      ],
    },
    // On its way when its sender dies, and long under way; the other worker stands by.
    schedule: directed(['point'], {
      traits: { settle_ms: 100, sightings: 1, call_timeout_ms: 5_000 },
      cloud: { match: [{ method: 'POST', fault: 'delay', ms: [4_500, 4_500] }] },
      workers: 2,
      faults: [0, 1].map((index) => worker('before_apply', { index, after_ms: 1_000 })),
    }),
  },
  {
    name: 'nothing is certified',
    functions: {
      disturbed_of: [{ from: 'return disturbed;', to: `return '{}';` }],
    },
    schedule: directed([]),
    prepare: forgeCycle,
    // Each of the two then waits for the other.
    rest_ms: 10_000,
  },
  {
    name: 'nobody sweeps up after the dead',
    functions: {
      sweep: [{ from: 'where e.worker = any (dead)', to: 'where false' }],
    },
    // Its lease would run out after a minute.
    schedule: directed(['point'], {
      traits: { settle_ms: 100, sightings: 1, call_timeout_ms: 60_000 },
      faults: [worker('before_confirm')],
    }),
    rest_ms: 20_000,
  },
  {
    name: 'nobody is woken, and nobody looks by himself',
    files: {
      'worker/worker.ts': deaf,
      'apply/applier.ts': [
        { from: '      await wake()\n    },\n    drain:', to: '    },\n    drain:' },
      ],
    },
    schedule: directed(['point']),
    rest_ms: 20_000,
  },
  {
    name: 'one look is enough',
    files: {
      [lifecycle]: [
        {
          from: "looks >= traits.sightings\n        ? to('confirmed'",
          to: "looks >= 1\n        ? to('confirmed'",
        },
      ],
    },
    schedule: directed(['point'], {
      traits: { settle_ms: 100, sightings: 3, call_timeout_ms: 2_000 },
    }),
  },
  {
    name: 'the settle window is not waited for',
    files: {
      [lifecycle]: [
        { from: 'standing.deadline_in_ms + traits.settle_ms', to: 'standing.deadline_in_ms' },
      ],
    },
    schedule: directed(['pair'], {
      traits: { settle_ms: 4_000, sightings: 1, call_timeout_ms: 1_000 },
      cloud: { lag_ms: 3_500, ...first_answer_lost },
    }),
  },
  {
    name: 'what relied on a rejected intent stays',
    functions: { withdraw: [{ from: 'and e.id <> all (doomed_ids)', to: 'and false' }] },
    schedule: directed(['mislead']),
  },
  {
    name: 'each attempt has a key of its own',
    functions: {
      claim: [
        {
          from: 'foreword_code.idempotency_key(e.resource, e.version)',
          to: "foreword_code.idempotency_key(e.resource, e.version) || '-' || e.attempts",
        },
      ],
    },
    schedule: directed(['pair'], { kinds: all('token'), cloud: first_answer_lost }),
  },
  {
    name: 'a lost COMMIT is taken for none',
    files: {
      'store/serializable.ts': [
        {
          from: 'return await commitOutcome(sql, [attempt.id])(attempt.id)',
          to: "return { type: 'conflict', sqlstate: '08007', id_spent: true }",
        },
      ],
    },
    schedule: directed(['point'], { faults: [{ type: 'commit_cut', nth: 1, how: 'after' }] }),
  },
  {
    name: 'what an intent needs is not waited for',
    functions: {
      due_now: [{ from: 'p.resource = a.resource and p.version <= a.version', to: 'false' }],
    },
    schedule: directed(['pair'], {
      cloud: {
        match: [{ path_regex: '^/v1/ips', method: 'POST', fault: 'delay', ms: [800, 800] }],
      },
    }),
  },
  {
    name: 'what a zombie heard is thrown away',
    functions: {
      settle: [
        {
          from: "perform foreword_code.keep_late(p_results, coalesce(moved, '{}'));",
          to: 'null;',
        },
        {
          from: 'external_id = coalesce(r.external_id, a.external_id),\n      outputs',
          to: 'outputs',
        },
      ],
    },
    schedule: directed(['point'], {
      kinds: all('none'),
      faults: [worker('after_apply', { action: 'stop', for_ms: past_the_lease_ms })],
    }),
  },
  {
    name: 'what goes wrong is told with the headers, and nothing is blanked out',
    files: {
      'providers/transport.ts': tells_headers,
      'domain/hidden-secrets.ts': [{ from: "'[hidden]')", to: 'form)' }],
    },
    schedule: directed(['point'], { cloud: first_answer_lost }),
  },
  {
    name: 'a 5xx is taken for "not done"',
    files: {
      'providers/http-verdict.ts': [
        {
          from: "nothing_done.has(status) ? 'rejected' : 'unknown'",
          to: "nothing_done.has(status) ? 'rejected' : 'retry'",
        },
      ],
    },
    schedule: directed(['pair'], {
      cloud: { match: [{ method: 'POST', fault: 'error_after', n: 1 }] },
    }),
  },
]

/** Missing, and nobody is worse off: what saves it is named. */
export const spared: readonly Mutant[] = [
  {
    name: 'nobody is woken: the sweep finds the work',
    files: {
      'worker/worker.ts': deaf,
    },
    schedule: directed(['provision']),
  },
  {
    name: 'what goes wrong is told with the headers: the secret in them is blanked out',
    files: {
      'providers/transport.ts': tells_headers,
    },
    schedule: directed(['point'], { cloud: first_answer_lost }),
  },
]
