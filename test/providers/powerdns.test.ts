import t from 'tap'
import { defaultTraits, NotSent, type AnyProvider, type Secret } from '../../src/domain/provider.ts'
import { conformance } from '../../src/providers/conformance.ts'
import { powerdns, type PowerdnsOptions } from '../../src/providers/powerdns.ts'
import { powerdnsIsMissing, startPowerdns, type Powerdns } from '../support/powerdns.ts'
import { callOf, deadUrl, look } from './support.ts'

const providers = (options: PowerdnsOptions): { zone: AnyProvider; record: AnyProvider } => {
  const [zone, record] = powerdns(options)
  if (zone === undefined || record === undefined) throw new Error('two providers are expected')
  return { zone, record }
}

const key = { secret: 'env', name: 'PDNS' } as const
const skip = powerdnsIsMissing()

t.test('powerdns', { skip }, async (t) => {
  const pdns: Powerdns = await startPowerdns()
  t.teardown(() => pdns.stop())
  const real = (reference: Secret | string) =>
    typeof reference === 'string' ? reference : pdns.primary.api_key
  const own = { url: pdns.primary.url, api_key: key }
  const { zone, record } = providers(own)
  const dead = providers({ url: await deadUrl(), api_key: key })
  const make = async (name: string, nameservers = [`ns1.${name}`]) =>
    zone.create(callOf('create', { nameservers }, { name, secrets: real }))

  t.test('zones keep every law', async (t) => {
    const harness = {
      scope: 'acme/prod',
      name: (n: number) => `zone-${n}.test.`,
      spec: (n: number) => ({ nameservers: [`ns${n}.Example.test.`, 'a.example.test.'] }),
      bad_spec: { nameservers: ['not absolute'] },
      refused: { name: 'Not-A-Zone', spec: { nameservers: ['ns1.example.test.'] } },
      secrets: real,
      dead: dead.zone,
    }
    for (const { law, check } of conformance(zone, harness)) t.test(law, check)
  })

  t.test('record sets keep every law', async (t) => {
    await make('laws.test.')
    const harness = {
      scope: 'acme/prod',
      name: (n: number) => `r${n}.laws.test./A`,
      spec: (n: number) => ({ ttl: 60 + n, records: ['192.0.2.9', `192.0.2.${n}`] }),
      bad_spec: { ttl: -1, records: [] },
      refused: { name: 'x.laws.test./A', spec: { ttl: 60, records: ['300.1.1.1'] } },
      secrets: real,
      dead: dead.record,
    }
    for (const { law, check } of conformance(record, harness)) t.test(law, check)
  })

  t.test('a zone that someone else made is not taken over', async (t) => {
    await pdns.request(pdns.primary, 'POST', '/zones', {
      name: 'theirs.test.',
      kind: 'Native',
      account: 'bob',
      nameservers: ['ns1.theirs.test.'],
    })
    const outcome = await make('theirs.test.')
    t.match(outcome, { type: 'rejected', reason: /account "bob"/ })
    t.notMatch(outcome, { retry_after_ms: Number })
  })

  t.test('a create whose answer was lost is recognised when it is made again', async (t) => {
    const call = callOf(
      'create',
      { nameservers: ['ns1.again.test.'] },
      { name: 'again.test.', secrets: real },
    )
    t.match(await zone.create(call), { type: 'applied', external_id: 'again.test.' })
    t.match(await zone.create(call), { type: 'applied', external_id: 'again.test.' })
    t.match(await zone.create({ ...call, idempotency_key: 'another' }), { type: 'rejected' })
  })

  t.test(
    'a record set goes into the longest zone that holds its name, a DS set above it',
    async (t) => {
      await make('deep.test.')
      await make('sub.deep.test.')
      const spec = { ttl: 60, records: ['192.0.2.1'] }
      const put = async (name: string, over = {}) =>
        record.create(callOf('create', { ...spec, ...over }, { name, secrets: real }))
      t.match(await put('www.deep.test./A'), { outputs: { zone: 'deep.test.' } })
      t.match(await put('www.sub.deep.test./A'), { outputs: { zone: 'sub.deep.test.' } })
      const digest = '1 8 2 ' + 'ab'.repeat(32)
      t.match(await put('sub.deep.test./DS', { records: [digest] }), {
        outputs: { zone: 'deep.test.' },
      })
      t.match(await put('www.nowhere.example./A'), { type: 'rejected', reason: /no zone/ })
      t.match(await put('WWW.deep.test./A'), { type: 'rejected', reason: /lower case/ })
      await make('www2.deep.test.')
      t.match(
        await put('www2.deep.test./A'),
        { outputs: { zone: 'www2.deep.test.' } },
        'a zone made since is known at once',
      )
    },
  )

  t.test('order, letter case and spelling of addresses are no drift', async (t) => {
    await make('spelling.test.')
    const sets: readonly (readonly [string, readonly string[]])[] = [
      ['six.spelling.test./AAAA', ['2001:DB8:0::2', '2001:db8::1']],
      ['name.spelling.test./CNAME', ['Target.Example.Test.']],
      ['mail.spelling.test./MX', ['20 b.example.test.', '10 A.example.test.']],
      ['text.spelling.test./TXT', ['"b Case"', '"A"']],
    ]
    for (const [name, records] of sets) {
      const decoded = record.spec.decode({ ttl: 60, records })
      if (decoded._tag === 'Left') throw new Error(`${name} is refused`)
      const outcome = await record.create(callOf('create', decoded.right, { name, secrets: real }))
      t.equal(outcome.type, 'applied', name)
      const seen = await record.read(look({ name, secrets: real }))
      t.same(
        seen?.state,
        { ...(decoded.right as object), disabled: false, zone: 'spelling.test.' },
        name,
      )
    }
  })

  t.test('what was changed by hand shows as another state', async (t) => {
    await make('hand.test.')
    const name = 'www.hand.test./A'
    await record.create(
      callOf('create', { ttl: 60, records: ['192.0.2.1'] }, { name, secrets: real }),
    )
    const records = [
      { content: '192.0.2.7', disabled: false },
      { content: '192.0.2.8', disabled: true },
    ]
    const rrset = { name: 'www.hand.test.', type: 'A', ttl: 5, changetype: 'REPLACE', records }
    await pdns.request(pdns.primary, 'PATCH', '/zones/hand.test.', { rrsets: [rrset] })
    const seen = await record.read(look({ name, secrets: real }))
    t.same(seen?.state, { ttl: 5, records: ['192.0.2.7'], disabled: false, zone: 'hand.test.' })
  })

  t.test('a name with a slash and a name with a wildcard are names like others', async (t) => {
    await make('0/25.2.0.192.in-addr.arpa.', ['ns1.example.test.'])
    const names = ['1.0/25.2.0.192.in-addr.arpa./PTR', '*.0/25.2.0.192.in-addr.arpa./PTR']
    for (const name of names) {
      const spec = { ttl: 60, records: ['host.example.test.'] }
      const outcome = await record.create(callOf('create', spec, { name, secrets: real }))
      t.match(outcome, { type: 'applied' }, name)
      t.match(await record.read(look({ name, secrets: real })), { state: spec }, name)
    }
  })

  t.test('a list leaves out what a zone made itself', async (t) => {
    await make('list.test.')
    const names = []
    for await (const { name } of record.list?.(look({ secrets: real })) ?? []) names.push(name)
    t.notOk(names.some((name) => name.endsWith('/SOA') || name === 'list.test./NS'))
    t.ok(names.includes('www.hand.test./A'))
  })

  t.test('a wrong key is refused for good, and named nowhere', async (t) => {
    const { zone } = providers({ url: pdns.primary.url, api_key: 'a-wrong-key' })
    const outcome = await zone.create(
      callOf('create', { nameservers: ['ns1.x.test.'] }, { name: 'x.test.' }),
    )
    t.match(outcome, { type: 'rejected', reason: /401/ })
    t.notMatch(JSON.stringify(outcome), /a-wrong-key/)
  })

  t.test('a write whose zone cannot be looked up was not sent', async (t) => {
    const call = callOf(
      'create',
      { ttl: 1, records: ['192.0.2.1'] },
      { name: 'www.x.test./A', secrets: real },
    )
    await t.rejects(dead.record.create(call), NotSent)
  })

  for (const by of ['http', 'dns'] as const) {
    t.test(`a secondary asked by ${by} confirms only what it shows`, async (t) => {
      const name = `${by}.test.`
      const confirming = providers({
        ...own,
        secondary: by === 'dns' ? { dns: pdns.secondary.dns } : pdns.secondary,
      })
      t.equal(confirming.record.traits.sightings, 1)
      t.equal(record.traits.sightings, 0)
      t.equal(record.traits.concurrency < defaultTraits.concurrency, true)
      const spec = { nameservers: [`ns1.${name}`], kind: 'Master' as const }
      const zone_call = callOf('create', spec, { name, secrets: real })
      await confirming.zone.create(zone_call)
      t.equal(
        await confirming.zone.confirm?.(zone_call),
        'not_yet',
        'the secondary has no such zone',
      )
      await pdns.replicate(name)
      const shown = async (confirm: () => Promise<string> | undefined) => {
        const until = Date.now() + 20_000
        while ((await confirm()) !== 'shown') {
          if (Date.now() > until) return false
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        return true
      }
      t.ok(await shown(() => confirming.zone.confirm?.(zone_call)), 'then it has')
      const harness = {
        scope: 'acme/prod',
        name: (n: number) => `r${n}.${name}/A`,
        spec: (n: number) => ({ ttl: 60, records: [`192.0.2.${n}`] }),
        bad_spec: {},
        secrets: real,
        dead: dead.record,
      }
      const law = conformance(confirming.record, harness).find(({ law }) =>
        law.startsWith('confirm'),
      )
      await law?.check()
      t.ok(law, 'record sets are confirmed after each verb')
      const caa = callOf(
        'create',
        { ttl: 60, records: ['0 issue "ca.example.test"'] },
        { name: `${name}/CAA`, secrets: real },
      )
      t.match(await confirming.record.create(caa), { type: 'applied' })
      t.ok(
        await shown(() => confirming.record.confirm?.(caa)),
        'so are types that DNS clients are not asked for',
      )
    })
  }
})
