import fc from 'fast-check'
import t from 'tap'
import { Ordered } from '../../src/cloud/ordered.ts'
import type { Body, Resource } from '../../src/cloud/world.ts'
import { World } from '../../src/cloud/world.ts'

t.test('Ordered is a sorted set, in whatever order things come and go', async () => {
  const step = fc.record({ seq: fc.integer({ min: 1, max: 30 }), add: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 0, max: 31 }), (steps, after) => {
      const things = Array.from({ length: 31 }, (_, seq) => ({ seq }))
      const ordered = new Ordered<{ seq: number }>()
      const model = new Set<number>()
      for (const { seq, add } of steps) {
        const thing = things[seq] ?? { seq }
        if (add) ordered.add(thing)
        else ordered.remove(thing)
        if (add) model.add(seq)
        else model.delete(seq)
      }
      const wanted = [...model].sort((a, b) => a - b).filter((seq) => seq > after)
      const got = [...ordered.after(after)].map(({ seq }) => seq)
      return JSON.stringify(got) === JSON.stringify(wanted) && ordered.size === model.size
    }),
  )
})

type Step =
  | { readonly type: 'create'; readonly tag: string }
  | { readonly type: 'write'; readonly which: number; readonly tag: string }
  | { readonly type: 'delete'; readonly which: number }
  | { readonly type: 'wait'; readonly ms: number }

const tag = fc.constantFrom('a', 'b', 'c')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('create' as const), tag }),
  fc.record({ type: fc.constant('write' as const), which: fc.nat(5), tag }),
  fc.record({ type: fc.constant('delete' as const), which: fc.nat(5) }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(60) }),
)

const bodyAt = (at: number, role: string, gone: boolean): Body => ({
  name: 'n',
  spec: {},
  tags: { role },
  last_intent: null,
  generation: -1,
  revision: 1,
  outputs: {},
  written_at: at,
  ready_at: at,
  failed: false,
  gone_at: gone ? at : null,
})

t.test('a lagging view by index is what a whole history without trimming shows', async () => {
  const lag_ms = 100
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 1_000
      const clock = { now: () => now, sleep: () => Promise.resolve() }
      const world = new World({ clock, seed: 1, lag_ms: () => lag_ms })
      const made: Resource[] = []
      // The model: every version of everything, for ever.
      const history: { id: string; at: number; role: string | null }[] = []
      const gone = new Set<Resource>()
      for (const step of steps) {
        if (step.type === 'wait') now += step.ms
        if (step.type === 'create') {
          const where = { account: 'x', kind: 'vms' } as const
          const body = bodyAt(now, step.tag, false)
          const resource = world.create(world.reserve('vms'), where, body, [])
          made.push(resource)
          history.push({ id: resource.id, at: now, role: step.tag })
        }
        if (step.type === 'write' || step.type === 'delete') {
          const resource = made[step.which]
          if (resource === undefined || gone.has(resource)) continue
          const deletes = step.type === 'delete'
          world.write(resource, bodyAt(now, deletes ? '' : step.tag, deletes), [])
          if (deletes) gone.add(resource)
          history.push({ id: resource.id, at: now, role: deletes ? null : step.tag })
        }
        for (const at of [now, now - lag_ms / 2, now - lag_ms]) {
          for (const role of ['a', 'b', 'c']) {
            const query = { keys: [`tag:role:${role}`, 'name:n'], after: 0, at }
            const got = [...world.list('x', 'vms', query)].map(({ resource }) => resource.id)
            const last = new Map<string, string | null>()
            for (const version of history) if (version.at <= at) last.set(version.id, version.role)
            const wanted = made.filter(({ id }) => last.get(id) === role).map(({ id }) => id)
            if (JSON.stringify(got) !== JSON.stringify(wanted)) return false
          }
        }
      }
      return true
    }),
  )
})
