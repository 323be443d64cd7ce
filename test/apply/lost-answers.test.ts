/**
 * A third of all answers lost, after the effect: with a provider that nobody can ask exactly those calls
 * wait for a person, and rulings settle them; with PowerDNS, which can be asked, nobody is asked at all.
 */
import t, { type Test } from 'tap'
import { create, remove, update, type IntentDraft } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { powerdns } from '../../src/providers/powerdns.ts'
import {
  allSettled,
  cloudWorld,
  engineOn,
  ledgerOf,
  testEngine,
  testWorker,
} from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { lossyProxy, type Passed } from '../support/lossy-proxy.ts'
import { powerdnsIsMissing, startPowerdns } from '../support/powerdns.ts'
import { say } from '../support/scripted-provider.ts'
import { quick, testConfig } from '../support/settings.ts'

const scope = 'acme'

const isWrite = ({ method }: { readonly method?: string | undefined }): boolean => method !== 'GET'

/** Everybody is through, or waits for a person; the keys of the calls that are waited for, and why. */
const parkedKeys = async (
  engine: Engine,
): Promise<readonly { readonly key: string; readonly answered: string }[]> => {
  await eventually(
    'nothing goes on by itself',
    async () => {
      const moving = await engine.sql`
        select from foreword.intent
        where settled_at is null and not (state = 'in_doubt' and due_at is null)`
      return moving.length === 0
    },
    { deadline_ms: 60_000 },
  )
  return await engine.sql<{ key: string; answered: string }[]>`
    select
      sent ->> 'idempotency_key' as key,
      answered
    from foreword.doubt
    where waits_for_a_person`
}

const keysLost = (passed: readonly Passed[], from: number): readonly string[] =>
  passed
    .slice(from)
    .filter(({ lost }) => lost !== null)
    .map(({ headers }) => String(headers['x-intent']))
    .toSorted()

/** A person who looks into the cloud's own ledger, and rules by one statement of SQL. */
const ruleByTruth = async (engine: Engine, happened: readonly string[]): Promise<void> => {
  await engine.sql`
    select foreword.resolve(
      d.intent_id,
      case
        when d.sent ->> 'idempotency_key' = any (${[...happened]}::text[]) then 'happened'
        else 'did_not_happen'
      end,
      'ada',
      'looked up in the ledger of the cloud'
    )
    from foreword.doubt d
    where d.waits_for_a_person`
}

const ledgerKeys = async (cloud: string): Promise<readonly string[]> => {
  const answer = await fetch(`${cloud}/admin/ledger`)
  return ((await answer.json()) as { readonly intent: string }[]).map(({ intent }) => intent)
}

t.test(
  'nobody can be asked: what was lost is parked, and nothing else; rulings settle it',
  async (t) => {
    const { cloud, url } = await cloudWorld(t)
    const proxy = await lossyProxy(t, cloud.url, { cuts: isWrite, response: 0.3, request: 0.1 })
    const providers = simulatedCloud({
      url: proxy.url,
      // No call may end by its time: what the machine held up would be parked too, and rightly.
      traits: { ...quick, idempotency: 'none', concurrency: 8, call_timeout_ms: 60_000 },
    })
    const engine = engineOn(t, url, testConfig(url, { providers }))
    await testWorker(t, engine)
    const vms = Array.from({ length: 40 }, (_, i) => `vm-${i}`)
    const rounds: readonly ((name: string) => IntentDraft)[] = [
      (name) => create('vm', name, { size: 's' }),
      (name) => update('vm', name, { size: 'm' }),
      (name) => remove('vm', name),
    ]
    let from = 0
    for (const draft of rounds) {
      await engine.decide(say, { scope, input: { drafts: vms.map(draft) } })
      for (let waiting = true; waiting;) {
        const parked = await parkedKeys(engine)
        t.same(
          parked.map(({ key }) => key).toSorted(),
          keysLost(proxy.passed, from),
          `parked are the ${parked.length} that were lost`,
          { parked },
        )
        waiting = parked.length > 0
        from = proxy.passed.length
        await ruleByTruth(engine, await ledgerKeys(cloud.url))
      }
    }
    const intents = await allSettled(engine)
    t.equal(intents.length, 120)
    t.ok(intents.every((i) => i.state === 'confirmed'))
    t.match(await ledgerOf(cloud), { effects: 120, distinct_intents: 120, max: 1 })
    const [row] = await engine.sql<{ happened: number; did_not_happen: number }[]>`
    select
      count(*) filter (where ruling = 'happened')::integer as happened,
      count(*) filter (where ruling = 'did_not_happen')::integer as did_not_happen
    from foreword.ruling`
    t.comment(row)
    t.ok((row?.happened ?? 0) > 20 && (row?.did_not_happen ?? 0) > 5, 'both were ruled')
  },
)

const zones = Array.from({ length: 20 }, (_, i) => `zone-${i}.example.`)
const records = zones.flatMap((zone) => Array.from({ length: 10 }, (_, i) => `host-${i}.${zone}/A`))

const dnsDrafts = (): readonly IntentDraft[] => [
  ...zones.map((zone) =>
    create('dns_zone', zone, { nameservers: ['ns1.example.'], kind: 'Native' }),
  ),
  ...records.map((name) =>
    create(
      'dns_record',
      name,
      { ttl: 60, records: ['192.0.2.1'] },
      { needs: [`dns_zone/${name.replace(/^host-\d+\./, '').replace('/A', '')}`] },
    ),
  ),
]

const dnsIsThere = async (t: Test, dns: Awaited<ReturnType<typeof startPowerdns>>) => {
  let seen = 0
  for (const zone of zones) {
    const answer = await dns.request(dns.primary, 'GET', `/zones/${zone}`)
    const { rrsets } = (await answer.json()) as { rrsets: { type: string }[] }
    seen += rrsets.filter(({ type }) => type === 'A').length
  }
  t.equal(seen, records.length, 'every record set is in its zone')
}

t.test(
  'PowerDNS can be asked: 20 zones and 200 record sets settle, and no person is asked',
  { skip: powerdnsIsMissing() },
  async (t) => {
    const dns = await startPowerdns()
    t.teardown(() => dns.stop())
    const proxy = await lossyProxy(t, dns.primary.url, { cuts: isWrite, response: 0.3 })
    const { engine } = await testEngine(t, {
      providers: powerdns({ url: proxy.url, api_key: dns.primary.api_key }),
    })
    await testWorker(t, engine)
    await engine.decide(say, { scope, input: { drafts: dnsDrafts() } })
    const intents = await allSettled(engine, 120_000)
    t.equal(intents.length, 220)
    t.same(
      intents.filter((i) => i.state !== 'confirmed'),
      [],
    )
    const lost = proxy.passed.filter(({ lost }) => lost !== null)
    t.comment({ requests: proxy.passed.length, lost: lost.length })
    t.ok(lost.some(({ path }) => path.endsWith('/zones')) && lost.length > 30, 'answers were lost')
    const made = proxy.passed.filter(
      ({ method, path, status }) => method === 'POST' && path.endsWith('/zones') && status === 201,
    )
    t.equal(made.length, zones.length, 'each zone was made once')
    t.same(await engine.sql`select from foreword.ruling`, [])
    const [row] = await engine.sql<{ doubted: number }[]>`
      select count(*)::integer as doubted from foreword.attempt where outcome = 'in_doubt'`
    t.ok((row?.doubted ?? 0) > 30, 'and their outcomes were in doubt')
    await dnsIsThere(t, dns)
  },
)
