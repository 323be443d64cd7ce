import * as io from 'io-ts'
import t from 'tap'
import {
  applied,
  defaultTraits,
  notSent,
  rejected,
  type AnyProvider,
  type Call,
  type Idempotency,
  type Look,
  type Provider,
} from '../../src/domain/provider.ts'
import { conformance, type Harness } from '../../src/providers/conformance.ts'
import { secrets } from './support.ts'

const Disk = io.strict({ size: io.number })
type Disk = io.TypeOf<typeof Disk>

/** A codec that accepts whatever comes, and calls it a disk. */
const Anything = new io.Type<Disk, Disk>(
  'anything',
  (_): _ is Disk => true,
  (u) => io.success(u as Disk),
  io.identity,
)

interface Stored {
  readonly id: string
  readonly name: string
  readonly key: string
  readonly spec: Disk
}

/** A provider of an API inside this process, lawful until a mutant overrides a part of it. */
const memory = (idempotency: Idempotency) => {
  const disks: Stored[] = []
  const effects: string[] = []
  const byName = (name: string) => disks.find((disk) => disk.name === name)
  const shown = ({ id, spec }: Stored) => ({ state: spec, external_id: id, outputs: { id } })
  const check = ({ signal }: Look) => signal.throwIfAborted()
  const remove = (name: string) => {
    const at = disks.findIndex((disk) => disk.name === name)
    if (at >= 0) disks.splice(at, 1)
  }
  const make = (call: Call<Disk>) => {
    const disk = {
      id: `d${effects.length}`,
      name: call.name,
      key: call.idempotency_key,
      spec: call.spec,
    }
    effects.push(call.idempotency_key)
    disks.push(disk)
    return applied(disk.spec, { external_id: disk.id })
  }
  const write = async (call: Call<Disk>) => {
    check(call)
    if (call.spec.size < 0) return rejected('too small')
    const old = byName(call.name)
    if (old === undefined) return make(call)
    const same_call = old.key === call.idempotency_key
    if (call.verb === 'create' && !same_call && idempotency !== 'natural') return rejected('exists')
    if (!same_call) effects.push(call.idempotency_key)
    disks[disks.indexOf(old)] = { ...old, key: call.idempotency_key, spec: call.spec }
    return applied(call.spec, { external_id: old.id })
  }
  const provider: Provider<Disk, Disk> = {
    kind: 'disk',
    spec: Disk,
    state: Disk,
    traits: { ...defaultTraits, idempotency, token_valid_ms: 60_000 },
    create: write,
    update: write,
    delete: async (call) => {
      check(call)
      remove(call.name)
      return applied(null)
    },
    read: async (look) => {
      check(look)
      const disk = byName(look.name)
      return disk === undefined ? null : shown(disk)
    },
    find: async (call) => {
      const disk = disks.find(({ key }) => key === call.idempotency_key)
      return disk === undefined ? null : shown(disk)
    },
    list: async function* (look) {
      check({ ...look, name: '', external_id: null, outputs: {} })
      for (const disk of disks) yield { ...shown(disk), name: disk.name }
    },
    confirm: async (call) => {
      const there = byName(call.name) !== undefined
      return there === (call.verb !== 'delete') ? 'shown' : 'not_yet'
    },
  }
  return { provider, disks, effects, make, remove }
}

const nobody = async (): Promise<never> => {
  throw notSent('nobody listens')
}
const harnessOf = (effects: readonly string[], over: Partial<Harness> = {}): Harness => ({
  scope: 'acme',
  name: (n) => `disk-${n}`,
  spec: (n) => ({ size: 10 + n }),
  bad_spec: { size: 'large' },
  refused: { spec: { size: -1 } },
  secrets,
  effects: async (key) => effects.filter((effect) => effect === key).length,
  dead: {
    ...memory('natural').provider,
    create: nobody,
    update: nobody,
    delete: nobody,
    read: nobody,
  },
  patience_ms: 100,
  ...over,
})

const brokenLaws = async (provider: AnyProvider, harness: Harness): Promise<readonly string[]> => {
  const broken: string[] = []
  for (const { law, check } of conformance(provider, harness)) {
    await check().catch(() => broken.push(law))
  }
  return broken
}

for (const idempotency of ['natural', 'token', 'lookup', 'none'] as const) {
  t.test(`a lawful provider of idempotency ${idempotency} breaks no law`, async (t) => {
    const { provider, effects, disks } = memory(idempotency)
    t.same(await brokenLaws(provider, harnessOf(effects)), [])
    t.same(disks, [], 'nothing is left behind')
  })
}

type Mutant = (of: ReturnType<typeof memory>) => Partial<Provider<Disk, Disk>>

const mutants: readonly (readonly [string, Idempotency, RegExp, Mutant])[] = [
  ['accepts any spec', 'none', /decoding/, () => ({ spec: Anything })],
  [
    'forgets what it created',
    'none',
    /created shows/,
    () => ({ create: async ({ spec }) => applied(spec) }),
  ],
  [
    'reads another state',
    'none',
    /created shows/,
    ({ provider }) => ({
      read: async (look) => {
        const seen = await provider.read(look)
        return seen === null ? null : { ...seen, state: { size: 1 } }
      },
    }),
  ],
  [
    'makes a second of a name',
    'none',
    /creating what exists/,
    ({ make }) => ({ create: async (call) => make(call) }),
  ],
  [
    'ignores updates',
    'none',
    /an update shows/,
    () => ({ update: async ({ spec }) => applied(spec) }),
  ],
  ['does not delete', 'none', /deleted is gone/, () => ({ delete: async () => applied(null) })],
  [
    'accepts what the API refuses',
    'none',
    /API refuses/,
    () => ({ create: async () => applied(null) }),
  ],
  [
    'rejects for a while what is refused for good',
    'none',
    /API refuses/,
    ({ provider }) => ({
      create: async (call) =>
        call.spec.size < 0 ? rejected('no', { retry_after_ms: 1 }) : provider.create(call),
    }),
  ],
  ['is not natural', 'natural', /natural/, ({ make }) => ({ create: async (call) => make(call) })],
  ['forgets tokens', 'token', /token/, ({ make }) => ({ create: async (call) => make(call) })],
  ['finds nothing', 'lookup', /lookup/, () => ({ find: async () => null })],
  [
    'finds by name',
    'lookup',
    /lookup/,
    ({ provider }) => ({ find: async (call) => provider.read(call) }),
  ],
  ['confirms too late', 'none', /confirm/, () => ({ confirm: async () => 'not_yet' as const })],
  ['ignores the signal', 'none', /aborted/, ({ make }) => ({ create: async (call) => make(call) })],
  ['lists nothing', 'none', /list contains/, () => ({ list: async function* () {} })],
  [
    'tells a secret',
    'none',
    /secret/,
    () => ({
      delete: async ({ secrets }) =>
        rejected(`bad token ${secrets({ secret: 'env', name: 'TOKEN' })}`),
    }),
  ],
]

for (const [what, idempotency, law, mutant] of mutants) {
  t.test(`a provider that ${what} breaks the law for it`, async (t) => {
    const world = memory(idempotency)
    const provider = { ...world.provider, ...mutant(world) }
    const broken = await brokenLaws(provider, harnessOf(world.effects))
    t.ok(
      broken.some((name) => law.test(name)),
      broken.join(' | '),
    )
  })
}

t.test('a dead endpoint that is not told from a lost response breaks a law', async (t) => {
  const { provider, effects } = memory('none')
  const lost = async (): Promise<never> => {
    throw new Error('connection reset')
  }
  const dead = { ...provider, create: lost, update: lost, delete: lost, read: lost }
  t.match(await brokenLaws(provider, harnessOf(effects, { dead })), [/NotSent/])
})
