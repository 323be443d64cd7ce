/**
 * The judge: serial equivalence by brute force. Whoever committed must have read, and must have left
 * behind, what he would have in some order of one after the other.
 */
import { isDeepStrictEqual } from 'node:util'
import { stepsOf, type Actor, type Spec } from './spec.ts'
import { draftsOn, emptyWorld, factsIn, worldAfter, type Facts, type World } from './world.ts'

/** How an actor came out of one order of steps. */
export type Ended =
  | { readonly type: 'committed'; readonly facts: Facts }
  | { readonly type: 'aborted'; readonly sqlstate: string }
  /** Told that his intents do not fit the world. */
  | { readonly type: 'invalid'; readonly sqlstate: string; readonly reason: string }

export const permutations = <A>(items: readonly A[]): readonly (readonly A[])[] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) =>
        permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]),
      )

export const initialWorld = (spec: Spec): World =>
  spec.initial.reduce<World>((world, drafts) => {
    const next = worldAfter(world, drafts)
    if (next === null) throw new Error(`${spec.name}: its world cannot begin`)
    return next
  }, emptyWorld)

/** By what it is, not by the order in which it was said. */
const plain = (world: World): unknown => Object.fromEntries(world)

/** The worlds are alike, and each of the actors saw in this order what he says that he saw. */
const isLike = (
  spec: Spec,
  scope: string,
  order: readonly { readonly actor: Actor; readonly facts: Facts }[],
  final: World,
): boolean => {
  let world = initialWorld(spec)
  for (const { actor, facts } of order) {
    if (!isDeepStrictEqual(factsIn(world, scope, actor.decider), facts)) return false
    const next = worldAfter(world, draftsOn(facts, scope, actor.decider))
    if (next === null) return false
    world = next
  }
  return isDeepStrictEqual(plain(world), plain(final))
}

/** Why a run is an anomaly; null: it is equivalent to a serial one, and the law holds. */
export const anomalyIn = (
  spec: Spec,
  scope: string,
  ended: readonly Ended[],
  final: World,
): string | null => {
  const committed = spec.actors.flatMap((actor, i) => {
    const end = ended[i]
    return end?.type === 'committed' ? [{ actor, facts: end.facts }] : []
  })
  const names = committed.map(({ actor }) => actor.decider.name).join(', ')
  if (!permutations(committed).some((order) => isLike(spec, scope, order, final))) {
    return `no serial order of ${names} reads and leaves this`
  }
  if (spec.holds?.(final) === false) return `after ${names} the law is broken: ${spec.law}`
  return null
}

interface Snapshot {
  readonly world: World
  /** How many had committed when it was taken. */
  readonly after: number
}

/**
 * Whether an order cannot let everybody commit: under snapshots alone somebody would overwrite what
 * he has not seen, or the whole would be no serial one. What is aborted in any other order is a
 * false abort.
 */
export const mustAbort = (spec: Spec, order: readonly number[]): boolean => {
  const scope = 'model'
  const taken = spec.actors.map((): number => 0)
  const snapshots: (Snapshot | undefined)[] = []
  const commits: (readonly string[])[] = []
  const ended: Ended[] = []
  let world = initialWorld(spec)
  for (const i of order) {
    const actor = spec.actors[i]
    if (actor === undefined) continue
    const step = (taken[i] ?? 0) + 1
    taken[i] = step
    const snapshot = snapshots[i] ?? { world, after: commits.length }
    snapshots[i] = snapshot
    if (step < stepsOf(actor) || actor.does === 'rolls back') continue
    const facts = factsIn(snapshot.world, scope, actor.decider)
    ended[i] = { type: 'committed', facts }
    const drafts = draftsOn(facts, scope, actor.decider)
    const writes = drafts.flatMap((draft) => [
      `${draft.kind}/${draft.name}`,
      ...Object.keys(draft.counters ?? {}),
    ])
    if (
      commits
        .slice(snapshot.after)
        .flat()
        .some((key) => writes.includes(key))
    )
      return true
    commits.push(writes)
    const next = worldAfter(world, drafts)
    const written = worldAfter(snapshot.world, drafts)
    if (next === null || written === null) return true
    world = new Map(
      [...next].map(([key, held]) => {
        // What it comes after was read in its snapshot, too.
        const after = writes.includes(key) ? written.get(key)?.after : undefined
        return [key, after === undefined ? held : { ...held, after }]
      }),
    )
  }
  return anomalyIn(spec, scope, ended, world) !== null
}
