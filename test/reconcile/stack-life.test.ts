/**
 * The life of a stack on a cloud that does everything wrong that it can: made, changed, drifted by hand, pruned.
 * After each step the cloud's own state is the file, and its ledger has what the plan said: each effect once,
 * and no other. FOREWORD_STACK_RESOURCES=1000 for the whole of it, which takes minutes (docs/stacks.md).
 */
import t from 'tap'
import type { FaultsInput } from '../../src/cloud/index.ts'
import { sameState } from '../../src/domain/diff.ts'
import { isJsonObject, type Json } from '../../src/domain/json.ts'
import { needsOf, parseResourceKey, refText, resourceKey } from '../../src/domain/reference.ts'
import { planConverge, type PlannedChange } from '../../src/reconcile/plan-converge.ts'
import { eventually } from '../support/eventually.ts'
import { allSettled, cloudWorld, testWorker, type CloudWorld } from '../support/engine.ts'
import {
  apply,
  brokenLaws,
  effectsIn,
  scope,
  thingsIn,
  want,
  type CloudThing,
  type Wanted,
} from '../support/wanting.ts'

const count = Number(process.env['FOREWORD_STACK_RESOURCES'] ?? 10)
const large = count > 200
/** How many of a thousand, of as many as there are. */
const share = (per_1000: number): number => Math.ceil((per_1000 * count) / 1000)
const deadline_ms = large ? 1_200_000 : 200_000

/** All of the faults, as likely as they get; only the times are shorter. */
const faults: FaultsInput = {
  profile: 'hostile',
  // A person is asked after a minute (see `mend`): too long for the small one.
  ...(large ? {} : { build_error: 0 }),
  lag_ms: large ? 500 : 150,
  build_ms: 200,
  delete_ms: 100,
  delay_ms: [0, 50],
  retry_after_s: large ? 1 : 0,
}
const traits = {
  settle_ms: large ? 700 : 250,
  sightings: 3,
  call_timeout_ms: 1_000,
  concurrency: 32,
}
/** Drift is found by the first reconcile after it can be seen, or by the next one. */
const cycles_max = 2

const plural = { network: 'networks', vm: 'vms', ip: 'ips', dns_record: 'dns_records' } as const
const pluralOf = (kind: string): string => plural[kind as keyof typeof plural]

/** Ten at a time: a network; three vms and two ips in it; four records, of which two name an ip. */
const resourceAt = (i: number): Wanted => {
  const group = Math.floor(i / 10)
  const network = { ref: `network/n${group}#id` }
  const octets = `10.${Math.floor(group / 256)}.${group % 256}`
  switch (i % 10) {
    case 0:
      return want('network', `n${group}`, { cidr: `${octets}.0/24` })
    case 1:
    case 2:
      return want('ip', `ip${i}`, { network })
    case 3:
      return want('vm', `vm${i}`, { size: 's', network, ip: { ref: `ip/ip${i - 1}#id` } })
    case 4:
    case 5:
      return want('vm', `vm${i}`, { size: 's', network }, { labels: { role: 'web' } })
    case 6:
    case 7:
      return want(
        'dns_record',
        `r${i}.example.org.`,
        { type: 'A', ttl: 60, records: [{ ref: `ip/ip${i - (i % 10) + 1}#address` }] },
        { needs: [`network/n${group}`] },
      )
    default:
      return want('dns_record', `r${i}.example.org.`, {
        type: 'A',
        ttl: 60,
        records: [`${octets}.${i % 10}`],
      })
  }
}

const isOf = (kind: string, digit: number) => (row: Wanted) =>
  row.kind === kind && Number(/\d+/.exec(row.name)?.[0]) % 10 === digit

/** 100 updates, 50 replacements and 50 deletions for each 1,000, dependents of what is replaced not counted. */
const changed = (rows: readonly Wanted[]) => {
  const [networks, records] = [share(20), share(30)]
  const few = (all: readonly Wanted[], from: number, many: number): ReadonlySet<Wanted> =>
    new Set(all.slice(from, from + many))
  const replaced = new Set([
    ...few(
      rows.filter(({ kind }) => kind === 'network'),
      0,
      networks,
    ),
    ...few(rows.filter(isOf('dns_record', 8)), 0, records),
  ])
  const deleted = few(rows.filter(isOf('dns_record', 9)), 0, share(50))
  const updated = new Set([
    ...few(rows.filter(isOf('vm', 5)), 0, share(50)),
    ...few(rows.filter(isOf('dns_record', 6)), 0, share(50)),
  ])
  const specOf = (row: Wanted): Json => {
    const spec = isJsonObject(row.spec) ? row.spec : {}
    if (replaced.has(row)) {
      return row.kind === 'network'
        ? { cidr: `172.16.${Number(row.name.slice(1)) % 256}.0/24` }
        : { type: 'AAAA', ttl: 60, records: ['2001:db8::1'] }
    }
    if (!updated.has(row)) return spec
    return row.kind === 'vm' ? { ...spec, size: 'm' } : { ...spec, ttl: 90 }
  }
  const now = rows.filter((row) => !deleted.has(row)).map((row) => ({ ...row, spec: specOf(row) }))
  return { now, deleted: [...deleted], counts: { replaced: replaced.size, updated: updated.size } }
}

type Things = Readonly<Record<string, readonly CloudThing[]>>

/** A spec as the cloud would show it. */
const resolvedIn = (things: Things, spec: Json): Json => {
  const text = refText(spec)
  if (text !== undefined) {
    const [key = '', output = ''] = text.split('#')
    const { kind, name } = parseResourceKey(key)
    return things[pluralOf(kind)]?.find((one) => one.name === name)?.[output] ?? null
  }
  if (Array.isArray(spec)) return spec.map((one: Json) => resolvedIn(things, one))
  if (!isJsonObject(spec)) return spec
  return Object.fromEntries(Object.entries(spec).map(([k, v]) => [k, resolvedIn(things, v)]))
}

/** What of the file is not in the cloud as it says, and what is in the cloud and not in the file. */
const strays = async (
  { cloud }: CloudWorld,
  rows: readonly Wanted[],
): Promise<readonly string[]> => {
  const things = await thingsIn(cloud)
  const wanted = new Set(rows.map((row) => `${pluralOf(row.kind)}/${row.name}`))
  const extra = Object.values(plural).flatMap((kind) => {
    const names = (things[kind] ?? []).map(({ name }) => `${kind}/${name}`)
    return names.filter((name, i) => !wanted.has(name) || names.indexOf(name) !== i)
  })
  const missing = rows.filter((row) => {
    const one = things[pluralOf(row.kind)]?.find(({ name }) => name === row.name)
    const spec = resolvedIn(things, row.spec)
    return (
      one === undefined ||
      !isJsonObject(spec) ||
      !Object.entries(spec).every(([key, value]) => sameState(one[key], value))
    )
  })
  return [...extra, ...missing.map(resourceKey)]
}

const halves = ({ verb, kind, name }: Pick<PlannedChange, 'verb' | 'kind' | 'name'>) =>
  (verb === 'replace' ? ['delete', 'create'] : [verb]).map(
    (half) => `${half} ${pluralOf(kind)}/${name}`,
  )

/** The effects since then, as a plan would tell them. */
const effectsSince = async (world: CloudWorld, after: number) => {
  const effects = await effectsIn(world.cloud, after)
  const by_api = effects.filter(({ verb }) => verb !== 'drift')
  return {
    last: effects.at(-1)?.seq ?? after,
    told: by_api.map(({ verb, kind, name }) => `${verb} ${kind}/${name}`).toSorted(),
    intents: new Set(by_api.map(({ intent }) => intent)).size,
  }
}

const byHand = async ({ cloud }: CloudWorld, change: object): Promise<void> => {
  const answer = await fetch(`${cloud.url}/admin/drift`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: scope, ...change }),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

/**
 * A vm that turns ERROR is broken for good, and nobody but a person can mend it: he deletes it at a console, and
 * rules that it was never made.
 */
const mend = async (world: CloudWorld, mended: string[]): Promise<void> => {
  const doubts = await world.engine.sql<{ id: number; name: string }[]>`
    select d.intent_id as id, d.name
    from foreword.doubt d
    where d.waits_for_a_person and d.kind = 'vm' and d.verb = 'create'`
  if (doubts.length === 0) return
  const broken = ((await thingsIn(world.cloud))['vms'] ?? []).filter(
    (vm) => vm['status'] === 'ERROR',
  )
  for (const { id, name } of doubts) {
    const vm = broken.find((one) => one.name === name)
    if (vm === undefined) throw new Error(`vm/${name} is in doubt, and not broken`)
    await byHand(world, { kind: 'vms', id: vm.id, delete: true })
    await world.engine
      .sql`select foreword.resolve(${id}, 'did_not_happen', 'ada', 'broken, and deleted')`
    mended.push(name)
  }
}

/** Waits until nothing is open, and mends what does not end by itself; the intents as they ended. */
const settled = async (world: CloudWorld, mended: string[]) => {
  await eventually(
    'every intent settled',
    async () => {
      await mend(world, mended)
      const [row] = await world.engine.sql<{ open: number }[]>`
        select count(*)::integer as open from foreword.intent where settled_at is null`
      return row?.open === 0
    },
    { deadline_ms },
  )
  return allSettled(world.engine)
}

t.test(
  `${count} resources, made, changed, drifted and pruned, are what the file says`,
  async (t) => {
    t.setTimeout(deadline_ms * 5)
    const world = await cloudWorld(t, { faults, traits })
    const { engine } = world
    await testWorker(t, engine)
    let at = 0
    const took = async (what: string, run: () => Promise<void>): Promise<void> => {
      const began = performance.now()
      await run()
      t.comment(`${what}: ${Math.round((performance.now() - began) / 1000)} s`)
    }
    const planned = async (rows: readonly Wanted[], gone: readonly Wanted[]) => {
      const all = [...rows, ...gone.map((row) => ({ ...row, spec: null, needs: needsOf(row) }))]
      const { changes } = await planConverge(engine.reconcileDeps)(scope, all, all)
      return changes
    }
    const comesTrue = async (rows: readonly Wanted[], changes: readonly PlannedChange[]) => {
      const mended: string[] = []
      const ended = await settled(world, mended)
      t.same(
        ended.filter(({ state }) => state !== 'confirmed'),
        [],
        'all of it came true',
      )
      const effects = await effectsSince(world, at)
      const meant = [...changes.flatMap(halves), ...mended.map((name) => `create vms/${name}`)]
      if (mended.length > 0) t.comment(`broken for good, and ruled on: ${mended.join(', ')}`)
      t.same(effects.told, meant.toSorted(), 'the ledger has what the plan said')
      t.equal(effects.intents, effects.told.length - mended.length, 'each once')
      t.same(await strays(world, rows), [], 'the cloud is what the file says')
      at = effects.last
    }

    const first = Array.from({ length: count }, (_, i) => resourceAt(i))
    await took('made', async () => {
      const changes = await planned(first, [])
      t.equal(changes.length, count)
      await apply(engine, first)
      await comesTrue(first, changes)
    })

    const { now, deleted, counts } = changed(first)
    await took('changed', async () => {
      const changes = await planned(now, deleted)
      const of = (verb: string): number => changes.filter((change) => change.verb === verb).length
      t.equal(of('replace'), counts.replaced)
      t.equal(of('delete'), deleted.length)
      t.ok(of('update') >= counts.updated, 'and those that refer to what is replaced')
      t.comment(`${of('update')} updates, ${of('replace')} replacements, ${of('delete')} deletions`)
      await apply(engine, now, { prune: true })
      await comesTrue(now, changes)
    })

    await took('drifted', async () => {
      const vms = now.filter(isOf('vm', 4)).slice(0, share(25))
      const records = now.filter(isOf('dns_record', 7)).slice(0, share(15))
      const lost = now.filter(isOf('dns_record', 8)).slice(-share(10))
      for (const { name } of vms) await byHand(world, { kind: 'vms', name, set: { size: 'l' } })
      for (const { name } of records)
        await byHand(world, { kind: 'dns_records', name, set: { ttl: 5 } })
      for (const { name } of lost) await byHand(world, { kind: 'dns_records', name, delete: true })
      const made = [...vms, ...records, ...lost].map(resourceKey)
      const shows_at = performance.now() + traits.settle_ms
      await eventually('it can be seen', () => performance.now() > shows_at)
      const drifted = new Set<string>()
      let found = await engine.reconcile({ scope })
      for (let cycle = 1; found.drifted.length > 0 || cycle < cycles_max; cycle++) {
        const { looked, skipped, failed } = found
        t.comment(
          `${looked} looked at, ${found.drifted.length} drifted, ${skipped} busy, ${failed} failed`,
        )
        t.ok(cycle <= cycles_max, 'found at most one cycle after it could be seen')
        for (const key of found.drifted) drifted.add(key)
        await allSettled(engine, deadline_ms)
        found = await engine.reconcile({ scope })
      }
      t.same([...drifted].toSorted(), made.toSorted(), 'and nothing else')
      await comesTrue(now, [
        ...[...vms, ...records].map((row) => ({
          ...row,
          verb: 'update',
          paths: [],
          after: row.spec,
        })),
        ...lost.map((row) => ({ ...row, verb: 'create', paths: [], after: row.spec })),
      ])
    })

    await took('pruned', async () => {
      const changes = await planned([], now)
      t.equal(changes.length, now.length)
      await apply(engine, [], { prune: true })
      await comesTrue([], changes)
    })
    t.same(await brokenLaws(engine), [])
  },
)
