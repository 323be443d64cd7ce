/** Which intents still are to move by themselves, and which wait for a person, or for one that does. */
import type { Sql } from '../../src/store/connect.ts'

interface At {
  readonly resource: string
  readonly version: number
}

export interface Open extends At {
  readonly id: number
  readonly state: string
  readonly is_due: boolean
  readonly worker: number | null
  readonly after: readonly At[]
  readonly premises: readonly At[]
}

export interface Standing {
  readonly parked: readonly Open[]
  /** Wait for a parked one. */
  readonly blocked: readonly Open[]
  readonly moving: readonly Open[]
}

const isParked = (o: Open): boolean => o.state === 'in_doubt' && !o.is_due && o.worker === null

/** Whether an intent may have to wait for another: by its resource, its needs, or what was read. */
const waitsFor = (o: Open, other: Open): boolean =>
  (other.resource === o.resource && other.version < o.version) ||
  o.after.some((a) => a.resource === other.resource && a.version >= other.version) ||
  o.premises.some((p) => p.resource === other.resource && p.version >= other.version) ||
  other.premises.some((p) => p.resource === o.resource && p.version < o.version)

export const standingOf = (open: readonly Open[]): Standing => {
  const parked = open.filter(isParked)
  const stuck = new Set(parked)
  for (let grown = true; grown;) {
    grown = false
    for (const o of open) {
      if (o.state !== 'pending' || stuck.has(o)) continue
      if (![...stuck].some((other) => waitsFor(o, other))) continue
      stuck.add(o)
      grown = true
    }
  }
  return {
    parked,
    blocked: [...stuck].filter((o) => !isParked(o)),
    moving: open.filter((o) => !stuck.has(o)),
  }
}

export const readOpen = (sql: Sql): Promise<readonly Open[]> => sql<Open[]>`
  select
    e.id, e.resource, e.version, e.state, e.due_at is not null as is_due, e.worker,
    (
      select coalesce(jsonb_agg(jsonb_build_object('resource', a.resource, 'version', a.version)), '[]')
      from unnest(e.after_resources, e.after_versions) as a (resource, version)
    ) as after,
    (
      select coalesce(jsonb_agg(jsonb_build_object('resource', p.resource, 'version', p.version)), '[]')
      from foreword_private.decision d
      cross join unnest(d.premise_resources, d.premise_versions) as p (resource, version)
      where d.id = e.decision
    ) as premises
  from foreword_private.entry e
  where e.settled_at is null`
