import fc from 'fast-check'
import t from 'tap'
import { components } from '../../src/audit/components.ts'
import { holdHistory } from '../../src/audit/history-laws.ts'
import { partakers, serializationGraph } from '../../src/audit/serialization-graph.ts'
import { shortestCycle, type Step } from '../../src/audit/shortest-cycle.ts'
import { transitionsOf } from '../../src/audit/transitions.ts'
import { placesOfReads, versionOrder } from '../../src/audit/version-order.ts'
import { corpus } from './corpus.ts'
import { distances, naiveGraph } from './naive-graph.ts'
import { loaded, type Told } from './told-history.ts'

const hold = (history: readonly Told[]) => holdHistory(loaded(history), 20)

for (const { title, history, circle } of corpus) {
  t.test(`${title}: ${circle === null ? 'serializable' : 'not serializable'}`, async (t) => {
    const { decisions_are_serializable: found } = await hold(history)
    t.strictSame(found.violations, circle === null ? [] : [circle])
    t.equal(found.violated, circle === null ? 0 : 1)
  })
}

interface Tangle {
  readonly decisions: readonly number[]
  readonly cycle: readonly Step[]
}

const tanglesOf = (history: readonly Told[]): readonly Tangle[] => {
  const { history: numbers } = loaded(history)
  const order = versionOrder(numbers.writes, numbers.keys)
  const graph = serializationGraph(
    numbers,
    order,
    placesOfReads(order, numbers.reads),
    transitionsOf(numbers, order),
    partakers(numbers),
  )
  return components(graph).map((nodes) => ({
    decisions: nodes.filter((node) => node < graph.decisions).toSorted((a, b) => a - b),
    cycle: shortestCycle(graph, nodes),
  }))
}

const keys = ['a', 'b', '#c'] as const
const some = <A>(things: readonly A[]): fc.Arbitrary<A[]> => fc.subarray([...things])

/** What a decision did, before anybody knows which versions its writes are. */
const deed = fc.record({
  same_transaction: fc.boolean(),
  reads: fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), fc.nat(4)), {
    selector: ([key]) => key,
  }),
  writes: some(keys),
  turns: fc.record({ a: fc.nat(9), b: fc.nat(9) }),
  answers: some(['p', 'q']),
  withdrawn: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, some(['a', 'b'])),
  finds: some(['p', 'q']),
  xmin: fc.nat(6),
  width: fc.nat(3),
  under_way: some([0, 1, 2]),
})

/** Any decisions, their writes in any order; those of one transaction share a version of a counter. */
const anyHistory: fc.Arbitrary<readonly Told[]> = fc.array(deed, { maxLength: 6 }).map((deeds) => {
  let xid = 0
  const xids = deeds.map((told) => (told.same_transaction && xid > 0 ? xid : ++xid))
  const turn = (key: (typeof keys)[number], at: number): number =>
    key === '#c' ? (xids[at] ?? 0) : (deeds[at]?.turns[key] ?? 0) * deeds.length + at
  const version = (key: (typeof keys)[number], at: number): number => {
    const turns = deeds.flatMap(({ writes }, one) => (writes.includes(key) ? turn(key, one) : []))
    return new Set(turns.filter((one) => one <= turn(key, at))).size
  }
  return deeds.map((told, at): Told => ({
    xid: xids[at] ?? 0,
    reads: Object.fromEntries(told.reads),
    writes: Object.fromEntries(
      told.writes.map((key) => [
        key,
        key === '#c' ? version(key, at) : ([version(key, at), ...told.answers] as const),
      ]),
    ),
    withdrawn: told.withdrawn,
    finds: Object.fromEntries(told.finds.map((predicate) => [predicate, -1])),
    snapshot: {
      xmin: told.xmin,
      xmax: told.xmin + told.width,
      xip: told.under_way.filter((one) => one < told.width).map((one) => told.xmin + one),
    },
  }))
})

t.test(
  'the tangles are those of the definition, and their cycles real and the shortest',
  async (t) => {
    let tangled = 0
    fc.assert(
      fc.property(anyHistory, (history) => {
        const edges = naiveGraph(history)
        const far = distances(edges)
        const reach = (a: number, b: number): number => far[a]?.[b] ?? Infinity
        const found = tanglesOf(history)
        tangled += found.length
        const expected = new Set(
          [...history.keys()]
            .filter((a) => reach(a, a) < Infinity)
            .map((a) =>
              [...history.keys()].filter((b) => reach(a, b) + reach(b, a) < Infinity).join(),
            ),
        )
        return (
          found.length === expected.size &&
          found.every(
            ({ decisions, cycle }) =>
              expected.has(decisions.join()) &&
              cycle.length === Math.min(...decisions.map((one) => reach(one, one))) &&
              cycle.every(
                ({ from, to, reason }, at) =>
                  edges[from]?.[to] === true &&
                  to === cycle[(at + 1) % cycle.length]?.from &&
                  reason >= 0,
              ),
          )
        )
      }),
      { numRuns: 5_000 },
    )
    t.ok(tangled > 500, 'the histories are not all alike')
  },
)

/** The same numbers on every run. */
const dice = (seed: number) => {
  let state = seed
  return (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

const roles = ['web', 'db', 'cache'] as const

/** Transactions one after the other: items, absence, counters by several of one transaction, predicates. */
const serialHistory = (transactions: number): Told[] => {
  const roll = dice(7)
  const at = new Map<string, number>()
  const role = new Map<string, string>()
  const history: Told[] = []
  for (let xid = 1; xid <= transactions; xid++) {
    const peers = 1 + roll(4)
    const cores = at.get('#cores') ?? 0
    const count = (one: string): number => [...role.values()].filter((r) => r === one).length
    const seen = new Map(at)
    const found = roles.map((one) => [one, count(one)] as const)
    for (let peer = 0; peer < peers; peer++) {
      const mine = `k${peer}-${roll(40)}`
      const others = [`k${peer}-${roll(40)}`, `k${peer}-${roll(40)}`]
      const becomes = roles[roll(5)]
      at.set(mine, (at.get(mine) ?? 0) + 1)
      role.set(mine, becomes ?? '')
      history.push({
        xid,
        reads: {
          ...Object.fromEntries([mine, ...others].map((key) => [key, seen.get(key) ?? 0])),
          // Who reads what his peers move is not independent of them.
          ...(peers === 1 ? { '#cores': cores } : {}),
        },
        writes: {
          [mine]: [at.get(mine) ?? 0, ...(becomes === undefined ? [] : [becomes])] as const,
          '#cores': cores + 1,
        },
        finds: peers === 1 && roll(3) === 0 ? Object.fromEntries(found) : {},
      })
    }
    at.set('#cores', cores + 1)
  }
  return history
}

const shuffled = (history: readonly Told[]): readonly Told[] => {
  const roll = dice(11)
  const all = [...history]
  for (let at = all.length - 1; at > 0; at--) {
    const other = roll(at + 1)
    ;[all[at], all[other]] = [all[other] ?? {}, all[at] ?? {}]
  }
  return all
}

t.test('a long serial history is serializable in whatever order its rows lie', async (t) => {
  const serial = serialHistory(4_000)
  for (const history of [serial, shuffled(serial)]) {
    const { reads_were_written, finds_are_complete, decisions_are_serializable } =
      await hold(history)
    t.match(decisions_are_serializable, { checked: history.length, violated: 0 })
    t.match(reads_were_written, { violated: 0 })
    t.match(finds_are_complete, { violated: 0 })
    t.ok(finds_are_complete.checked > 500)
  }
})

t.test('one write skew among many decisions is found, and nothing else', async (t) => {
  const history = shuffled([
    ...serialHistory(2_000),
    { xid: 9_001, reads: { left: 0, '#cores': 2_000 }, writes: { right: 1 } },
    { xid: 9_002, reads: { right: 0 }, writes: { left: 1 } },
  ])
  const { decisions_are_serializable: found } = await hold(history)
  t.equal(found.violated, 1)
  t.match(found.violations[0]?.subject, /^2 decisions in a circle, write skew/)
  t.match(
    found.violations[0]?.what,
    /read (left|right) v0 -> .* wrote v1, read (left|right) v0 -> .* wrote v1$/,
  )
})

t.test('depth and size are no matter: a ring of a hundred thousand decisions', async (t) => {
  const many = 100_000
  const ring = Array.from({ length: many }, (_, at) => ({
    reads: { [`k${(at + 1) % many}`]: 0 },
    writes: { [`k${at}`]: 1 },
  }))
  const { decisions_are_serializable: found } = await hold(ring)
  t.equal(found.violated, 1)
  t.match(found.violations[0]?.subject, new RegExp(`^${many} decisions in a circle, write skew`))
  t.match(found.violations[0]?.what, new RegExp(`and ${many - 12} more until the first$`))
})

t.test('each circle is told, the first twenty of many', async (t) => {
  const pairs = Array.from({ length: 25 }, (_, at) => [
    { reads: { [`b${at}`]: 0 }, writes: { [`a${at}`]: 1 } },
    { reads: { [`a${at}`]: 0 }, writes: { [`b${at}`]: 1 } },
  ]).flat()
  const { decisions_are_serializable: found } = await hold(pairs)
  t.equal(found.violated, 25)
  t.equal(found.violations.length, 20)
  t.match(found.violations[0]?.what, /^A read b0 v0 -> B wrote v1/)
})

t.test('a version that was read was written by a decision', async (t) => {
  const { reads_were_written: found } = await hold([
    { writes: { a: 1, '#cores': 1 } },
    { reads: { a: 1, '#cores': 1, b: 0 }, writes: { b: 1 } },
    { reads: { a: 2, '#cores': 3, c: 1, b: 1 }, writes: { b: 2 } },
  ])
  t.equal(found.checked, 7)
  t.strictSame(found.violations, [
    { subject: 'C', what: 'read a v2, which no decision wrote' },
    { subject: 'C', what: 'read #cores v3, which no decision wrote' },
    { subject: 'C', what: 'read c v1, which no decision wrote' },
  ])
})

t.test('a find found as many as its snapshot holds', async (t) => {
  const { finds_are_complete: found } = await hold([
    { writes: { a: [1, 'web'], b: [1, 'web'] } },
    { writes: { a: 2, c: [1, 'web'] } },
    { finds: { web: 2 } },
    { finds: { web: 2 }, snapshot: { xmin: 2, xmax: 4, xip: [2] } },
    { finds: { web: 1 } },
    { finds: { web: -1 } },
  ])
  t.match(found, { checked: 3, violated: 1 })
  t.strictSame(found.violations, [{ subject: 'E', what: 'found 1 web, its snapshot holds 2' }])
})
