import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { deletionOrder, levels, topologicalOrder, type GraphNode } from '../../src/domain/graph.ts'

const ids = (nodes: readonly GraphNode[]): readonly string[] => nodes.map(({ id }) => id)
const node = (id: string, ...needs: string[]): GraphNode => ({ id, needs })

/** Node i may need earlier ones only, then all are shuffled: never a cycle. */
const acyclic = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 40 }).chain((rows) =>
  fc.shuffledSubarray(
    rows.map((row, at) =>
      node(`n${at}`, ...(at === 0 ? [] : row.map((need) => `n${need % at}`)), 'elsewhere'),
    ),
    { minLength: rows.length },
  ),
)
const anything = fc
  .array(fc.array(fc.nat({ max: 7 }), { maxLength: 3 }), { maxLength: 8 })
  .map((rows) => rows.map((row, at) => node(`n${at}`, ...row.map((need) => `n${need}`))))

t.test('every node comes after all that it needs, once', async (t) => {
  fc.assert(
    fc.property(acyclic, (nodes) => {
      const order = topologicalOrder(nodes)
      if (E.isLeft(order)) return false
      const at = new Map(ids(order.right).map((id, index) => [id, index]))
      return (
        at.size === nodes.length &&
        nodes.every(({ id, needs }) =>
          needs.every((need) => (at.get(need) ?? -1) < (at.get(id) ?? -1)),
        )
      )
    }),
  )
  t.pass()
})

t.test('an order that is right already stays as it is, and away goes it backwards', async (t) => {
  fc.assert(
    fc.property(acyclic, (nodes) => {
      const order = E.getOrElseW(() => [])(topologicalOrder(nodes))
      const again = E.getOrElseW(() => [])(topologicalOrder(order))
      const away = E.getOrElseW(() => [])(deletionOrder(order))
      return (
        ids(again).join() === ids(order).join() &&
        ids(away).join() === ids(order).toReversed().join()
      )
    }),
  )
  t.strictSame(
    E.map(ids)(topologicalOrder([node('c', 'b'), node('a'), node('b'), node('d')])),
    E.right(['b', 'c', 'a', 'd']),
  )
})

t.test('a level needs something of the level before it and nothing of its own', async (t) => {
  fc.assert(
    fc.property(acyclic, (nodes) => {
      const waves = E.getOrElseW(() => [])(levels(nodes))
      const level = new Map(waves.flatMap((wave, at) => wave.map(({ id }) => [id, at] as const)))
      return (
        level.size === nodes.length &&
        nodes.every(({ id, needs }) => {
          const below = needs.map((need) => level.get(need) ?? -1)
          return level.get(id) === Math.max(-1, ...below) + 1
        })
      )
    }),
  )
  t.pass()
})

const shortestByTrying = (nodes: readonly GraphNode[]): number => {
  const needs = new Map(nodes.map((one) => [one.id, one.needs]))
  let shortest = Infinity
  for (const { id } of nodes) {
    let wave = new Set([id])
    for (let length = 1; length <= nodes.length; length++) {
      wave = new Set([...wave].flatMap((at) => needs.get(at) ?? []))
      if (wave.has(id)) shortest = Math.min(shortest, length)
    }
  }
  return shortest
}

t.test('a cycle is told exactly when there is one; it is real and the shortest', async (t) => {
  fc.assert(
    fc.property(anything, (nodes) => {
      const order = topologicalOrder(nodes)
      const shortest = shortestByTrying(nodes)
      if (E.isRight(order)) return shortest === Infinity
      const cycle = order.left
      const needs = new Map(nodes.map((one) => [one.id, one.needs]))
      return (
        cycle.length === shortest &&
        cycle.every((id, at) => needs.get(id)?.includes(cycle[(at + 1) % cycle.length] ?? ''))
      )
    }),
    { numRuns: 500 },
  )
  t.strictSame(topologicalOrder([node('a', 'a')]), E.left(['a']))
})

t.test('depth and size are no matter: long chains, long rings, many nodes', async (t) => {
  const many = 10_000
  const chain = Array.from({ length: many }, (_, at) => node(`n${at}`, `n${at + 1}`))
  t.equal(E.getOrElseW(() => [])(topologicalOrder(chain))[0]?.id, `n${many - 1}`)
  t.equal(E.getOrElseW(() => [])(levels(chain)).length, many)
  const ring = chain.map(({ id }, at) => node(id, `n${(at + 1) % many}`))
  const cycle = topologicalOrder(ring)
  t.equal(E.isLeft(cycle) && cycle.left.length, many)
  const dense = Array.from({ length: 300 }, (_, at) =>
    node(
      `n${at}`,
      ...Array.from({ length: 300 }, (_, need) => `n${need}`).filter((id) => id !== `n${at}`),
    ),
  )
  const short = topologicalOrder(dense)
  t.equal(E.isLeft(short) && short.left.length, 2)
})

t.test('a need of something that is no node is taken to be there', async (t) => {
  t.strictSame(E.map(ids)(topologicalOrder([node('a', 'x'), node('b')])), E.right(['a', 'b']))
  t.strictSame(topologicalOrder([]), E.right([]))
  t.strictSame(levels([]), E.right([]))
})
