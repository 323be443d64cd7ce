/**
 * A saga over five services, each of which fails in turn: with a refusal, before its effect, or after it, with
 * the answer lost. Every service ends as if all had been done, or nothing; whoever relied on the doomed state
 * meanwhile is never carried out on half of it.
 */
import t, { type Test } from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { create, defineDecider, refuse } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied, rejected, type AnyProvider, type Outcome } from '../../src/domain/provider.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { thingProvider } from '../support/thing-provider.ts'

const scope = 'acme'
const services = ['order', 'payment', 'stock', 'parcel', 'letter'] as const

/** Each step needs the one before it. */
const fulfil = defineDecider({
  name: 'fulfil',
  version: 1,
  compensation: 'all_or_compensate',
  read: () => ({}),
  decide: (_facts, id: string) =>
    services.map((kind, i) =>
      create(kind, id, { step: i }, i === 0 ? {} : { needs: [`${services[i - 1] ?? ''}/${id}`] }),
    ),
})

/** Another job, which acts on what it is told is there. */
const bill = defineDecider({
  name: 'bill',
  version: 1,
  read: (q, id: string) => ({ order: q.get('order', id) }),
  decide: ({ order }, id) => (order === null ? refuse('no such order') : create('bill', id, {})),
})

type Failure = 'refused' | 'lost before its effect' | 'lost after its effect'

/** A service that remembers what was done to it, and can be asked; it fails at the first creation of `failing`. */
const service = (
  kind: string,
  things: Map<string, Json>,
  effects: string[],
  fails: Failure | null,
) => {
  let failed = fails === null
  const done = (name: string, what: string, state: Json): Outcome => {
    effects.push(`${what} ${kind}/${name}`)
    if (state === null) things.delete(name)
    else things.set(name, state)
    return applied(state)
  }
  const provider: AnyProvider = thingProvider({
    kind,
    traits: { idempotency: 'lookup', settle_ms: 20, sightings: 1, call_timeout_ms: 300 },
    create: async ({ name, spec }) => {
      const fail = failed ? null : fails
      failed = true
      if (fail === 'refused') return rejected('out of it')
      if (fail === 'lost before its effect') throw new Error('reset')
      const outcome = done(name, 'create', spec as Json)
      if (fail === 'lost after its effect') throw new Error('reset')
      return outcome
    },
    read: async (name) => {
      const state = things.get(name)
      return state === undefined ? null : { state }
    },
    find: async ({ name }) => {
      const state = things.get(name)
      return state === undefined ? null : { state }
    },
  })
  return { ...provider, delete: async ({ name }: { name: string }) => done(name, 'delete', null) }
}

const world = async (t: Test, failing: string, how: Failure) => {
  const things = new Map<string, Map<string, Json>>()
  const effects: string[] = []
  const providers = [...services, 'bill'].map((kind) => {
    const mine = new Map<string, Json>()
    things.set(kind, mine)
    return service(kind, mine, effects, kind === failing ? how : null)
  })
  const { engine } = await testEngine(t, { providers, deciders: [fulfil, bill] })
  await testWorker(t, engine)
  return {
    engine,
    effects,
    there: () => [...things].flatMap(([kind, of]) => [...of.keys()].map(() => kind)),
  }
}

for (const how of ['refused', 'lost before its effect', 'lost after its effect'] as const) {
  for (const failing of services) {
    t.test(`a saga whose ${failing} is ${how}`, async (t) => {
      const { engine, effects, there } = await world(t, failing, how)
      t.match(await engine.decide(fulfil, { scope, input: 'o-1' }), { type: 'decided' })
      const billed = await engine.decide(bill, { scope, input: 'o-1' })
      await allSettled(engine)
      const made = services.slice(0, services.indexOf(failing))
      if (how === 'refused') {
        t.same(there(), [], 'nothing is left')
        t.same(
          effects,
          [
            ...made.map((s) => `create ${s}/o-1`),
            ...made.toReversed().map((s) => `delete ${s}/o-1`),
          ],
          'what was begun is undone, last first, and nobody has acted on it',
        )
      } else {
        t.same(there(), [...services, 'bill'])
        t.same(effects.toSorted(), [...services, 'bill'].map((s) => `create ${s}/o-1`).toSorted())
      }
      if (billed.type === 'decided') {
        const [mine] = await engine.sql`
          select state from foreword.intent where decision_id = ${billed.decision}`
        t.match(mine, { state: how === 'refused' ? 'stale' : 'confirmed' })
      }
      const { checks } = await audit(auditStore(engine.sql))
      t.same(
        checks.filter((check) => check.violated > 0),
        [],
        'the audit agrees',
      )
    })
  }
}
