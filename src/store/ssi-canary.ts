/**
 * What SERIALIZABLE of this very server lets through: pairs of transactions that cannot both be, each tried in
 * tables made for it in a schema of its own, which goes afterwards. Predicate locks are not taken on temporary tables.
 */
import { randomBytes } from 'node:crypto'
import type { Reserved, Sql } from './connect.ts'
import { codeOf } from './connect.ts'

export interface Canary {
  readonly name: string
  /** One of the two was aborted. */
  readonly caught: boolean
  /** `relied_on`: foreword reads like that. */
  readonly expected: 'relied_on' | 'avoided'
}

interface Pair {
  readonly name: string
  readonly expected: Canary['expected']
  /** Each reads what the other one writes; `{t}` is the table, with rows 1 to 100 and `taken` false. */
  readonly first: readonly string[]
  readonly second: readonly string[]
}

const pairs: readonly Pair[] = [
  {
    name: 'write skew by key',
    expected: 'relied_on',
    first: ['select taken from {t} where id = 1', 'update {t} set taken = true where id = 2'],
    second: ['select taken from {t} where id = 2', 'update {t} set taken = true where id = 1'],
  },
  {
    name: 'phantom by index range',
    expected: 'relied_on',
    first: [
      'select count(*) from {t} where id between 201 and 300',
      'insert into {t} (id) values (401)',
    ],
    second: [
      'select count(*) from {t} where id between 401 and 500',
      'insert into {t} (id) values (201)',
    ],
  },
  {
    name: 'ON CONFLICT DO NOTHING as a read',
    expected: 'avoided',
    first: [
      'insert into {t} (id) values (11) on conflict do nothing',
      'update {t} set taken = true where id = 12',
    ],
    second: [
      'insert into {t} (id) values (12) on conflict do nothing',
      'update {t} set taken = true where id = 11',
    ],
  },
  {
    name: 'range of ctid as a read',
    expected: 'avoided',
    first: [
      `select count(*) from {t} where ctid >= '(0,21)' and ctid < '(0,22)'`,
      'update {t} set taken = true where id = 31',
    ],
    second: [
      `select count(*) from {t} where ctid >= '(0,31)' and ctid < '(0,32)'`,
      'update {t} set taken = true where id = 21',
    ],
  },
]

const begin =
  'begin isolation level serializable; set local enable_seqscan = off; set local enable_bitmapscan = off'

/** Whether one of the two fails with a serialization failure. */
const isCaught = async (pair: Pair, table: string, a: Reserved, b: Reserved): Promise<boolean> => {
  const run = async (on: Reserved, text: string): Promise<void> => {
    await on.unsafe(text.replaceAll('{t}', table)).simple()
  }
  try {
    await run(a, begin)
    await run(b, begin)
    const [read_a = '', write_a = ''] = pair.first
    const [read_b = '', write_b = ''] = pair.second
    await run(a, read_a)
    await run(b, read_b)
    await run(a, write_a)
    await run(b, write_b)
    await run(a, 'commit')
    await run(b, 'commit')
    return false
  } catch (error) {
    if (codeOf(error) !== '40001') throw error
    return true
  } finally {
    await Promise.all([a, b].map((on) => on.unsafe('rollback').catch(() => undefined)))
  }
}

const rows_of_table = 100

export const tryCanaries = async (sql: Sql): Promise<readonly Canary[]> => {
  const schema = `foreword_canary_${randomBytes(6).toString('hex')}`
  const table = `${schema}.room`
  const [a, b] = [await sql.reserve(), await sql.reserve()]
  const tried: Canary[] = []
  try {
    await a.unsafe(`create schema ${schema}`)
    for (const pair of pairs) {
      await a.unsafe(`drop table if exists ${table}`)
      await a
        .unsafe(
          `create table ${table} (id integer primary key, taken boolean not null default false);
         insert into ${table} (id) select i from generate_series(1, ${rows_of_table}) i;
         insert into ${table} (id) select i from generate_series(1000, 6000) i;
         analyze ${table}`,
        )
        .simple()
      const caught = await isCaught(pair, table, a, b)
      tried.push({ name: pair.name, caught, expected: pair.expected })
    }
    return tried
  } finally {
    await a.unsafe(`drop schema if exists ${schema} cascade`).catch(() => undefined)
    a.release()
    b.release()
  }
}
