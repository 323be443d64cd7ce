/** Anomalies that only a reader sees: a report that no serial order could have given. */
import { create, update, type IntentDraft, type Queries } from '../../../src/domain/decider.ts'
import { decides, numberAt, numberIn, previews, refuses, type Actor, type Spec } from '../spec.ts'

const receipt = (number: number, day: number): IntentDraft =>
  create('receipt', `${number}`, { day }, { labels: { day: `${day}` } })

const takeReceipt = decides(
  'take a receipt',
  (q) => ({ control: q.get('control', 'receipts') }),
  ({ control }) => receipt(3, numberIn(control, 'day')),
)

const closeDay = decides(
  'close the day',
  (q) => ({ control: q.get('control', 'receipts') }),
  ({ control }) => update('control', 'receipts', { day: numberIn(control, 'day') + 1 }),
)

const ofTheDay = (q: Queries) => ({
  control: q.get('control', 'receipts'),
  receipts: q.find('receipt', { day: '22' }),
})

const writeReport = decides('write a report', ofTheDay, ({ control, receipts }) =>
  create('report', '22', { day: numberIn(control, 'day'), receipts: receipts.length }),
)

const receiptReport = (how: string, reporter: Actor): Spec => ({
  name: `receipt-report, ${how}`,
  source: 'postgres',
  law: 'a report of a day that is closed misses none of its receipts',
  initial: [[create('control', 'receipts', { day: 22 }), receipt(1, 22), receipt(2, 22)]],
  actors: [takeReceipt, closeDay, reporter],
  meet: 'always',
  holds: (world) =>
    numberAt(world, 'report/22', 'day') <= 22 ||
    numberAt(world, 'report/22', 'receipts') ===
      [...world].filter(([key, held]) => key.startsWith('receipt/') && held.labels['day'] === '22')
        .length,
})

/** O'Neil, O'Neil, Fekete: A read-only transaction anomaly under snapshot isolation (2004). */
const deposit = decides(
  'deposit',
  (q) => ({ savings: q.get('account', 'y') }),
  ({ savings }) => update('account', 'y', { value: numberIn(savings) + 20 }),
)

const withdrawWithPenalty = decides(
  'withdraw',
  (q) => ({ checking: q.get('account', 'x'), savings: q.get('account', 'y') }),
  ({ checking, savings }) => {
    const left = numberIn(checking) - 10
    return update('account', 'x', { value: left + numberIn(savings) < 0 ? left - 1 : left })
  },
)

const balances = (q: Queries) => ({ both: q.getAll('account', ['x', 'y']) })

const bank = (name: string, source: string, reader: Actor): Spec => ({
  name,
  source,
  law: 'who has seen the deposit without the withdrawal finds no penalty later',
  initial: [[create('account', 'x', { value: 0 }), create('account', 'y', { value: 0 })]],
  actors: [deposit, withdrawWithPenalty, reader],
  meet: 'always',
})

const takeFirst = decides(
  'first id',
  (q) => ({ first: q.get('id', '1') }),
  ({ first }) => update('id', '1', { value: numberIn(first) + 1 }),
)

const takeSecond = decides(
  'second id',
  (q) => ({ first: q.get('id', '1'), second: q.get('id', '2') }),
  ({ first }) => update('id', '2', { value: numberIn(first) + 1 }),
)

/** The original reads D2 alone; here the reader has to see also D1, or nothing would order it after s1. */
const twoIds = (how: string, reader: Actor): Spec => ({
  name: `two-ids, ${how}`,
  source: 'postgres',
  law: 'who sees the new first id and the old second one sees a second that follows the new first later',
  initial: [[create('id', '1', { value: 1 }), create('id', '2', { value: 1 })]],
  actors: [takeFirst, takeSecond, reader],
  meet: 'always',
})

const bothIds = (q: Queries) => ({ both: q.getAll('id', ['1', '2']) })

export const readOnlySpecs: readonly Spec[] = [
  receiptReport('by a decision', writeReport),
  receiptReport('by a refusal', refuses('refuse a report', ofTheDay)),
  receiptReport('by a preview', previews('preview a report', ofTheDay)),
  bank(
    'read-only-anomaly-2',
    'postgres; read-only-anomaly is its mutant',
    refuses('look', balances),
  ),
  bank('serializable-parallel', 'postgres', previews('preview', balances)),
  twoIds('by a refusal', refuses('look', bothIds)),
  twoIds('by a preview', previews('preview', bothIds)),
]
