/**
 * Who may go together in one transaction, and in which order. The members of a group are decided one
 * after the other, as they came. Whoever reads a resource that an earlier member writes is decided on
 * what that member will have made of it, and written in a later statement of the same flight. Whatever
 * cannot be foretold here (predicates, counters, what comes after what) waits for the next group.
 */
import type { Json } from '../domain/json.ts'
import type { ReadPlan, Readings, StateRow, Tried, Try, WritePlan } from '../domain/ports.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Slots } from './flights.ts'
import { writtenNames, type Write } from './record-text.ts'

export interface Member {
  readonly attempt: Try
  readonly resolve: (tried: Tried) => void
  readonly reject: (error: unknown) => void
}

const idOf = (at: { scope: string; kind: string; name: string }): string =>
  resourceId(at.scope, at.kind, at.name)
const kindKey = (at: { readonly scope: string; readonly kind: string }): string =>
  JSON.stringify([at.scope, at.kind])
const counterKey = (at: { readonly scope: string; readonly metric: string }): string =>
  JSON.stringify([at.scope, 'counter', at.metric])

/** All that a plan reads, as keys; a predicate as its kind, since any change of the kind may enter it. */
export const keysRead = (plan: ReadPlan): readonly string[] => [
  ...plan.resources.map(idOf),
  ...plan.finds.map(kindKey),
  ...plan.counters.map(counterKey),
]

/** All that decisions write, as the same keys. */
export const keysWritten = (writes: readonly Write[]): ReadonlySet<string> =>
  new Set(
    writes.flatMap(({ plan }) =>
      plan.changes.flatMap((c) => [
        idOf(c),
        kindKey(c),
        ...Object.keys(c.counters ?? {}).map((metric) => counterKey({ scope: c.scope, metric })),
      ]),
    ),
  )

export const readTogether = (members: readonly Member[]): ReadPlan => ({
  resources: members.flatMap((m) => m.attempt.plan.resources),
  finds: members.flatMap((m) => m.attempt.plan.finds),
  counters: members.flatMap((m) => m.attempt.plan.counters),
})

/** Each member's part of what was read together. */
const shares = (members: readonly Member[], all: Readings): readonly Readings[] => {
  let finds = 0
  let counters = 0
  return members.map(({ attempt: { plan } }) => ({
    states: all.states,
    finds: all.finds.slice(finds, (finds += plan.finds.length)),
    counters: all.counters.slice(counters, (counters += plan.counters.length)),
  }))
}

export interface GroupWrite extends Write {
  readonly member: Member
  /** The statement that writes it: after those of every version that it moves on from. */
  readonly layer: number
}

/** How the members of a group came out of deciding. */
export interface Sorted {
  readonly writes: readonly GroupWrite[]
  readonly unwritten: readonly Member[]
  /** Must see what an earlier member writes, and cannot before it is written. */
  readonly later: readonly Member[]
  /** Write names without a slot. */
  readonly alone: readonly Member[]
}

/** What the members so far will have written. */
interface Overlay {
  /** All that was read, as whoever comes next must read it. */
  readonly states: Map<string, StateRow>
  /** The last layer that writes a resource. */
  readonly layers: Map<string, number>
  readonly kinds: Set<string>
  readonly counters: Set<string>
  /** What members come after: whoever moves one of these must be decided after them, not beside them. */
  readonly needs: Set<string>
}

/** As it would come back from the database, and nobody else's object. */
const fresh = (state: Json): Json => JSON.parse(JSON.stringify(state)) as Json

const isForetold = (plan: ReadPlan, overlay: Overlay): boolean =>
  !plan.finds.some((f) => overlay.kinds.has(kindKey(f))) &&
  !plan.counters.some((c) => overlay.counters.has(counterKey(c)))

/**
 * Whether a member may be written in this transaction. Two that each come after the other's version would
 * wait for each other for ever; and what it moves on from it must have read.
 */
const fits = (plan: WritePlan, read: ReadonlySet<string>, overlay: Overlay): boolean =>
  plan.changes.every((c) => {
    const id = idOf(c)
    return (
      (!overlay.layers.has(id) || read.has(id)) &&
      !overlay.needs.has(id) &&
      !c.needs.some((n) => overlay.layers.has(idOf(n)))
    )
  })

/** Notes what a member writes; returns the layer that it is written in. */
const lay = (plan: WritePlan, overlay: Overlay): number => {
  const layer = Math.max(0, ...plan.changes.map((c) => (overlay.layers.get(idOf(c)) ?? -1) + 1))
  for (const c of plan.changes) {
    const id = idOf(c)
    overlay.layers.set(id, layer)
    overlay.kinds.add(kindKey(c))
    for (const n of c.needs) overlay.needs.add(idOf(n))
    for (const metric of Object.keys(c.counters ?? {})) {
      overlay.counters.add(counterKey({ scope: c.scope, metric }))
    }
    const old = overlay.states.get(id)
    if (old === undefined) continue
    overlay.states.set(id, {
      ...old,
      version: old.version + (c.replace === undefined ? 1 : 2),
      assumed: fresh(c.state),
      labels: c.state === null ? {} : { ...(c.labels ?? old.labels) },
    })
  }
  return layer
}

/** What more than one member reads. */
const readByMany = (members: readonly Member[]): ReadonlySet<string> => {
  const once = new Set<string>()
  const many = new Set<string>()
  for (const { attempt } of members) {
    for (const at of attempt.plan.resources) {
      const id = idOf(at)
      if (once.has(id)) many.add(id)
      else once.add(id)
    }
  }
  return many
}

/**
 * What a member has read, and nothing that only others have. Nor is it handed objects of theirs: a decider
 * that writes into its facts would change what the next one decides on.
 */
const own = (
  states: ReadonlyMap<string, StateRow>,
  asked: ReadPlan,
  many: ReadonlySet<string>,
): ReadonlyMap<string, StateRow> => {
  const mine = new Map<string, StateRow>()
  for (const at of asked.resources) {
    const id = idOf(at)
    const row = states.get(id)
    if (row === undefined) continue
    const shared = many.has(id) && row.assumed !== null
    mine.set(id, shared ? { ...row, assumed: fresh(row.assumed), labels: { ...row.labels } } : row)
  }
  return mine
}

/** Runs the members' own code, each on what the earlier ones leave. One that throws fails its own caller only. */
export const decideInTurn = (
  members: readonly Member[],
  readings: Readings,
  slots: Slots,
): Sorted => {
  const writes: GroupWrite[] = []
  const unwritten: Member[] = []
  const later: Member[] = []
  const alone: Member[] = []
  const overlay: Overlay = {
    states: new Map(readings.states),
    layers: new Map(),
    kinds: new Set(),
    counters: new Set(),
    needs: new Set(),
  }
  const mine = shares(members, readings)
  const many = readByMany(members)
  members.forEach((member, i) => {
    const { id, plan: asked, decide } = member.attempt
    const share = mine[i]
    if (share === undefined || !isForetold(asked, overlay)) {
      later.push(member)
      return
    }
    try {
      const plan = decide({ ...share, states: own(overlay.states, asked, many) })
      if (plan === null) unwritten.push(member)
      else if (slots.unseen(writtenNames(plan)) !== null) alone.push(member)
      else if (!fits(plan, new Set(asked.resources.map(idOf)), overlay)) later.push(member)
      else writes.push({ id, plan, member, layer: lay(plan, overlay) })
    } catch (error) {
      member.reject(error)
    }
  })
  return { writes, unwritten, later, alone }
}
