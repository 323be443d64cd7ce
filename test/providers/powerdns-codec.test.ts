import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { rrsetsOf } from '../../src/providers/powerdns-api.ts'
import { isDnsName, RecordSpec, ZoneSpec } from '../../src/providers/powerdns-codec.ts'
import { setNameOf } from '../../src/providers/powerdns-record.ts'

const decoded = (codec: { decode: (u: unknown) => E.Either<unknown, unknown> }, spec: unknown) => {
  const result = codec.decode(spec)
  return E.isRight(result) ? result.right : 'refused'
}

t.test('specs that mean the same decode to the same', async (t) => {
  t.same(decoded(RecordSpec, { ttl: 60, records: ['10 MX2.example.ORG.', '5 mx1.example.org.'] }), {
    ttl: 60,
    records: ['10 mx2.example.org.', '5 mx1.example.org.'],
  })
  t.same(decoded(RecordSpec, { ttl: 1, records: ['2001:DB8::0:1', '2001:db8:0::1'] }), {
    ttl: 1,
    records: ['2001:db8::1'],
  })
  t.same(decoded(ZoneSpec, { nameservers: ['NS2.a.', 'ns1.a.'], kind: 'Primary' }), {
    nameservers: ['ns1.a.', 'ns2.a.'],
    kind: 'Master',
  })
})

t.test('quoted and encoded contents keep their case', async (t) => {
  for (const content of ['"v=DKIM1; p=MIGfMA0GCSq"', '257 3 13 mdsswUyr3DPW132mOi8V9xES==']) {
    t.same(decoded(RecordSpec, { ttl: 1, records: [content] }), { ttl: 1, records: [content] })
  }
})

t.test('nonsense is refused', async (t) => {
  const wrong: readonly unknown[] = [
    {},
    { ttl: 60 },
    { ttl: 60, records: [] },
    { ttl: 60, records: [7] },
    { ttl: 1.5, records: ['192.0.2.1'] },
    { ttl: 2 ** 31, records: ['192.0.2.1'] },
    { ttl: 60, records: '192.0.2.1' },
    { ttl: 60, records: ['192.0.2.1'], record: 'typo' },
    { ttl: 60, records: ['192.0.2.1'], zone: 'example' },
  ]
  for (const spec of wrong) t.equal(decoded(RecordSpec, spec), 'refused', JSON.stringify(spec))
  const zones: readonly unknown[] = [
    { nameservers: [] },
    { nameservers: ['ns1.example.org'] },
    { nameservers: ['ns1.example.org.'], kind: 'Best' },
    { nameservers: ['ns1.example.org.'], kind: 'Slave', masters: ['192.0.2.1'] },
    { nameservers: [], kind: 'Slave' },
  ]
  for (const spec of zones) t.equal(decoded(ZoneSpec, spec), 'refused', JSON.stringify(spec))
})

t.test('a record set has a name and a type, and only one spelling', async (t) => {
  t.same(setNameOf('www.example.org./A'), { name: 'www.example.org.', type: 'A' })
  t.same(setNameOf('0/25.2.0.192.in-addr.arpa./PTR'), {
    name: '0/25.2.0.192.in-addr.arpa.',
    type: 'PTR',
  })
  for (const name of [
    'www.example.org.',
    'www.example.org/A',
    'WWW.example.org./A',
    'a./a',
    '/A',
    'a..b./A',
  ]) {
    t.equal(setNameOf(name), null, name)
  }
  t.ok(isDnsName('.'))
  t.notOk(isDnsName(`${'a'.repeat(64)}.`))
})

t.test(
  'a comment without records, as PowerDNS 4.7 adds those of others, is no record set',
  async (t) => {
    const comments = [{ content: 'foreword intent=k generation=1', account: 'foreword' }]
    const stub = { name: 'a.test.', type: 'NS', ttl: 0, records: [], comments }
    const records = [{ content: '192.0.2.1', disabled: false }]
    const real = { name: 'WWW.a.test.', type: 'A', ttl: 60, records, comments: [] }
    t.match(rrsetsOf({ rrsets: [stub, real] }), [
      { name: 'www.a.test.', type: 'A', ttl: 60, records },
    ])
    t.equal(rrsetsOf({ rrsets: [stub] }).length, 0)
    t.same(rrsetsOf({}), [])
  },
)
