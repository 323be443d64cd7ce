/** Laws over what a `find` or a counter answers: phantoms, integrity between resources, numbers without gaps. */
import { create, remove, update, type IntentDraft } from '../../../src/domain/decider.ts'
import {
  countOf,
  decides,
  isThere,
  numberAt,
  numberIn,
  previews,
  refuses,
  type Actor,
  type Spec,
} from '../spec.ts'
import { consumedIn, type World } from '../world.ts'

interface Booking {
  readonly from: number
  readonly to: number
}

const booking = ({ from, to }: Booking) => ({ from, to })
const inRoom = { labels: { room: '101' } }

const isFree = (bookings: readonly Parameters<typeof numberIn>[0][], wanted: Booking): boolean =>
  bookings.every((b) => numberIn(b, 'to') <= wanted.from || numberIn(b, 'from') >= wanted.to)

const carol = { from: 1300, to: 1400 }
const bob = { from: 1330, to: 1430 }

const overlaps = (world: World): boolean =>
  numberAt(world, 'booking/carol', 'from') === carol.from &&
  numberAt(world, 'booking/bob', 'from') === bob.from

const classroomScheduling: Spec = {
  name: 'classroom-scheduling',
  source: 'postgres',
  law: 'no room is booked twice for one moment',
  initial: [[create('booking', 'bob', booking({ from: 1000, to: 1100 }), inRoom)]],
  actors: [
    decides(
      'carol books',
      (q) => ({ bookings: q.find('booking', { room: '101' }) }),
      ({ bookings }) =>
        isFree(bookings, carol) ? create('booking', 'carol', booking(carol), inRoom) : [],
    ),
    decides(
      'bob moves',
      (q) => ({ bookings: q.find('booking', { room: '101' }) }),
      ({ bookings }) => {
        const others = bookings.filter((b) => b.name !== 'bob')
        return isFree(others, bob) ? update('booking', 'bob', booking(bob)) : []
      },
    ),
  ],
  meet: 'always',
  holds: (world) => !overlaps(world),
}

const temporalRangeIntegrity: Spec = {
  name: 'temporal-range-integrity',
  source: 'postgres',
  law: 'every offence has a statute that was in force on its day',
  initial: [[create('statute', '123.45', { from: 20080101 }, { labels: { cite: '123.45' } })]],
  actors: [
    decides(
      'charge',
      (q) => ({ statutes: q.find('statute', { cite: '123.45' }) }),
      ({ statutes }) =>
        statutes.some((s) => numberIn(s, 'from') <= 20090515)
          ? create('offence', '1', { day: 20090515 }, { labels: { cite: '123.45' } })
          : [],
    ),
    decides(
      'repeal',
      (q) => ({ offences: q.find('offence', { cite: '123.45' }), it: q.get('statute', '123.45') }),
      ({ offences }) =>
        offences.some((o) => numberIn(o, 'day') >= 20080101) ? [] : remove('statute', '123.45'),
    ),
  ],
  meet: 'always',
  holds: (world) => isThere(world, 'statute/123.45') || !isThere(world, 'offence/1'),
}

const projectManager: Spec = {
  name: 'project-manager',
  source: 'postgres',
  law: 'who manages a project is flagged as a manager',
  initial: [[create('person', '1', { manager: 1 })]],
  actors: [
    decides(
      'build',
      (q) => ({ person: q.get('person', '1') }),
      ({ person }) =>
        numberIn(person, 'manager') === 1
          ? create('project', '101', {}, { labels: { manager: '1' } })
          : [],
    ),
    decides(
      'step down',
      (q) => ({ projects: q.find('project', { manager: '1' }), person: q.get('person', '1') }),
      ({ projects }) => (projects.length > 0 ? [] : update('person', '1', { manager: 0 })),
    ),
  ],
  meet: 'always',
  holds: (world) => numberAt(world, 'person/1', 'manager') === 1 || !isThere(world, 'project/101'),
}

const removeParent = decides(
  'remove the parent',
  (q) => ({ parent: q.get('parent', '1'), children: q.find('child', { parent: '1' }) }),
  ({ parent, children }) => (parent === null || children.length > 0 ? [] : remove('parent', '1')),
)

const referentialIntegrity: Spec = {
  name: 'referential-integrity',
  source: 'postgres',
  law: 'no child without its parent',
  initial: [[create('parent', '1', {})]],
  actors: [
    decides(
      'add a child',
      (q) => ({ parent: q.get('parent', '1') }),
      ({ parent }) =>
        parent === null ? [] : create('child', '1', {}, { labels: { parent: '1' } }),
    ),
    removeParent,
  ],
  meet: 'always',
  holds: (world) => isThere(world, 'parent/1') || !isThere(world, 'child/1'),
}

/** What the trigger read inside of the write is here what `needs` reads inside of the record. */
const riTrigger: Spec = {
  name: 'ri-trigger',
  source: 'postgres',
  law: 'what a child needs is the version that its place in the serial order has',
  initial: [[create('parent', '1', {})]],
  actors: [
    decides(
      'add a child that needs it',
      (q) => ({ child: q.get('child', '1') }),
      () => create('child', '1', {}, { labels: { parent: '1' }, needs: ['parent/1'] }),
    ),
    removeParent,
  ],
  meet: 'always',
}

const invoice = (number: number): IntentDraft =>
  create('invoice', `${number}`, {}, { labels: { year: '2016' }, counters: { invoices: 1 } })

const gapless = (world: World): boolean =>
  Array.from({ length: countOf(world, 'invoice') }, (_, i) => i + 1).every((number) =>
    isThere(world, `invoice/${number}`),
  )

const numberByFind = (who: string): Actor =>
  decides(
    `invoice by ${who}`,
    (q) => ({ invoices: q.find('invoice', { year: '2016' }) }),
    ({ invoices }) => invoice(Math.max(0, ...invoices.map((one) => Number(one.name))) + 1),
  )

const numberByCounter = (who: string): Actor =>
  decides(
    `count by ${who}`,
    (q) => ({ invoices: q.counter('invoices') }),
    ({ invoices }) => invoice(invoices + 1),
  )

const readWriteUnique4 = (how: string, actors: readonly Actor[]): Spec => ({
  name: `read-write-unique-4, ${how}`,
  source: 'postgres',
  law: 'numbers have no gaps, and none is given twice',
  initial: [[invoice(1), invoice(2)]],
  actors,
  meet: 'always',
  holds: gapless,
  ...(actors.length > 2 ? { alike: 'all' } : {}),
})

/** The one without a look may be told that the number is taken, as a unique key tells it. */
const numberBlindly: Spec = {
  ...readWriteUnique4('one without a look', [
    numberByFind('one'),
    decides(
      'invoice 3',
      () => ({}),
      () => invoice(3),
    ),
  ]),
  blind: true,
}

const isActive = { labels: { active: 'yes' } }

/** Leaves the index of the active, as long as more than one is in it. */
const retire = (name: string): Actor =>
  decides(
    `retire ${name}`,
    (q) => ({ active: q.find('doctor', { active: 'yes' }) }),
    ({ active }) =>
      active.length > 1 && active.some((one) => one.name === name)
        ? update('doctor', name, {}, { labels: { active: 'no' } })
        : [],
  )

const partialIndex: Spec = {
  name: 'partial-index',
  source: 'postgres',
  law: 'at most one of two leaves the label that both have looked for',
  initial: [[create('doctor', '9', {}, isActive), create('doctor', '10', {}, isActive)]],
  actors: [retire('9'), retire('10')],
  meet: 'always',
  holds: (world) => [...world.values()].some((held) => held.labels['active'] === 'yes'),
}

const removeLeastOf = (read: string, removed: string): Actor =>
  decides(
    `remove of ${removed}`,
    (q) => ({ all: q.find(read), doomed: q.getAll(removed, ['1', '2']) }),
    ({ all }) => {
      const least = Math.min(...all.map((one) => Number(one.name)))
      return Number.isFinite(least) ? remove(removed, `${least}`) : []
    },
  )

const indexOnlyScan: Spec = {
  name: 'index-only-scan',
  source: 'postgres',
  law: 'who looks for the least of a kind is in conflict with who removes it',
  initial: [
    [create('x', '1', {}), create('x', '2', {}), create('y', '1', {}), create('y', '2', {})],
  ],
  actors: [removeLeastOf('x', 'y'), removeLeastOf('y', 'x')],
  meet: 'always',
}

/** Adds to one label what it has found under another. */
const spread = (found: string, added: string): Actor =>
  decides(
    `${found} to ${added}`,
    (q) => ({ all: q.find('point', { p: found }) }),
    ({ all }) => create('point', `from ${found}`, { saw: all.length }, { labels: { p: added } }),
  )

const points = ['20', '30', '40'].map((p) => create('point', p, {}, { labels: { p } }))

const match = (source: string, first: string, second: string): Spec => ({
  name: `${source}, match`,
  source: `postgres: ${source}`,
  law: 'of two who add what the other looks for, one is the first',
  initial: [points],
  actors: [spread(first, second), spread(second, first)],
  meet: 'always',
})

/** A state changes under a label that stays: who has found the row has read its state. */
const predicateState: Spec = {
  name: 'predicate-gist, a state under the label',
  source: 'postgres: predicate-gist',
  law: 'who sums up a label is in conflict with who changes what is under it',
  initial: [
    [
      create('point', '1', { value: 1 }, { labels: { p: '20' } }),
      create('point', '2', { value: 1 }, { labels: { p: '30' } }),
    ],
  ],
  actors: (['20', '30'] as const).map((p, i) =>
    decides(
      `sum of ${p}`,
      (q) => ({ all: q.find('point', { p }), mine: q.get('point', `${2 - i}`) }),
      ({ all }) =>
        update('point', `${2 - i}`, {
          value: 10 + all.reduce((sum, one) => sum + numberIn(one), 0),
        }),
    ),
  ),
  meet: 'always',
}

const matviewWriteSkew: Spec = {
  name: 'matview-write-skew',
  source: 'postgres',
  law: 'a summary is of all orders, and an order is entered knowing the summary',
  initial: [
    [
      create('order', 'apple', { number: 10 }),
      create('order', 'banana', { number: 20 }),
      create('summary', '1', { number: 0 }),
    ],
  ],
  actors: [
    decides(
      'refresh',
      (q) => ({ orders: q.find('order'), summary: q.get('summary', '1') }),
      ({ orders }) =>
        update('summary', '1', { number: orders.reduce((n, o) => n + numberIn(o, 'number'), 0) }),
    ),
    decides(
      'order',
      (q) => ({ summary: q.get('summary', '1') }),
      ({ summary }) => create('order', 'orange', { number: 15, knew: summary?.version ?? 0 }),
    ),
  ],
  meet: 'always',
}

const insertConflict = (
  how: string,
  change: () => IntentDraft,
  law: Pick<Spec, 'holds'> = {},
): Spec => ({
  name: `insert-conflict-serializable, ${how}`,
  source: 'postgres',
  law: 'that a row is there already is a fact that was read',
  initial: [[create('a', '1', { value: 0 })]],
  actors: [
    decides(
      'insert unless there',
      (q) => ({ it: q.get('a', '1') }),
      ({ it }) => (it === null ? create('a', '1', {}) : create('b', '1', { value: 10 })),
    ),
    decides(
      how,
      (q) => ({ all: q.find('b'), it: q.get('a', '1') }),
      ({ all }) => (all.length === 0 ? change() : []),
    ),
  ],
  meet: 'always',
  ...law,
})

/** A counter that is read by one and moved by the other, neither meeting in a row that both write. */
const counterSkew: Spec = {
  name: 'a counter as a premise',
  source: 'ours',
  law: 'the door is open only while nobody is inside',
  initial: [[create('door', 'd', { open: 0 }, { counters: { inside: 0 } })]],
  actors: [
    decides(
      'open',
      (q) => ({ inside: q.counter('inside'), door: q.get('door', 'd') }),
      ({ inside }) => (inside === 0 ? update('door', 'd', { open: 1 }) : []),
    ),
    decides(
      'enter',
      (q) => ({ door: q.get('door', 'd'), guest: q.get('guest', 'g') }),
      ({ door }) =>
        numberIn(door, 'open') === 0 ? create('guest', 'g', {}, { counters: { inside: 1 } }) : [],
    ),
  ],
  meet: 'always',
  holds: (world) => numberAt(world, 'door/d', 'open') === 0 || consumedIn(world, 'inside') === 0,
}

const phantomReport: Spec = {
  name: 'a phantom in a report',
  source: 'ours, of receipt-report',
  law: 'a refusal that found nothing under a label is in the order too',
  initial: [[create('flag', 'f', { value: 0 })]],
  actors: [
    decides(
      'enter',
      (q) => ({ flag: q.get('flag', 'f') }),
      ({ flag }) =>
        numberIn(flag) === 0 ? create('guest', 'g', {}, { labels: { of: 'today' } }) : [],
    ),
    decides(
      'close',
      (q) => ({ flag: q.get('flag', 'f') }),
      ({ flag }) => update('flag', 'f', { value: numberIn(flag) + 1 }),
    ),
    refuses('count', (q) => ({ flag: q.get('flag', 'f'), all: q.find('guest', { of: 'today' }) })),
  ],
  meet: 'always',
}

const serializableParallel2: Spec = {
  name: 'serializable-parallel-2',
  source: 'postgres',
  law: 'a preview beside a reader disturbs nobody',
  initial: [points],
  actors: [
    refuses('look', (q) => ({ all: q.find('point') })),
    previews('preview', (q) => ({ all: q.find('point') })),
  ],
  meet: 'never',
}

export const predicateSpecs: readonly Spec[] = [
  classroomScheduling,
  temporalRangeIntegrity,
  projectManager,
  referentialIntegrity,
  riTrigger,
  readWriteUnique4('by find', [numberByFind('one'), numberByFind('two')]),
  readWriteUnique4('by counter', [numberByCounter('one'), numberByCounter('two')]),
  readWriteUnique4('three by counter', ['one', 'two', 'three'].map(numberByCounter)),
  numberBlindly,
  partialIndex,
  indexOnlyScan,
  match('predicate-hash', '20', '30'),
  match('predicate-gist', '20', '40'),
  match('predicate-gin', '30', '40'),
  match('predicate-gin-fastupdate', '40', '20'),
  match('predicate-gin-nomatch', '-1', '-2'),
  predicateState,
  matviewWriteSkew,
  insertConflict('delete', () => remove('a', '1'), {
    holds: (world) => isThere(world, 'a/1') || !isThere(world, 'b/1'),
  }),
  insertConflict('update', () => update('a', '1', { value: 1 })),
  counterSkew,
  phantomReport,
  serializableParallel2,
]
