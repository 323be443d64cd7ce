/** What each read and each write of a decider may lock: the table of footprint.test.ts. */
import {
  create,
  remove,
  update,
  type IntentDraft,
  type Queries,
  type Reads,
} from '../../src/domain/decider.ts'
import type { WritePlan } from '../../src/domain/ports.ts'
import { resourceId } from '../../src/domain/resource-id.ts'
import { kindOf } from '../support/seed-world.ts'

export const scope = 'acme'
export const sizes = [0, 10, 10_000, 1_000_000] as const
export type Size = (typeof sizes)[number]

/** What was read and written, and the locks that are held for it. */
export type Footprint = string | RegExp
/** Where it depends on the size of the world; a size that is not named is too small for it. */
type BySize = Readonly<Partial<Record<Size, Footprint>>>

export interface Case {
  readonly name: string
  /** `fresh`: a name that nobody has used before. */
  readonly read?: (q: Queries, fresh: string) => Reads
  /** From the second try on rows are locked as they are read. */
  readonly held?: boolean
  readonly preview?: boolean
  /** What each decision of one transaction intends. */
  readonly write?: (fresh: string) => readonly (readonly IntentDraft[])[]
  /** Desired state that is acted on. */
  readonly acted?: WritePlan['acted']
  readonly takes: Footprint | BySize
  /** It names so many resources that the leaves are others afterwards: last, and once. */
  readonly crowds?: boolean
}

export const state = { size: 'm' }
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)
export const r = (i: number): readonly [kind: string, name: string] => [kindOf(i), `r${i}`]
/** `r0` to `r999` are of two kinds: one getAll each. */
const thousand = (q: Queries): Reads => ({
  vms: q.getAll(
    'vm',
    range(500).map((i) => `r${i}`),
  ),
  bulk: q.getAll(
    'bulk',
    range(500).map((i) => `r${i + 500}`),
  ),
})

/** The same in worlds of 10 rows, where an index is one leaf, and in larger ones. */
const bySize = (one_leaf: string, more: string): BySize => ({
  10: one_leaf,
  10_000: more,
  1_000_000: more,
})
const wherever = (footprint: string): BySize => bySize(footprint, footprint)

/**
 * The table. A row is its heap tuple, a look-up the leaf page it ends in. A row that the transaction
 * itself wrote needs no lock, so writes keep the leaves only; and what they read, that the scope is not paused.
 */
export const cases: readonly Case[] = [
  {
    name: 'get',
    read: (q) => ({ it: q.get(...r(0)) }),
    takes: wherever('1 row: resource_state 1 tuple, resource_state_pkey 1 page'),
  },
  {
    name: 'get, held',
    read: (q) => ({ it: q.get(...r(0)) }),
    held: true,
    takes: wherever('1 row: resource_state 1 tuple, resource_state_pkey 1 page'),
  },
  {
    name: 'get of a name never seen',
    read: (q, fresh) => ({ it: q.get('vm', fresh) }),
    takes: '1 row: resource_state 1 tuple, resource_state_pkey 1 page',
  },
  {
    name: 'get of a name never seen, preview',
    read: (q, fresh) => ({ it: q.get('vm', fresh) }),
    preview: true,
    takes: '0 rows: resource_state_pkey 1 page',
  },
  {
    name: 'getAll of 3',
    read: (q) => ({ them: q.getAll('vm', ['r0', 'r4', 'r9']) }),
    takes: bySize(
      '3 rows: resource_state 3 tuples, resource_state_pkey 1 page',
      '3 rows: resource_state 3 tuples, resource_state_pkey 3 pages',
    ),
  },
  {
    name: 'getAll of 1,000',
    read: thousand,
    takes: {
      10_000: '1000 rows: resource_state 1000 tuples, resource_state_pkey 39 pages',
      // 15 and 18 cut one leaf at different keys.
      1_000_000: /^1000 rows: resource_state 1000 tuples, resource_state_pkey 87[67] pages$/,
    },
  },
  {
    name: 'getAll of 1,000, held',
    read: thousand,
    held: true,
    takes: {
      10_000: '1000 rows: resource_state 1000 tuples, resource_state_pkey 39 pages',
      1_000_000: /^1000 rows: resource_state 1000 tuples, resource_state_pkey 87[67] pages$/,
    },
  },
  {
    name: 'getAll of 1,000, and 4 found',
    read: (q) => ({ ...thousand(q), web: q.find('bulk', {}, { max: 3 }) }),
    takes: { 10_000: /^1004 rows: (?!.*RELATION)/, 1_000_000: /^1004 rows: (?!.*RELATION)/ },
  },
  {
    name: 'getAll of 1,000 never seen',
    read: (q, fresh) => ({
      them: q.getAll(
        'vm',
        range(1_000).map((i) => `${fresh}-${i}`),
      ),
    }),
    takes: /^1000 rows: resource_state 1000 tuples, resource_state_pkey \d+ pages$/,
    crowds: true,
  },
  {
    name: 'find without label, none of the kind',
    read: (q) => ({ them: q.find('nothing') }),
    takes: '0 rows: member_pkey 1 page',
  },
  {
    name: 'find without label',
    read: (q) => ({ them: q.find('vm') }),
    takes: {
      10: '10 rows: member 10 tuples, member_pkey 1 page, resource_state 10 tuples, resource_state_pkey 1 page',
      10_000:
        '500 rows: member 500 tuples, member_pkey 5 pages, resource_state 500 tuples, resource_state_pkey 39 pages',
      1_000_000:
        '500 rows: member 500 tuples, member_pkey 4 pages, resource_state 500 tuples, resource_state_pkey 466 pages',
    },
  },
  {
    name: 'find by a label, 0 matches',
    read: (q) => ({ them: q.find('vm', { role: 'db' }) }),
    takes: '0 rows: member_pkey 1 page',
  },
  {
    name: 'find by a label, 3 matches',
    read: (q) => ({ them: q.find('vm', { role: 'web' }) }),
    takes: bySize(
      '3 rows: member 3 tuples, member_pkey 1 page, resource_state 3 tuples, resource_state_pkey 1 page',
      '3 rows: member 3 tuples, member_pkey 1 page, resource_state 3 tuples, resource_state_pkey 3 pages',
    ),
  },
  {
    name: 'find by a label, 500 matches',
    read: (q) => ({ them: q.find('vm', { tier: 'all' }) }),
    takes: {
      10_000:
        '500 rows: member 500 tuples, member_pkey 5 pages, resource_state 500 tuples, resource_state_pkey 39 pages',
      1_000_000:
        '500 rows: member 500 tuples, member_pkey 4 pages, resource_state 500 tuples, resource_state_pkey 466 pages',
    },
  },
  {
    // The first one is looked up by index, the other one is checked on what it finds.
    name: 'find by two labels',
    read: (q) => ({ them: q.find('vm', { role: 'web', zone: 'a' }) }),
    takes: bySize(
      '3 rows: member 3 tuples, member_pkey 1 page, resource_state 3 tuples, resource_state_pkey 1 page',
      '3 rows: member 3 tuples, member_pkey 1 page, resource_state 3 tuples, resource_state_pkey 3 pages',
    ),
  },
  {
    name: 'find of more than 1,000, about to be told so',
    read: (q) => ({ them: q.find('bulk') }),
    takes: { 10_000: /^1001 rows: (?!.*RELATION)/, 1_000_000: /^1001 rows: (?!.*RELATION)/ },
  },
  {
    name: 'counter',
    read: (q) => ({ cores: q.counter('cores') }),
    takes: wherever('1 row: quota 1 tuple, quota_pkey 1 page'),
  },
  {
    name: 'counter, held',
    read: (q) => ({ cores: q.counter('cores') }),
    held: true,
    takes: wherever('1 row: quota 1 tuple, quota_pkey 1 page'),
  },
  {
    name: 'counter never seen',
    read: (q, fresh) => ({ it: q.counter(fresh) }),
    takes: '1 row: quota 1 tuple, quota_pkey 1 page',
  },
  {
    name: 'counter never seen, preview',
    read: (q, fresh) => ({ it: q.counter(fresh) }),
    preview: true,
    takes: '1 row: quota_pkey 1 page',
  },
  {
    name: 'update',
    write: () => [[update(...r(0), state)]],
    takes: wherever('1 entry: resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page'),
  },
  {
    name: 'updates by a group of 16',
    write: () => range(16).map((i) => [update(...r(i), state)]),
    takes: {
      10_000: '16 entries: resource_state_pkey 15 pages, scope 1 tuple, scope_pkey 1 page',
      1_000_000: '16 entries: resource_state_pkey 16 pages, scope 1 tuple, scope_pkey 1 page',
    },
  },
  {
    name: 'update to what is wanted',
    write: () => [[update(...r(0), state)]],
    acted: [{ resource: resourceId(scope, ...r(0)), generation: 1 }],
    takes: wherever(
      '1 entry: desired_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
    ),
  },
  {
    name: 'update that needs another',
    write: () => [[update(...r(0), state, { needs: ['vm/r4'] })]],
    takes: bySize(
      '1 entry: resource_state 1 tuple, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      '1 entry: resource_state 1 tuple, resource_state_pkey 2 pages, scope 1 tuple, scope_pkey 1 page',
    ),
  },
  {
    name: 'create with labels and counters',
    write: (fresh) => [
      [
        create('vm', fresh, state, {
          labels: { role: 'db', zone: 'a' },
          counters: { cores: 4, disks: 1 },
        }),
      ],
    ],
    takes:
      '1 entry: quota_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
  },
  {
    name: 'relabel',
    write: () => [[update(...r(0), state, { labels: { role: 'db', tier: 'all' } })]],
    takes: wherever(
      '1 entry: member_pkey 2 pages, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
    ),
  },
  {
    name: 'delete',
    write: () => [[remove(...r(0))]],
    takes: wherever(
      '1 entry: desired 1 tuple, desired_pkey 1 page, member_pkey 4 pages, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
    ),
  },
  {
    name: 'delete of one of the largest kind',
    write: () => [[remove(...r(900))]],
    takes: {
      10_000:
        '1 entry: desired 1 tuple, desired_pkey 1 page, member_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      1_000_000:
        '1 entry: desired 1 tuple, desired_pkey 1 page, member_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
    },
  },
  {
    name: 'a whole decision',
    read: (q) => ({
      it: q.get(...r(0)),
      web: q.find('vm', { role: 'web' }),
      cores: q.counter('cores'),
    }),
    write: () => [[update(...r(0), state)]],
    takes: bySize(
      '5 rows, 1 entry: member 3 tuples, member_pkey 1 page, quota 1 tuple, quota_pkey 1 page, resource_state 2 tuples, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      '5 rows, 1 entry: member 3 tuples, member_pkey 1 page, quota 1 tuple, quota_pkey 1 page, resource_state 2 tuples, resource_state_pkey 3 pages, scope 1 tuple, scope_pkey 1 page',
    ),
  },
]

/** What a case should take in a world of this size; undefined: such a world is too small for it. */
export const takesIn = ({ takes }: Case, size: Size): Footprint | undefined =>
  typeof takes === 'string' || takes instanceof RegExp ? takes : takes[size]
