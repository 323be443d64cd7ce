/**
 * What must hold after every schedule, whatever went wrong: I1 to I9 of docs/torture.md. Each law reads
 * the evidence and returns a line for each breach.
 */
import { diffPaths } from '../../src/domain/diff.ts'
import type { Json } from '../../src/domain/json.ts'
import { cores, type Size } from './deciders.ts'
import type { Entry } from './evidence.ts'
import { at, clocks_ms, isClear, ms, nameOf, wasAmbiguous, type Facts } from './facts.ts'

export interface Law {
  readonly name: string
  /** The number of the last line that its breaches count into. */
  readonly counts: 'lost' | 'duplicated' | 'parked_without_cause' | 'cycles' | 'broken'
  readonly breaches: (facts: Facts) => readonly string[]
}

const told: Law = {
  name: 'what a decider was told is what is in the log',
  counts: 'lost',
  breaches: ({ told: jobs, decisions, decisionOf }) =>
    jobs.flatMap(({ job, begun, results }) => {
      const first = decisions.filter((d) => d.job === job && !d.reason.startsWith('instead of'))
      const decided = results.flatMap((r) => (r.type === 'decided' ? [r.decision ?? ''] : []))
      const missing = decided
        .filter((id) => !decisionOf.has(id))
        .map((id) => `${job}: ${id} is not there`)
      const unheard = begun - results.length
      const unknown = results.filter((r) => r.type === 'unknown').length
      const most = decided.length + unheard + unknown
      return first.length <= most
        ? missing
        : [
            ...missing,
            `${job}: ${first.length} decisions, told of ${decided.length}, begun ${begun} times`,
          ]
    }),
}

const settled: Law = {
  name: 'every intent is settled or parked',
  counts: 'lost',
  breaches: ({ standing, entries }) =>
    standing.moving.map((o) => {
      const e = entries.find((x) => x.id === o.id)
      return `${e === undefined ? o.id : nameOf(e)} is still under way: ${e?.reason ?? 'no reason'}`
    }),
}

const again: Law = {
  name: 'what went stale was decided again, or given up',
  counts: 'lost',
  breaches: (facts) => facts.again.map((id) => `decision ${id} is still to be decided again`),
}

const happened: Law = {
  name: 'what is applied or confirmed has had its effect',
  counts: 'lost',
  breaches: ({ entries, effectsOf }) =>
    entries
      .filter((e) => ['applied', 'confirmed'].includes(e.state) && !effectsOf.has(e.id))
      .map((e) => `${nameOf(e)} has no effect in the ledger`),
}

const undone: Law = {
  name: 'what is rejected, stale or cancelled has had none',
  counts: 'broken',
  breaches: ({ entries, effectsOf }) =>
    entries
      .filter((e) => ['rejected', 'stale', 'cancelled'].includes(e.state) && effectsOf.has(e.id))
      .map((e) => `${nameOf(e)} has an effect in the ledger`),
}

const once: Law = {
  name: 'an intent has at most one effect',
  counts: 'duplicated',
  breaches: ({ entries, effectsOf }) =>
    entries.flatMap((e) => {
      const effects = effectsOf.get(e.id) ?? []
      return effects.slice(1).map((x) => `${nameOf(e)} again, effect ${x.seq}`)
    }),
}

const attempted: Law = {
  name: 'no call without a committed attempt that names its key',
  counts: 'broken',
  breaches: ({ requests, attempts }) =>
    requests.flatMap((r) => {
      const before = attempts.filter(
        (a) => a.idempotency_key === r.intent && ms(a.started_at) <= ms(r.at) + clocks_ms,
      )
      const sent = requests.filter((x) => x.intent === r.intent && x.seq <= r.seq)
      return sent.length <= before.length
        ? []
        : [`${r.method} ${r.path} for ${r.intent}: call ${sent.length}, attempts ${before.length}`]
    }),
}

const answered: Law = {
  name: 'no outcome is written before its effect',
  counts: 'broken',
  breaches: ({ attempts, effectsOf }) =>
    attempts.flatMap((a) => {
      if (a.outcome !== 'applied' || a.ended_at === null) return []
      const first = effectsOf.get(a.entry)?.[0]
      return first !== undefined && ms(first.at) <= ms(a.ended_at) + clocks_ms
        ? []
        : [`attempt ${a.number} of intent ${a.entry} was written as applied before it was`]
    }),
}

/** For `lookup`, from when on it may be called again after an attempt that nobody heard of. */
const unrepeated: Law = {
  name: 'no second call while the outcome of the first is unknown',
  counts: 'broken',
  breaches: ({ entries, requestsOf, attemptsOf, schedule }) =>
    entries.flatMap((e) => {
      const idempotency = schedule.kinds[e.kind as keyof typeof schedule.kinds]
      const requests = requestsOf.get(e.id) ?? []
      return requests.slice(1).flatMap((r, i) => {
        const before = requests[i]
        if (before === undefined || isClear(before) || idempotency === 'token') return []
        if (idempotency === 'none')
          return [`${nameOf(e)}: repeated after a call that nobody heard of`]
        const attempt = attemptsOf
          .get(e.id)
          ?.findLast((a) => ms(a.started_at) <= ms(before.at) + clocks_ms)
        const from = ms(attempt?.deadline_at ?? before.at) + schedule.traits.settle_ms
        return ms(r.at) + clocks_ms >= from
          ? []
          : [`${nameOf(e)}: repeated ${from - ms(r.at)} ms too early`]
      })
    }),
}

const fenced: Law = {
  name: 'only the lease that is current moves an intent, and once',
  counts: 'broken',
  breaches: ({ moves }) =>
    moves
      .filter(
        (m) =>
          m.to_epoch === m.from_epoch &&
          m.from_worker === null &&
          !['stale', 'cancelled'].includes(m.to_state) &&
          // It begins to wait for another, or was let go.
          !(m.from_state === 'pending' && m.to_state === 'pending'),
      )
      .map((m) => `intent ${m.entry} moved from ${m.from_state} to ${m.to_state} without a lease`),
}

const final: Law = {
  name: 'what is settled stays settled',
  counts: 'broken',
  breaches: ({ moves }) =>
    moves
      .filter((m) => m.was_settled)
      .map((m) => `intent ${m.entry} moved from settled ${m.from_state} to ${m.to_state}`),
}

const seen: Law = {
  name: 'confirmed means seen, as often in a row as the reads need',
  counts: 'broken',
  breaches: ({ entries, schedule: { traits } }) =>
    entries
      .filter((e) => e.state === 'confirmed' && e.looks < traits.sightings)
      .map((e) => `${nameOf(e)} was seen ${e.looks} times of ${traits.sightings}`),
}

/** Whether an intent must follow another: by its resource, its needs, or what was read (ww, wr, rw). */
const follows = ({ decisionOf }: Facts, e: Entry, p: Entry): boolean => {
  if (p.resource === e.resource && p.version < e.version) return true
  if (e.after.some((a) => a.resource === p.resource && p.version <= a.version)) return true
  if (p.decision === e.decision) return false
  const read = decisionOf.get(e.decision)?.premises ?? []
  const read_before = decisionOf.get(p.decision)?.premises ?? []
  return (
    read.some((r) => r.resource === p.resource && r.version === p.version) ||
    read_before.some((r) => r.resource === e.resource && r.version === e.version - 1)
  )
}

const ordered: Law = {
  name: 'effects come in the serial order, and after what they need',
  counts: 'broken',
  breaches: (facts) =>
    facts.entries.flatMap((e) => {
      const first = facts.effectsOf.get(e.id)?.[0]
      if (first === undefined) return []
      return facts.entries
        .filter((p) => (facts.effectsOf.get(p.id)?.at(-1)?.seq ?? 0) > first.seq)
        .filter((p) => follows(facts, e, p))
        .map((p) => `${nameOf(e)} took effect before ${nameOf(p)}`)
    }),
}

const fresh: Law = {
  name: 'nothing is begun after its premise was taken back',
  counts: 'broken',
  breaches: ({ entries, attemptsOf, decisionOf, byVersion }) =>
    entries.flatMap((e) => {
      const relied = [...(decisionOf.get(e.decision)?.premises ?? []), ...e.after]
      return relied.flatMap((p) => {
        const on = byVersion.get(at(p))
        if (on === undefined || on.cause !== 'intent' || on.settled_at === null) return []
        if (!['rejected', 'stale', 'cancelled'].includes(on.state)) return []
        const from = ms(on.settled_at)
        const attempts = attemptsOf.get(e.id) ?? []
        const late = attempts.some((a) => ms(a.started_at) > from)
        // What nobody knew then must be found out, by a repeat too where that is safe.
        const begun = attempts.some((a) => ms(a.started_at) <= from && a.outcome === 'in_doubt')
        return !late || begun
          ? []
          : [`${nameOf(e)} was attempted though ${nameOf(on)} had been taken back`]
      })
    }),
}

/** What the cloud calls each kind. */
const shelf = (kind: string): string => `${kind}s`

const agreeing: Law = {
  name: 'the cloud is as it is assumed to be',
  counts: 'broken',
  breaches: ({ states, truth, standing }) => {
    const open = new Set(
      [...standing.parked, ...standing.blocked, ...standing.moving].map((o) => o.resource),
    )
    return states.flatMap(({ resource, kind, name, assumed }) => {
      if (open.has(resource)) return []
      const there = (truth[shelf(kind)] ?? []).filter(
        (r) => r['name'] === name && r['status'] !== 'DELETING',
      )
      const wanted = assumed === null ? 0 : 1
      if (there.length !== wanted)
        return [`${kind}/${name}: ${there.length} at the cloud, ${wanted} assumed`]
      return differences(assumed, there[0] ?? {}).map((path) => `${kind}/${name}: ${path} differs`)
    })
  },
}

/** Of what is assumed; references are the cloud's ids, which the log does not know. */
const differences = (assumed: Json, truth: Readonly<Record<string, Json>>): readonly string[] => {
  if (assumed === null || typeof assumed !== 'object' || Array.isArray(assumed)) return []
  return Object.entries(assumed).flatMap(([field, value]) => {
    if (JSON.stringify(value).includes('"ref"')) return []
    return diffPaths(value, truth[field] ?? null).length > 0 ? [field] : []
  })
}

const counted: Law = {
  name: 'counters are the sum of what is assumed',
  counts: 'broken',
  breaches: ({ states, standing, cores_consumed }) => {
    if (standing.parked.length + standing.moving.length > 0) return []
    const sum = states
      .filter((s) => s.kind === 'vm' && s.assumed !== null)
      .reduce((all, s) => all + cores[(s.assumed as { readonly size: Size }).size], 0)
    return sum === cores_consumed ? [] : [`${cores_consumed} cores are consumed, ${sum} assumed`]
  },
}

const parked: Law = {
  name: 'parked is only what was ambiguous',
  counts: 'parked_without_cause',
  breaches: (facts) =>
    facts.standing.parked.flatMap((o) => {
      const e = facts.entries.find((x) => x.id === o.id)
      if (e === undefined || wasAmbiguous(facts, e)) return []
      return [`${nameOf(e)}: ${e.reason ?? ''}`]
    }),
}

/** Whether a worker may have had an answer on its way that it never read or wrote. */
const mayHaveMissed = ({ lost, disturbed, attempts }: Facts, worker: number): boolean =>
  // Stopped with an answer in its hand, and nothing else under way.
  lost.has(worker) ||
  (disturbed.has(worker) && attempts.filter((a) => a.worker === worker).length > 1)

const kept: Law = {
  name: 'an id that was heard is kept, also from a worker that came too late',
  counts: 'broken',
  breaches: (facts) =>
    facts.entries.flatMap((e) => {
      const { entries, requestsOf, effectsOf, attemptsOf, external_ids } = facts
      const [effect] = effectsOf.get(e.id) ?? []
      const heard = (requestsOf.get(e.id) ?? []).some((r) => r.status === 201 && r.heard)
      const attempts = attemptsOf.get(e.id) ?? []
      if (effect?.verb !== 'create' || !heard || facts.crashed) return []
      if (attempts.some((a) => a.external_id !== null || mayHaveMissed(facts, a.worker))) return []
      // A look-up has found it, or a later version has done away with it.
      if ((external_ids.get(e.resource) ?? null) !== null) return []
      if (entries.some((x) => x.resource === e.resource && x.version > e.version)) return []
      return [`${nameOf(e)}: ${effect.id} was answered, and is nowhere`]
    }),
}

const secret: Law = {
  name: 'the secret of the calls is in no table and no output',
  counts: 'broken',
  breaches: ({ leaks }) => leaks,
}

const audited: readonly Law[] = [
  {
    name: 'the audit finds no cycle',
    counts: 'cycles',
    breaches: ({ audit }) =>
      audit.checks
        .filter((c) => c.law === 'decisions_are_serializable')
        .flatMap((c) => c.violations.map((v) => `${v.subject}: ${v.what}`)),
  },
  {
    name: 'the audit finds nothing else',
    counts: 'broken',
    breaches: ({ audit }) =>
      audit.checks
        .filter((c) => c.law !== 'decisions_are_serializable')
        .flatMap((c) => c.violations.map((v) => `${c.law}: ${v.subject}: ${v.what}`)),
  },
]

export const laws: readonly Law[] = [
  told,
  settled,
  again,
  happened,
  undone,
  once,
  attempted,
  answered,
  unrepeated,
  fenced,
  final,
  seen,
  ordered,
  fresh,
  agreeing,
  counted,
  parked,
  kept,
  secret,
  ...audited,
]
