/** The rows of the log into columns of numbers, one by one as they come out of Postgres. */
import { float64Column, int32Column, uint8Column } from '../../domain/column.ts'
import type { Finds, History, Reads, Writes } from '../../domain/history.ts'
import { int64At, type CopiedRow } from './copy-rows.ts'
import { UuidNumbers } from '../uuid-numbers.ts'

/** The pair that a predicate was read by; label and value '' stand for all of a kind. */
export interface Predicate {
  readonly scope: string
  readonly kind: string
  readonly label: string
  readonly value: string
}

interface PredicatePremise extends Partial<Predicate> {
  readonly labels?: Readonly<Record<string, string>> | null
  readonly found?: number | null
}

export interface Counter {
  readonly scope: string
  readonly metric: string
}

interface CounterPremise extends Counter {
  readonly version: number
}

/** Things by number, and numbers by the texts that make the thing. */
const numbering = <A>(parts: (thing: A) => readonly string[]) => {
  const things: A[] = []
  const numbers = new Map<string, number>()
  return {
    things: things as readonly A[],
    find: (thing: A): number | undefined => numbers.get(JSON.stringify(parts(thing))),
    add: (thing: A): number => {
      const name = JSON.stringify(parts(thing))
      const number = numbers.get(name) ?? things.push(thing) - 1
      numbers.set(name, number)
      return number
    },
  }
}

/** Decisions of before the pair was noted: any of the labels they asked for covers what they found. */
const pairOf = (premise: PredicatePremise): Predicate => {
  const [label, value] = Object.entries(premise.labels ?? {})[0] ?? ['', '']
  return {
    scope: premise.scope ?? '',
    kind: premise.kind ?? '',
    label: premise.label ?? label,
    value: premise.value ?? value,
  }
}

const versionColumns = () => ({
  key: int32Column(),
  version: float64Column(),
  decision: int32Column(),
})
type VersionColumns = ReturnType<typeof versionColumns>

/** Where the elements of an array of one dimension begin, and how many there are. */
const arrayAt = (bytes: DataView, at: number): { readonly from: number; readonly count: number } =>
  bytes.getInt32(at) === 0
    ? { from: at, count: 0 }
    : { from: at + 20, count: bytes.getInt32(at + 12) }

const joined = <N extends Int32Array | Float64Array | Uint8Array>(
  some: N,
  others: N,
  make: (length: number) => N,
): N => {
  const all = make(some.length + others.length)
  all.set(some)
  all.set(others, some.length)
  return all
}

/** Decisions first, since entries are told by whose they are; each method takes a row of its query. */
export class HistoryRows {
  readonly decisions = new UuidNumbers()
  readonly resources = new UuidNumbers()
  readonly counters = numbering<Counter>((c) => [c.scope, c.metric])
  readonly predicates = numbering<Predicate>((p) => [p.scope, p.kind, p.label, p.value])
  readonly #xid = float64Column()
  readonly #reads = versionColumns()
  readonly #counter_reads = versionColumns()
  readonly #writes = versionColumns()
  readonly #withdrawn = uint8Column()
  readonly #membership = int32Column()
  readonly #counter_writes = versionColumns()
  readonly #finds = {
    predicate: int32Column(),
    decision: int32Column(),
    found: float64Column(),
    xmin: float64Column(),
    xmax: float64Column(),
    xip: [] as (readonly number[])[],
  }
  readonly #kept_resources = new Map<number, number>()
  readonly #kept_counters = new Map<number, number>()
  /** Of each scope some of which is archived, the newest transaction from which on a resource is kept. */
  readonly #kept_xids: ReadonlyMap<string, number>
  #unanswered = 0
  readonly #memberships: (readonly number[])[] = [[]]
  readonly #membership_numbers = new Map<string, number>()

  constructor(kept_xids: ReadonlyMap<string, number> = new Map()) {
    this.#kept_xids = kept_xids
  }

  /** id, xid, premise_resources, premise_versions, premise_counters, premise_predicates, snapshot */
  addDecision(row: CopiedRow): void {
    const { bytes } = row
    const decision = this.decisions.add(bytes, row.at(0))
    this.#xid.push(row.int64(1))
    const resources = arrayAt(bytes, row.at(2))
    const versions = arrayAt(bytes, row.at(3))
    for (let i = 0; i < resources.count; i++) {
      this.#reads.key.push(this.resources.add(bytes, resources.from + i * 20 + 4))
      this.#reads.version.push(int64At(bytes, versions.from + i * 12 + 4))
      this.#reads.decision.push(decision)
    }
    if (!row.isNull(4)) {
      for (const counter of JSON.parse(row.text(4)) as readonly CounterPremise[]) {
        this.#counter_reads.key.push(this.counters.add(counter))
        this.#counter_reads.version.push(counter.version)
        this.#counter_reads.decision.push(decision)
      }
    }
    if (!row.isNull(5)) this.#addFinds(row, decision)
  }

  #addFinds(row: CopiedRow, decision: number): void {
    const { bytes } = row
    const own = row.int64(1)
    const at = row.isNull(6) ? -1 : row.at(6)
    const xip =
      at < 0
        ? []
        : Array.from({ length: bytes.getInt32(at) }, (_, i) => int64At(bytes, at + 20 + i * 8))
    for (const premise of JSON.parse(row.text(5)) as readonly PredicatePremise[]) {
      this.#finds.predicate.push(this.predicates.add(pairOf(premise)))
      this.#finds.decision.push(decision)
      // Of several labels the log does not say whether those that carry all of them were counted.
      const one = Object.keys(premise.labels ?? {}).length < 2
      const xmin = at < 0 ? own : int64At(bytes, at + 4)
      // Whoever answered to it may have come or left with a version that is archived.
      const archived = xmin <= (this.#kept_xids.get(premise.scope ?? '') ?? -1)
      if (one && at >= 0 && archived) this.#unanswered += 1
      this.#finds.found.push(one && at >= 0 && !archived ? (premise.found ?? -1) : -1)
      this.#finds.xmin.push(xmin)
      this.#finds.xmax.push(at < 0 ? own : int64At(bytes, at + 12))
      this.#finds.xip.push(xip)
    }
  }

  /** resource, version, decision, withdrawn, and where predicates were read: scope, kind, labels */
  addEntry(row: CopiedRow): void {
    this.#writes.key.push(this.resources.add(row.bytes, row.at(0)))
    this.#writes.version.push(row.int64(1))
    this.#writes.decision.push(this.decisions.find(row.bytes, row.at(2)))
    this.#withdrawn.push(row.boolean(3) ? 1 : 0)
    this.#membership.push(this.predicates.things.length === 0 ? 0 : this.#membershipOf(row))
  }

  /** Few sets of labels are many resources': each is taken apart once. */
  #membershipOf(row: CopiedRow): number {
    if (row.isNull(6)) return 0
    const key = row.key(4, 6)
    const known = this.#membership_numbers.get(key)
    if (known !== undefined) return known
    const [scope, kind] = [row.text(4), row.text(5)]
    const labels = Object.entries(JSON.parse(row.text(6)) as Record<string, unknown>)
    const members = [['', ''] as const, ...labels].flatMap(
      ([label, value]) => this.predicates.find({ scope, kind, label, value: String(value) }) ?? [],
    )
    const number = members.length === 0 ? 0 : this.#memberships.push(members) - 1
    this.#membership_numbers.set(key, number)
    return number
  }

  /** scope, metric, version, decision */
  addCounterEntry(row: CopiedRow): void {
    this.#counter_writes.key.push(this.counters.add({ scope: row.text(0), metric: row.text(1) }))
    this.#counter_writes.version.push(row.int64(2))
    this.#counter_writes.decision.push(this.decisions.find(row.bytes, row.at(3)))
    this.#withdrawn.push(0)
    this.#membership.push(0)
  }

  /** resource, kept_from; of resources that nothing in the log speaks of there is no number. */
  addKeptResource(row: CopiedRow): void {
    const key = this.resources.find(row.bytes, row.at(0))
    if (key >= 0) this.#kept_resources.set(key, row.int64(1))
  }

  /** scope, metric, kept_from */
  addKeptCounter(row: CopiedRow): void {
    const key = this.counters.find({ scope: row.text(0), metric: row.text(1) })
    if (key !== undefined) this.#kept_counters.set(key, row.int64(2))
  }

  /** 1 where all of a key is in the log. */
  #keptFrom(keys: number): Float64Array {
    const kept = new Float64Array(keys).fill(1)
    for (const [key, version] of this.#kept_resources) kept[key] = version
    for (const [key, version] of this.#kept_counters) kept[key + this.resources.count] = version
    return kept
  }

  /** Resources and counters by one numbering, counters last. All entries come before any of counters. */
  #versions(resources: VersionColumns, counters: VersionColumns): Reads {
    const first = this.resources.count
    return {
      key: joined(
        resources.key.done(),
        counters.key.done().map((counter) => counter + first),
        (n) => new Int32Array(n),
      ),
      version: joined(
        resources.version.done(),
        counters.version.done(),
        (n) => new Float64Array(n),
      ),
      decision: joined(
        resources.decision.done(),
        counters.decision.done(),
        (n) => new Int32Array(n),
      ),
    }
  }

  history(): History {
    const writes: Writes = {
      ...this.#versions(this.#writes, this.#counter_writes),
      withdrawn: this.#withdrawn.done(),
      membership: this.#membership.done(),
    }
    const { predicate, decision, found, xmin, xmax, xip } = this.#finds
    const finds: Finds = {
      predicate: predicate.done(),
      decision: decision.done(),
      found: found.done(),
      xmin: xmin.done(),
      xmax: xmax.done(),
      xip,
    }
    const keys = this.resources.count + this.counters.things.length
    const archived = this.#kept_resources.size + this.#kept_counters.size > 0
    return {
      decisions: this.decisions.count,
      xid: this.#xid.done(),
      resources: this.resources.count,
      keys,
      predicates: this.predicates.things.length,
      memberships: this.#memberships,
      writes,
      reads: this.#versions(this.#reads, this.#counter_reads),
      finds,
      ...(archived ? { kept_from: this.#keptFrom(keys) } : {}),
      unanswered: this.#unanswered,
    }
  }
}
