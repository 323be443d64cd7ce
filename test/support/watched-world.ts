/** Many resources that were made a while ago, and a provider that shows them as a map says. */
import type { Json } from '../../src/domain/json.ts'
import type { AnyProvider, Listed, ListLook, Sighting, Traits } from '../../src/domain/provider.ts'
import { applied } from '../../src/domain/provider.ts'
import type { Sql } from '../../src/store/connect.ts'
import { thingProvider } from './thing-provider.ts'

export const thing = (n: number): string => `t${String(n).padStart(6, '0')}`

/** `count` things of state `{"n": 1}` and id `id-NAME`, confirmed an hour ago, as decisions would have left them. */
export const seedThings = async (sql: Sql, count: number, scope = 'acme'): Promise<void> => {
  await sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      create temp table seeded on commit drop as
      select t.name, foreword_code.resource_id(${scope}, 'thing', t.name) as id
      from (
        select 't' || lpad(i::text, 6, '0') as name
        from generate_series(0, ${count - 1}::integer) i
      ) t`
    await tx`
      insert into foreword_private.resource (id, scope, kind, name)
      select s.id, ${scope}, 'thing', s.name from seeded s`
    const [decision] = await tx<{ id: string }[]>`
      insert into foreword_private.decision (id, scope, decider, certified_at, unplaced)
      values (gen_random_uuid(), ${scope}, 'seed', now(), false)
      returning id`
    const by = decision?.id ?? ''
    await tx`
      insert into foreword_private.resource_state (resource, version, assumed, decision)
      select s.id, 1, '{"n": 1}', ${by}::uuid from seeded s`
    await tx`
      insert into foreword_private.member (key, scope, kind, label, value, resource, name)
      select
        foreword_code.member_key(${scope}, 'thing', '', ''), ${scope}, 'thing', '', '', s.id, s.name
      from seeded s`
    await tx`
      insert into foreword_private.entry (
        resource, version, scope, kind, decision, cause, verb, assumed, state,
        attempts, applied_at, settled_at
      )
      select
        s.id, 1, ${scope}, 'thing', ${by}::uuid, 'intent', 'create', '{"n": 1}', 'confirmed',
        1, now() - interval '1 hour', now() - interval '1 hour'
      from seeded s`
    await tx`
      insert into foreword_private.observation (resource, external_id, outputs)
      select s.id, 'id-' || s.name, '{}' from seeded s`
  })
}

/** What is there, by name. */
export type World = Map<string, Json>

export const worldOf = (count: number): World =>
  new Map(Array.from({ length: count }, (_, n) => [thing(n), { n: 1 }]))

export interface Shown {
  readonly world: World
  readonly traits?: Partial<Traits>
  /** Instead of what the world says. */
  readonly read?: (name: string) => Promise<Sighting | null>
  readonly list?: (look: ListLook) => AsyncIterable<Listed>
}

export const sightingOf = (world: World, name: string): Sighting | null => {
  const state = world.get(name)
  return state === undefined ? null : { state, external_id: `id-${name}` }
}

/** All of it, in the order of the map. */
export const listWorld = async function* (world: World): AsyncGenerator<Listed> {
  for (const [name, state] of world) yield { name, state, external_id: `id-${name}` }
}

/** Calls change the world that it shows. */
export const worldProvider = ({ world, traits, read, list }: Shown): AnyProvider => ({
  ...thingProvider({
    traits: { sightings: 1, settle_ms: 100, ...traits },
    read: read ?? ((name) => Promise.resolve(sightingOf(world, name))),
    create: (call) => {
      world.set(call.name, call.spec as Json)
      return Promise.resolve(applied(call.spec as Json, { external_id: `id-${call.name}` }))
    },
  }),
  delete: (call) => {
    world.delete(call.name)
    return Promise.resolve(applied(null))
  },
  ...(list === undefined ? {} : { list }),
})
