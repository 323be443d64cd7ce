/** Laws over rows that are read by name: write skew, lost updates, chains of versions. */
import { create, remove, update, type IntentDraft } from '../../../src/domain/decider.ts'
import { interleavings } from '../schedule.ts'
import {
  decides,
  isThere,
  numberAt,
  numberIn,
  refuses,
  rollsBack,
  type Actor,
  type Spec,
} from '../spec.ts'

const account = (name: string, value: number): IntentDraft => create('account', name, { value })

const paint = (from: string, to: string): Actor =>
  decides(
    `paint ${from} ${to}`,
    (q) => ({ all: q.getAll('ball', ['1', '2']) }),
    ({ all }) =>
      all.flatMap((ball) =>
        ball !== null && JSON.stringify(ball.state).includes(from)
          ? [update('ball', ball.name, { color: to })]
          : [],
      ),
  )

const simpleWriteSkew: Spec = {
  name: 'simple-write-skew',
  source: 'postgres',
  law: 'of two who paint everything in their colour, one is the last',
  initial: [[create('ball', '1', { color: 'black' }), create('ball', '2', { color: 'white' })]],
  actors: [paint('black', 'white'), paint('white', 'black')],
  meet: 'always',
}

const withdraw = (name: string, amount: number): Actor =>
  decides(
    `withdraw from ${name}`,
    (q) => ({ all: q.getAll('account', ['checking', 'savings', 'deposit']) }),
    ({ all }) => {
      const total = all.reduce((sum, one) => sum + numberIn(one), 0)
      const mine = numberIn(all.find((one) => one?.name === name))
      return total < amount ? [] : update('account', name, { value: mine - amount })
    },
  )

const totalCash: Spec = {
  name: 'total-cash',
  source: 'postgres',
  law: 'the sum of both accounts stays at or above zero',
  initial: [[account('checking', 600), account('savings', 600)]],
  actors: [withdraw('checking', 800), withdraw('savings', 800)],
  meet: 'always',
  holds: (world) => numberAt(world, 'account/checking') + numberAt(world, 'account/savings') >= 0,
}

const totalCashOfThree: Spec = {
  name: 'total-cash of three',
  source: 'postgres: total-cash',
  law: 'the sum of three accounts stays at or above zero, whichever two of three withdrew',
  initial: [[account('checking', 500), account('savings', 500), account('deposit', 500)]],
  actors: [withdraw('checking', 700), withdraw('savings', 700), withdraw('deposit', 700)],
  meet: 'always',
  alike: 'all',
  holds: (world) =>
    ['checking', 'savings', 'deposit'].reduce(
      (sum, name) => sum + numberAt(world, `account/${name}`),
      0,
    ) >= 0,
}

const rename = (name: string, to: string): Actor =>
  decides(
    `rename ${name}`,
    (q) => ({ both: q.getAll('fruit', ['5', '7']) }),
    ({ both }) =>
      update('fruit', name, { is: to, beside: both.map((fruit) => fruit?.version ?? 0) }),
  )

const predicateLockHotTuple: Spec = {
  name: 'predicate-lock-hot-tuple',
  source: 'postgres',
  law: 'who is second sees the row that the first has updated, also where updates were in place',
  initial: [
    [create('fruit', '5', { is: 'apple' }), create('fruit', '7', { is: 'pear' })],
    [update('fruit', '7', { is: 'a pear still' })],
  ],
  actors: [rename('7', 'pear of the first'), rename('5', 'apple of the second')],
  meet: 'always',
}

/** Creates a name that must be absent, and says who he is; or leaves it. */
const claim = (who: string): Actor =>
  decides(
    `claim by ${who}`,
    (q) => ({ it: q.get('row', '42') }),
    ({ it }) => (it === null ? create('row', '42', { of: who }) : []),
  )

const readWriteUnique2: Spec = {
  name: 'read-write-unique-2',
  source: 'postgres',
  law: 'of two who saw a name absent, one creates it',
  initial: [],
  actors: [claim('one'), claim('two')],
  meet: 'always',
  holds: (world) => world.get('row/42')?.version === 1,
}

const readWriteUnique3: Spec = {
  name: 'read-write-unique-3',
  source: 'postgres',
  law: 'of three who saw a name absent that was deleted once, one creates it',
  initial: [[create('row', '42', { of: 'nobody' })], [remove('row', '42')]],
  actors: [claim('one'), claim('two'), claim('three')],
  meet: 'always',
  alike: 'all',
  holds: (world) => world.get('row/42')?.version === 3,
}

/** Creates a name without a look at it: he may be told that it is there. */
const claimBlindly = (who: string): Actor =>
  decides(
    `claim blindly by ${who}`,
    () => ({}),
    () => create('row', '42', { of: who }),
  )

const blindCreates: Spec = {
  name: 'insert-conflict-do-nothing-2',
  source: 'postgres',
  law: 'of two who create one name, one of them unseen, one does, and nobody’s work is covered up',
  initial: [],
  actors: [claimBlindly('one'), claim('two')],
  meet: 'always',
  blind: true,
  holds: (world) => world.get('row/42')?.version === 1,
}

const blindTwice: Spec = {
  ...blindCreates,
  name: 'blind twice',
  actors: [claimBlindly('one'), claimBlindly('two')],
}

const unnamedTwice: Spec = { ...blindTwice, name: 'blind twice, unnamed', unnamed: true }

const both = (name: string, read: string, write: string): Actor =>
  decides(
    name,
    (q) => ({ it: q.get('row', read), mine: q.get('row', write) }),
    ({ it }) => update('row', write, { value: numberIn(it) + 1 }),
  )

const writes = (name: string, write: string, value: number): Actor =>
  decides(
    name,
    () => ({}),
    () => update('row', write, { value }),
  )

const readsAndWrites = (name: string, read: string, write: string): Actor =>
  decides(
    name,
    (q) => ({ it: q.get('row', read) }),
    ({ it }) => update('row', write, { value: numberIn(it) + 1 }),
  )

/**
 * T1 reads x and writes z; T2 writes x; T3 writes x after it and reads y; T4 writes y and reads z.
 * The first order is Postgres' own; in the others T1 or T4 come to their COMMIT earlier or later.
 */
const multipleRowVersions: Spec = {
  name: 'multiple-row-versions',
  source: 'postgres',
  law: 'a circle of four through two versions of one row does not close',
  initial: [
    [
      create('row', 'x', { value: 1 }),
      create('row', 'y', { value: 1 }),
      create('row', 'z', { value: 1 }),
    ],
  ],
  actors: [
    readsAndWrites('T1', 'x', 'z'),
    writes('T2', 'x', 20),
    both('T3', 'y', 'x'),
    readsAndWrites('T4', 'z', 'y'),
  ],
  meet: 'always',
  orders: [
    [0, 1, 1, 1, 2, 2, 3, 3, 3, 2, 0, 0],
    [0, 1, 1, 1, 2, 3, 3, 2, 3, 2, 0, 0],
    [0, 1, 1, 1, 2, 2, 3, 3, 2, 3, 0, 0],
    [0, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 0],
    [0, 1, 1, 1, 2, 2, 3, 3, 3, 0, 2, 0],
    [0, 1, 1, 1, 2, 2, 3, 3, 0, 0, 3, 2],
    [0, 1, 1, 1, 2, 2, 3, 3, 0, 3, 2, 0],
    [0, 1, 1, 1, 3, 3, 2, 2, 2, 3, 0, 0],
    [3, 0, 1, 1, 1, 2, 2, 3, 3, 2, 0, 0],
    [0, 3, 1, 1, 1, 2, 2, 3, 0, 0, 2, 3],
    [0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 2, 0],
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3],
  ],
}

const createIfAbsent = (name: string, read: string, write: string): Actor =>
  decides(
    name,
    (q) => ({ it: q.get('row', read) }),
    ({ it }) => create('row', write, { saw: it?.version ?? 0 }),
  )

/** Until foo has committed there is nothing that trouble could change. */
const troubleAfterFoo = interleavings([3, 3, 3]).filter(
  (order) => order.indexOf(2) > order.lastIndexOf(0),
)

/** `trouble` adds a version to what bar is about to read, and takes it back. */
const updateConflictOut = (verb: 'update' | 'delete'): Spec => ({
  name: `update-conflict-out, ${verb}`,
  source: 'postgres, the bug of Jepsen 12.3',
  law: 'a third one who changes the row and breaks off hides no conflict of two others',
  initial: [],
  actors: [
    createIfAbsent('foo', 'of bar', 'of foo'),
    createIfAbsent('bar', 'of foo', 'of bar'),
    rollsBack(
      decides(
        'trouble',
        (q) => ({ it: q.get('row', 'of foo') }),
        ({ it }) => {
          if (it === null) return []
          return verb === 'update' ? update('row', 'of foo', {}) : remove('row', 'of foo')
        },
      ),
    ),
  ],
  meet: 'always',
  orders: troubleAfterFoo,
  holds: (world) =>
    numberAt(world, 'row/of foo', 'saw') + numberAt(world, 'row/of bar', 'saw') > 0 ||
    !isThere(world, 'row/of foo') ||
    !isThere(world, 'row/of bar'),
})

/** s1 → s2 → s3, and COMMIT of each may come long after its work: two-phase commit looks like this from outside. */
const preparedTransactions: Spec = {
  name: 'prepared-transactions',
  source: 'postgres',
  law: 'decisions whose COMMIT waits while others go on are serial all the same',
  initial: [
    [
      create('row', '1', { value: 0 }),
      create('row', '2', { value: 0 }),
      create('row', '3', { value: 0 }),
    ],
  ],
  actors: [
    readsAndWrites('s1', '2', '1'),
    readsAndWrites('s2', '3', '2'),
    readsAndWrites('s3', '1', '3'),
  ],
  meet: 'always',
  alike: 'ring',
}

const serializableParallel3: Spec = {
  name: 'serializable-parallel-3',
  source: 'postgres',
  law: 'those who only read disturb nobody, however many',
  initial: [[create('row', '1', { value: 0 }), create('row', '2', { value: 0 })]],
  actors: ['s1', 's2', 's3'].map((name) =>
    refuses(name, (q) => ({ all: q.getAll('row', ['1', '2']) })),
  ),
  meet: 'never',
}

export const itemSpecs: readonly Spec[] = [
  simpleWriteSkew,
  totalCash,
  totalCashOfThree,
  predicateLockHotTuple,
  readWriteUnique2,
  readWriteUnique3,
  blindCreates,
  blindTwice,
  unnamedTwice,
  multipleRowVersions,
  updateConflictOut('update'),
  updateConflictOut('delete'),
  preparedTransactions,
  serializableParallel3,
]
