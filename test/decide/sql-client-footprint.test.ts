/**
 * A client of SQL locks what a decider in TypeScript locks (footprint.test.ts), whatever the settings of
 * its session: the rows that it reads and the leaves that lead to them, and never a relation.
 */
import t from 'tap'
import type { Reserved, Sql } from '../../src/store/connect.ts'
import { testDatabase } from '../support/database.ts'
import { onEachServer } from '../support/each-server.ts'
import { footprintOf } from '../support/footprint.ts'
import { analyze, growWorld, seedWorld } from '../support/seed-world.ts'
import { begin, sqlClient } from '../support/sql-client.ts'

interface Case {
  readonly name: string
  readonly calls: (fresh: string) => readonly string[]
  /** In a world of 10 rows, where an index is one leaf, and in one of 10,000. */
  readonly takes: readonly [small: string, large: string]
}

const intend = (name: string, verb: string, options = '{}'): string =>
  `foreword.intend('acme', 'vm', '${name}', '${verb}', ${verb === 'delete' ? 'null' : `'{"size": "m"}'`}, '${options}')`
const decide = `foreword.decide('in-sql')`

const cases: readonly Case[] = [
  {
    name: 'assume',
    calls: () => [`foreword.assume('acme', 'vm', 'r0')`],
    takes: [
      'resource_state 1 tuple, resource_state_pkey 1 page',
      'resource_state 1 tuple, resource_state_pkey 1 page',
    ],
  },
  {
    name: 'assume of a name never seen',
    calls: (fresh) => [`foreword.assume('acme', 'vm', '${fresh}')`],
    takes: ['resource_state_pkey 1 page', 'resource_state_pkey 1 page'],
  },
  {
    name: 'find of three',
    calls: () => [`foreword.find('acme', 'vm', 'role', 'web')`],
    takes: [
      'member 3 tuples, member_pkey 1 page, resource_state 3 tuples, resource_state_pkey 1 page',
      'member 3 tuples, member_pkey 1 page, resource_state 3 tuples, resource_state_pkey 3 pages',
    ],
  },
  {
    name: 'find of none',
    calls: () => [`foreword.find('acme', 'nothing')`],
    takes: ['member_pkey 1 page', 'member_pkey 1 page'],
  },
  {
    name: 'counter',
    calls: () => [`foreword.counter('acme', 'cores')`],
    takes: ['quota 1 tuple, quota_pkey 1 page', 'quota 1 tuple, quota_pkey 1 page'],
  },
  {
    name: 'counter never seen',
    calls: (fresh) => [`foreword.counter('acme', '${fresh}')`],
    takes: ['quota_pkey 1 page', 'quota_pkey 1 page'],
  },
  {
    name: 'an update of what was not read',
    calls: () => [intend('r0', 'update'), decide],
    takes: [
      'policy_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      'policy_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
    ],
  },
  {
    name: 'an update that needs another and keeps its counters',
    calls: () => [intend('r0', 'update', '{"needs": ["vm/r4"]}'), decide],
    takes: [
      'policy_pkey 1 page, resource_state 1 tuple, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      'policy_pkey 1 page, resource_state 1 tuple, resource_state_pkey 2 pages, scope 1 tuple, scope_pkey 1 page',
    ],
  },
  {
    name: 'a create of a name never seen, with labels and counters',
    calls: (fresh) => [
      intend(fresh, 'create', '{"labels": {"role": "db"}, "counters": {"cores": 4, "disks": 1}}'),
      decide,
    ],
    takes: [
      'policy_pkey 1 page, quota_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      'policy_pkey 1 page, quota_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
    ],
  },
  {
    name: 'a deletion',
    calls: () => [intend('r0', 'delete'), decide],
    takes: [
      'desired 1 tuple, desired_pkey 1 page, member_pkey 4 pages, policy_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      'desired 1 tuple, desired_pkey 1 page, member_pkey 4 pages, policy_pkey 1 page, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
    ],
  },
  {
    name: 'a whole decision',
    calls: () => [
      `foreword.assume('acme', 'vm', 'r0')`,
      `foreword.find('acme', 'vm', 'role', 'web')`,
      `foreword.counter('acme', 'cores')`,
      intend('r0', 'update'),
      decide,
    ],
    takes: [
      'member 3 tuples, member_pkey 1 page, policy_pkey 1 page, quota 1 tuple, quota_pkey 1 page, resource_state 2 tuples, resource_state_pkey 1 page, scope 1 tuple, scope_pkey 1 page',
      'member 3 tuples, member_pkey 1 page, policy_pkey 1 page, quota 1 tuple, quota_pkey 1 page, resource_state 2 tuples, resource_state_pkey 3 pages, scope 1 tuple, scope_pkey 1 page',
    ],
  },
]

let named = 0

/** Does it, looks, and leaves everything as it was. */
const measure = async (sql: Sql, tx: Reserved, it: Case): Promise<string> => {
  const [session] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
  await begin(tx)
  try {
    named += 1
    for (const call of it.calls(`fresh-${named}`)) await tx.unsafe(`select ${call}`)
    return await footprintOf(sql, session?.pid ?? 0)
  } finally {
    await tx`rollback`
  }
}

onEachServer(
  t,
  'a client of SQL locks its rows and the leaves that lead to them',
  async (t, server) => {
    for (const [which, size] of [10, 10_000].entries()) {
      const { sql, url } = await testDatabase(t, { server })
      await seedWorld(sql, size)
      for (const now of ['never analysed', 'analysed']) {
        if (now === 'analysed') await analyze(sql)
        const tx = await sqlClient(t, url)
        for (const it of cases) {
          t.equal(await measure(sql, tx, it), it.takes[which], `${it.name}, ${size} rows, ${now}`)
        }
      }
    }
  },
)

onEachServer(t, 'also when its session has known the world small', async (t, server) => {
  for (const size of [1, 10]) {
    for (const now of ['never analysed', 'analysed']) {
      const { sql, url } = await testDatabase(t, { server })
      await seedWorld(sql, size)
      if (now === 'analysed') await analyze(sql)
      const tx = await sqlClient(t, url)
      const possible = size === 10 ? cases : cases.filter((it) => !it.name.includes('needs'))
      for (const it of possible) await measure(sql, tx, it)
      await growWorld(sql, 10_000)
      for (const it of possible) {
        const taken = await measure(sql, tx, it)
        t.notMatch(taken, /RELATION|\d\d (tuples|pages)/, `${it.name}, ${size} rows, ${now}`)
      }
    }
  }
})
