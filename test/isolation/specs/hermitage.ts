/** Kleppmann's Hermitage, anomaly by anomaly. Its two rows are `row/1` (10) and `row/2` (20). */
import { create, remove, update, type Assumed } from '../../../src/domain/decider.ts'
import { decides, numberAt, numberIn, refuses, rollsBack, type Actor, type Spec } from '../spec.ts'

const divisors = (value: number) => ({
  labels: { by3: value % 3 === 0 ? 'yes' : 'no', by5: value % 5 === 0 ? 'yes' : 'no' },
})
const row = (name: string, value: number) => create('row', name, { value }, divisors(value))
const twoRows = [[row('1', 10), row('2', 20)]]

const writesBoth = (name: string, one: number, two: number): Actor =>
  decides(
    name,
    () => ({}),
    () => [update('row', '1', { value: one }), update('row', '2', { value: two })],
  )

/** The same, with labels that follow: one row or the other changes what it is found by. */
const relabelsBoth = decides(
  'T2',
  () => ({}),
  () => [
    update('row', '1', { value: 12 }, divisors(12)),
    update('row', '2', { value: 18 }, divisors(18)),
  ],
)

/** Reads some rows and writes one, so that what it read can be told from what it wrote. */
const readsAndWrites = (name: string, reads: readonly string[], write: string): Actor =>
  decides(
    name,
    (q) => ({ seen: q.getAll('row', reads), mine: q.get('row', write) }),
    ({ seen }) =>
      update('row', write, { value: 1 + seen.reduce((n, one) => n + numberIn(one), 0) }),
  )

const readsBoth = refuses('read', (q) => ({ both: q.getAll('row', ['1', '2']) }))

const recordsBoth = decides(
  'read and record',
  (q) => ({ both: q.getAll('row', ['1', '2']), copy: q.get('copy', '1') }),
  ({ both }) => create('copy', '1', { value: both.map((one) => numberIn(one)) }),
)

const g0: Spec = {
  name: 'G0',
  source: 'hermitage',
  law: 'writes of two are not mixed',
  initial: twoRows,
  actors: [writesBoth('T1', 11, 21), writesBoth('T2', 12, 22)],
  meet: 'always',
  holds: (world) => numberAt(world, 'row/2') - numberAt(world, 'row/1') === 10,
}

const g1a: Spec = {
  name: 'G1a',
  source: 'hermitage',
  law: 'nobody reads what is taken back',
  initial: twoRows,
  actors: [rollsBack(writesBoth('T1', 101, 102)), recordsBoth],
  meet: 'never',
  holds: (world) => numberAt(world, 'row/1') === 10,
}

const g1c: Spec = {
  name: 'G1c',
  source: 'hermitage',
  law: 'of two who read what the other writes, one is the first',
  initial: twoRows,
  actors: [readsAndWrites('T1', ['2'], '1'), readsAndWrites('T2', ['1'], '2')],
  meet: 'always',
}

const otv: Spec = {
  name: 'OTV',
  source: 'hermitage',
  law: 'who has seen a part of a decision sees all of it',
  initial: twoRows,
  actors: [writesBoth('T1', 11, 19), writesBoth('T2', 12, 18), readsBoth],
  meet: 'always',
}

const findBy = (label: string, name: string): Actor =>
  decides(
    `T1 by ${label}`,
    (q) => ({ found: q.find('row', { [label]: 'yes' }), copy: q.get('copy', name) }),
    ({ found }) => create('copy', name, { found: found.length }),
  )

const pmp: Spec = {
  name: 'PMP',
  source: 'hermitage',
  law: 'who has looked for rows comes before or after who enters one, never between',
  initial: twoRows,
  actors: [
    findBy('by3', '1'),
    decides(
      'T2',
      (q) => ({ copy: q.get('copy', '1'), it: q.get('row', '3') }),
      ({ copy }) => (copy === null ? row('3', 30) : []),
    ),
  ],
  meet: 'always',
}

const raise = (found: readonly Assumed[]) =>
  found.map((one) => update('row', one.name, { value: numberIn(one) + 10 }))

const pmpWrite: Spec = {
  name: 'PMP, for writes',
  source: 'hermitage',
  law: 'who removes what is 20 removes what is 20 in his place of the order',
  initial: twoRows,
  actors: [
    decides(
      'T1',
      (q) => ({ all: q.find('row') }),
      ({ all }) => raise(all),
    ),
    decides(
      'T2',
      (q) => ({ all: q.find('row') }),
      ({ all }) => all.filter((one) => numberIn(one) === 20).map((one) => remove('row', one.name)),
    ),
  ],
  meet: 'always',
}

const increment = (name: string): Actor => readsAndWrites(name, ['1'], '1')

const p4: Spec = {
  name: 'P4',
  source: 'hermitage',
  law: 'no update is lost',
  initial: twoRows,
  actors: [increment('T1'), increment('T2')],
  meet: 'always',
  holds: (world) => numberAt(world, 'row/1') === 8 + (world.get('row/1')?.version ?? 0) + 1,
}

const gSingle = (how: string, reader: Actor, writer = writesBoth('T2', 12, 18)): Spec => ({
  name: `G-single, ${how}`,
  source: 'hermitage',
  law: 'nobody sees one row before and the other after the same decision',
  initial: twoRows,
  actors: [reader, writer],
  meet: 'never',
})

const gSingleWrite: Spec = {
  ...gSingle(
    'for writes',
    decides(
      'T1',
      (q) => ({ first: q.get('row', '1'), all: q.find('row') }),
      ({ all }) => all.filter((one) => numberIn(one) === 20).map((one) => remove('row', one.name)),
    ),
  ),
  meet: 'always',
  blind: true,
}

const g2item: Spec = {
  name: 'G2-item',
  source: 'hermitage',
  law: 'of two who read both rows and write one each, one is the first',
  initial: twoRows,
  actors: [readsAndWrites('T1', ['1', '2'], '1'), readsAndWrites('T2', ['1', '2'], '2')],
  meet: 'always',
}

const enter = (name: string, value: number): Actor =>
  decides(
    `T enters ${name}`,
    (q) => ({ found: q.find('row', { by3: 'yes' }) }),
    ({ found }) => (found.length === 0 ? row(name, value) : []),
  )

const g2: Spec = {
  name: 'G2',
  source: 'hermitage',
  law: 'of two who found no row of a kind, one enters one',
  initial: twoRows,
  actors: [enter('3', 30), enter('4', 42)],
  meet: 'always',
  holds: (world) => !(world.has('row/3') && world.has('row/4')),
}

const g2Fekete: Spec = {
  name: 'G2, two edges',
  source: 'hermitage',
  law: 'a reader between two who do not meet closes no circle',
  initial: twoRows,
  actors: [
    readsAndWrites('T1', ['1', '2'], '1'),
    decides(
      'T2',
      (q) => ({ it: q.get('row', '2') }),
      ({ it }) => update('row', '2', { value: numberIn(it) + 5 }),
    ),
    readsBoth,
  ],
  meet: 'always',
}

export const hermitageSpecs: readonly Spec[] = [
  g0,
  g1a,
  g1c,
  otv,
  pmp,
  pmpWrite,
  p4,
  gSingle('by rows', recordsBoth),
  gSingle('by a refusal', readsBoth),
  gSingle(
    'by label',
    refuses('T1', (q) => ({
      by5: q.find('row', { by5: 'yes' }),
      by3: q.find('row', { by3: 'yes' }),
    })),
    relabelsBoth,
  ),
  gSingleWrite,
  g2item,
  g2,
  g2Fekete,
]
