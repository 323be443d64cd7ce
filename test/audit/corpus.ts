/** Histories of which it is known by thought whether there is an order of them, and what stands in its way. */
import type { Told } from './told-history.ts'

export interface Case {
  readonly title: string
  readonly history: readonly Told[]
  /** Null: there is an order. Else what the audit tells. */
  readonly circle: { readonly subject: string; readonly what: string } | null
}

const skew = '2 decisions in a circle, write skew (G2-item)'
const phantom = '2 decisions in a circle, phantom (G2)'
const overtaken = '2 decisions in a circle, read overtaken by a write (G-single)'
/** Neither saw the other: both began when the first transaction was through. */
const both = { xmin: 2, xmax: 2 }

export const corpus: readonly Case[] = [
  {
    title: 'a serial history',
    history: [
      { writes: { a: 1, b: 1 } },
      { reads: { a: 1, b: 1 }, writes: { a: 2 } },
      { reads: { a: 2, b: 1 }, writes: { b: 2, '#cores': 1 } },
      { reads: { b: 2, '#cores': 1, c: 0 }, writes: { c: 1 } },
    ],
    circle: null,
  },
  {
    title: 'one who commits later and comes earlier',
    history: [
      { writes: { a: 1 } },
      { reads: { a: 1 }, writes: { a: 2 } },
      { reads: { a: 1 }, writes: { b: 1 } },
    ],
    circle: null,
  },
  {
    title: 'write skew',
    history: [
      { writes: { a: 1, b: 1 } },
      { reads: { a: 1, b: 1 }, writes: { a: 2 } },
      { reads: { a: 1, b: 1 }, writes: { b: 2 } },
    ],
    circle: { subject: skew, what: 'B read b v1 -> C wrote v2, read a v1 -> B wrote v2' },
  },
  {
    title: 'write skew over what was absent',
    history: [
      { reads: { b: 0 }, writes: { a: 1 } },
      { reads: { a: 0 }, writes: { b: 1 } },
    ],
    circle: { subject: skew, what: 'A read b v0 -> B wrote v1, read a v0 -> A wrote v1' },
  },
  {
    title: 'write skew over two counters',
    history: [
      { reads: { '#ips': 0 }, writes: { a: 1, '#cores': 1 } },
      { reads: { '#cores': 0 }, writes: { b: 1, '#ips': 1 } },
    ],
    circle: { subject: skew, what: 'A read #ips v0 -> B wrote v1, read #cores v0 -> A wrote v1' },
  },
  {
    title: 'two of one transaction who both read the counter that both moved',
    history: [
      { xid: 1, reads: { '#cores': 0 }, writes: { a: 1, '#cores': 1 } },
      { xid: 1, reads: { '#cores': 0 }, writes: { b: 1, '#cores': 1 } },
    ],
    circle: { subject: skew, what: 'A read #cores v0 -> B wrote v1, read #cores v0 -> A wrote v1' },
  },
  {
    title: 'two of one transaction who moved one counter, of whom one read it',
    history: [
      { xid: 1, reads: { '#cores': 0 }, writes: { a: 1, '#cores': 1 } },
      { xid: 1, writes: { b: 1, '#cores': 1 } },
      { reads: { '#cores': 1 }, writes: { c: 1 } },
    ],
    circle: null,
  },
  {
    title: 'one who read the counter between two of one transaction and their successors',
    history: [
      { xid: 1, writes: { a: 1, '#cores': 1 } },
      { xid: 1, writes: { b: 1, '#cores': 1 } },
      { xid: 2, reads: { '#cores': 1 }, writes: { c: 1 } },
      { xid: 3, writes: { d: 1, '#cores': 2 } },
      { xid: 3, reads: { c: 0 }, writes: { e: 1, '#cores': 2 } },
    ],
    circle: { subject: skew, what: 'C read #cores v1 -> E wrote v2, read c v0 -> C wrote v1' },
  },
  {
    title: 'phantoms of two predicates',
    history: [
      { writes: { a: 1 } },
      { finds: { web: 0 }, snapshot: both, writes: { x: [1, 'db'] } },
      { finds: { db: 0 }, snapshot: both, writes: { y: [1, 'web'] } },
    ],
    circle: {
      subject: phantom,
      what:
        'B looked for web -> C changed which there are, ' +
        'looked for db -> B changed which there are',
    },
  },
  {
    title: 'a phantom under way when it was looked for',
    history: [
      { writes: { a: 1 } },
      { reads: { x: 0 }, writes: { y: [1, 'web'] } },
      { finds: { web: 0 }, snapshot: { xmin: 2, xmax: 3, xip: [2] }, writes: { x: 1 } },
    ],
    circle: {
      subject: phantom,
      what: 'B read x v0 -> C wrote v1, looked for web -> B changed which there are',
    },
  },
  {
    title: 'one seen though a transaction before it was under way',
    history: [
      { writes: { a: 1 } },
      { writes: { b: [1, 'db'] } },
      { reads: { x: 0 }, writes: { y: [1, 'web'] } },
      { finds: { web: 1, db: 0 }, snapshot: { xmin: 2, xmax: 4, xip: [2] }, writes: { x: 1 } },
    ],
    circle: null,
  },
  {
    title: 'one who found what another left, and one who did not see it leave',
    history: [
      { writes: { a: [1, 'web'] } },
      { reads: { b: 0 }, writes: { a: 2 } },
      { finds: { web: 1 }, snapshot: both, writes: { b: 1 } },
    ],
    circle: {
      subject: phantom,
      what: 'B read b v0 -> C wrote v1, looked for web -> B changed which there are',
    },
  },
  {
    title: 'one who saw who joined, and was overtaken by him',
    history: [
      { writes: { a: 1 } },
      { writes: { a: 2, b: [1, 'web'] } },
      { finds: { web: 1 }, reads: { a: 1 }, writes: { c: 1 } },
    ],
    circle: {
      subject: overtaken,
      what: 'B changed which web there are -> C saw it, read a v1 -> B wrote v2',
    },
  },
  {
    title: 'one who saw who joined before the last, and was overtaken by him',
    history: [
      { writes: { a: 1 } },
      { writes: { a: 2, b: [1, 'web'] } },
      { writes: { c: [1, 'web'] } },
      { finds: { web: 2 }, reads: { a: 1 }, writes: { d: 1 } },
    ],
    circle: {
      subject: overtaken,
      what: 'B changed which web there are -> D saw it, read a v1 -> B wrote v2',
    },
  },
  {
    title: 'one who missed who joined, and who joined after him',
    history: [
      { writes: { a: 1 } },
      { finds: { web: 0 }, snapshot: both, writes: { b: 1 } },
      { writes: { c: [1, 'web'] } },
      { reads: { b: 0 }, writes: { d: [1, 'web'] } },
    ],
    circle: {
      subject: phantom,
      what: 'B looked for web -> D changed which there are, read b v0 -> B wrote v1',
    },
  },
  {
    title: 'many who look for those whom many before and after them are',
    history: Array.from({ length: 30 }, (_, at) => ({
      finds: { web: at },
      writes: { [`k${at}`]: [1, 'web'] as const },
    })),
    circle: null,
  },
  {
    title: 'one who looked for what he made himself',
    history: [
      { finds: { web: 0 }, writes: { a: [1, 'web'] } },
      { finds: { web: 1 }, writes: { b: [1, 'web'] } },
    ],
    circle: null,
  },
  {
    title: 'the anomaly that only a reader sees',
    history: [
      { writes: { checking: 1, savings: 1 } },
      { reads: { checking: 1, savings: 1 }, writes: { checking: 2 } },
      { reads: { savings: 1 }, writes: { savings: 2 } },
      { reads: { checking: 1, savings: 2 }, writes: { report: 1 } },
    ],
    circle: {
      subject: '3 decisions in a circle, write skew (G2-item)',
      what:
        'B read savings v1 -> C wrote v2, wrote savings v2 -> D read it, ' +
        'read checking v1 -> B wrote v2',
    },
  },
  {
    title: 'a lost update',
    history: [
      { writes: { a: 1 } },
      { reads: { a: 1 }, writes: { a: 2 } },
      { reads: { a: 1 }, writes: { a: 3 } },
    ],
    circle: { subject: overtaken, what: 'B wrote a v2 -> C wrote v3, read a v1 -> B wrote v2' },
  },
  {
    title: 'one who read half of what another wrote',
    history: [
      { writes: { a: 1, b: 1 } },
      { writes: { a: 2, b: 2 } },
      { reads: { a: 1, b: 2 }, writes: { c: 1 } },
    ],
    circle: { subject: overtaken, what: 'B wrote b v2 -> C read it, read a v1 -> B wrote v2' },
  },
  {
    title: 'two who read what the other one wrote',
    history: [
      { reads: { b: 1 }, writes: { a: 1 } },
      { reads: { a: 1 }, writes: { b: 1 } },
    ],
    circle: {
      subject: '2 decisions in a circle, reads in a circle (G1c)',
      what: 'A wrote a v1 -> B read it, wrote b v1 -> A read it',
    },
  },
  {
    title: 'two who overwrote each other',
    history: [{ writes: { a: 1, b: 2 } }, { writes: { a: 2, b: 1 } }],
    circle: {
      subject: '2 decisions in a circle, writes in a circle (G0)',
      what: 'A wrote a v1 -> B wrote v2, wrote b v1 -> A wrote v2',
    },
  },
  {
    title: 'a tangle, of which the shortest circle is told',
    history: [
      { reads: { b: 0, e: 0 }, writes: { a: 1 } },
      { reads: { c: 0 }, writes: { b: 1 } },
      { reads: { d: 0, a: 0 }, writes: { c: 1 } },
      { reads: { c: 0, a: 0 }, writes: { d: 1 } },
      { writes: { e: 1 } },
    ],
    circle: {
      subject: '2 decisions in a circle, in a tangle of 4, write skew (G2-item)',
      what: 'C read d v0 -> D wrote v1, read c v0 -> C wrote v1',
    },
  },
  {
    title: 'write skew of which one side was taken back before it had an effect',
    history: [
      { writes: { a: 1, b: 1 } },
      { reads: { b: 1 }, writes: { a: 2 } },
      { reads: { a: 1 }, writes: { b: 2 }, withdrawn: ['b'] },
      { reads: { b: 2 }, writes: { b: 3 } },
    ],
    circle: null,
  },
  {
    title: 'one who was taken back in part, and stays in the order with the rest',
    history: [
      { writes: { a: 1, b: 1 } },
      { reads: { b: 1 }, writes: { a: 2 } },
      { reads: { a: 1 }, writes: { b: 2, c: 1 }, withdrawn: ['c'] },
    ],
    circle: { subject: skew, what: 'B read b v1 -> C wrote v2, read a v1 -> B wrote v2' },
  },
  {
    title: 'one who read half of what another wrote, and was taken back for it',
    history: [
      { writes: { a: 1, b: 1 } },
      { writes: { a: 2, b: 2 } },
      { reads: { a: 1, b: 2 }, writes: { c: 1 }, withdrawn: ['c'] },
    ],
    circle: null,
  },
  {
    title: 'one overtaken by nothing but a version that was taken back',
    history: [
      { writes: { a: 1 } },
      { reads: { a: 1 }, writes: { b: 1 } },
      { reads: { b: 0 }, writes: { a: 2, c: 1 }, withdrawn: ['a'] },
    ],
    circle: null,
  },
  {
    title: 'one overtaken by who came after a version that was taken back',
    history: [
      { writes: { a: 1 } },
      { reads: { a: 1 }, writes: { b: 1 } },
      { writes: { a: 2 }, withdrawn: ['a'] },
      { reads: { b: 0 }, writes: { a: 3 } },
    ],
    circle: { subject: skew, what: 'B read a v1 -> D wrote v3, read b v0 -> B wrote v1' },
  },
]
