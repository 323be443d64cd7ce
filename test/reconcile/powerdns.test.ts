/**
 * The main job on a real API that is eventually consistent: a zone and 200 record sets at a PowerDNS
 * primary, seen at its secondary; changed by hand; taken away.
 */
import { Resolver } from 'node:dns/promises'
import t from 'tap'
import { powerdns } from '../../src/providers/powerdns.ts'
import { runConverge } from '../../src/reconcile/run-converge.ts'
import { eventually } from '../support/eventually.ts'
import { allSettled, testEngine, testWorker } from '../support/engine.ts'
import { powerdnsIsMissing, startPowerdns, type PowerdnsServer } from '../support/powerdns.ts'

const scope = 'acme/dns'
const zone = 'example.org.'
const records = Array.from({ length: 200 }, (_, i) => ({
  name: `host-${i}.example.org./A`,
  address: `192.0.2.${i % 250}`,
}))

const wanted = [
  {
    kind: 'dns_zone',
    name: zone,
    spec: { nameservers: ['ns1.example.org.'], kind: 'Master' },
    needs: [],
  },
  ...records.map(({ name, address }) => ({
    kind: 'dns_record',
    name,
    spec: { ttl: 60, records: [address] },
    needs: [`dns_zone/${zone}`],
  })),
].map((row) => ({ ...row, scope, stack: 'default', labels: {}, counters: {} }))

const addressAt = async (server: PowerdnsServer, name: string): Promise<readonly string[]> => {
  const resolver = new Resolver({ timeout: 1_000, tries: 3 })
  resolver.setServers([server.dns])
  return resolver.resolve4(name.replace(/\.\/A$/, '')).catch(() => [])
}

t.test(
  'a zone and 200 record sets are made, seen at the secondary, repaired and pruned',
  { skip: powerdnsIsMissing() },
  async (t) => {
    const dns = await startPowerdns()
    t.teardown(() => dns.stop())
    await dns.replicate(zone)
    const { engine } = await testEngine(t, {
      providers: powerdns({ ...dns.primary, secondary: dns.secondary, settle_ms: 3_000 }),
    })
    await testWorker(t, engine)
    const { store } = engine.reconcileDeps
    await store.want(wanted, 'test')
    await runConverge(engine.reconcileDeps)({ scope })
    const made = await allSettled(engine, 120_000)
    t.equal(made.length, 201)
    t.ok(made.every((i) => i.state === 'confirmed'))
    for (const { name, address } of records) {
      t.same(await addressAt(dns.primary, name), [address], `${name} at the primary`)
      t.same(await addressAt(dns.secondary, name), [address], `${name} at the secondary`)
    }
    const again = await runConverge(engine.reconcileDeps)({ scope })
    t.same(again.intents, [], 'converged again: nothing to do')

    await t.test('one record changed by hand is put back by the next run', async (t) => {
      const answer = await dns.request(dns.primary, 'PATCH', `/zones/${zone}`, {
        rrsets: [
          {
            name: 'host-7.example.org.',
            type: 'A',
            ttl: 60,
            changetype: 'REPLACE',
            records: [{ content: '203.0.113.9', disabled: false }],
          },
        ],
      })
      t.equal(answer.status, 204)
      const found = await eventually(
        'a run after the settle window finds it',
        async () => {
          const run = await engine.reconcile({ scope })
          return run.drifted.length > 0 ? run : null
        },
        { deadline_ms: 20_000 },
      )
      t.same(found.drifted, ['dns_record/host-7.example.org./A'])
      t.ok((await allSettled(engine)).every((i) => i.state === 'confirmed'))
      t.same(await addressAt(dns.primary, 'host-7.example.org./A'), ['192.0.2.7'])
      t.match(await engine.sql`select path, observed, resolved_at from foreword.drift_history`, [
        { path: 'records', observed: ['203.0.113.9'], resolved_at: Date },
      ])
    })

    await t.test('what is wanted no more is taken away, records before their zone', async (t) => {
      await store.unwantOthers(scope, 'default', [], 'test')
      await runConverge(engine.reconcileDeps)({ scope })
      const ended = await allSettled(engine, 120_000)
      t.ok(ended.every((i) => i.state === 'confirmed'))
      t.same(await addressAt(dns.primary, 'host-1.example.org./A'), [])
      const answer = await dns.request(dns.primary, 'GET', `/zones/${zone}`)
      t.equal(answer.status, 404)
    })

    await t.test(
      'a zone made again is seen at a secondary that still holds the old one',
      async (t) => {
        await store.want(wanted.slice(0, 2), 'test')
        await runConverge(engine.reconcileDeps)({ scope })
        const ended = await allSettled(engine, 60_000)
        t.same(
          ended.filter((i) => i.state !== 'confirmed'),
          [],
        )
        t.same(await addressAt(dns.secondary, 'host-0.example.org./A'), ['192.0.2.0'])
      },
    )
  },
)
