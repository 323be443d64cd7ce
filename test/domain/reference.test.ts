import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import type { Json } from '../../src/domain/json.ts'
import {
  malformedReferencesOf,
  needsOf,
  parseReference,
  referencesOf,
  resolveReferences,
  type Referable,
} from '../../src/domain/reference.ts'

const world: { readonly [key: string]: Referable } = {
  'ip/web-1': {
    external_id: 'ip-77',
    outputs: { address: '192.0.2.1', ports: [{ mac: 'aa' }], building: null, deep: { id: 9 } },
  },
  'dns_record/www.example.org./A': { external_id: null, outputs: {} },
}
const lookup = (kind: string, name: string): Referable | undefined => world[`${kind}/${name}`]

t.test('a reference has a kind, a name that may hold slashes and #, and an output', async (t) => {
  t.strictSame(
    parseReference('dns_record/www.example.org./A#a.b.0'),
    E.right({ kind: 'dns_record', name: 'www.example.org./A', output: ['a', 'b', '0'] }),
  )
  t.strictSame(parseReference('vm/a#b#id'), E.right({ kind: 'vm', name: 'a#b', output: ['id'] }))
})

t.test('what is no reference is refused with the text in question', async (t) => {
  for (const text of [
    '',
    '#',
    'a',
    'a/b',
    'a/b#',
    '/b#c',
    'a/#c',
    'a#c',
    'a/b#c..d',
    'a/b#.c',
    'a b/c#d',
    'a/b\n#c',
    'a/\ud800#c',
  ]) {
    const parsed = parseReference(text)
    t.ok(E.isLeft(parsed), text)
    if (E.isLeft(parsed)) t.match(parsed.left, 'KIND/NAME#OUTPUT')
    t.equal(malformedReferencesOf({ x: [{ ref: text }] }).length, 1)
    t.strictSame(referencesOf({ ref: text }), [])
  }
})

t.test('references are found wherever they stand, in the order of the text', async (t) => {
  const spec = { a: { ref: 'ip/web-1#address' }, b: [1, { c: { ref: 'vm/x#id' } }] }
  t.strictSame(referencesOf(spec), [
    { kind: 'ip', name: 'web-1', output: ['address'], keys: ['a'] },
    { kind: 'vm', name: 'x', output: ['id'], keys: ['b', 1, 'c'] },
  ])
  t.strictSame(needsOf({ needs: ['vm/x', 'net/n'], spec }), ['vm/x', 'net/n', 'ip/web-1'])
})

t.test('an object with more than ref, or with another ref than a text, is a value', async (t) => {
  const spec = { a: { ref: 'ip/web-1#address', more: 1 }, b: { ref: 5 }, c: 'ip/web-1#address' }
  t.strictSame(referencesOf(spec), [])
  t.strictSame(resolveReferences(spec, lookup), E.right(spec))
})

t.test('a reference is replaced by what it refers to', async (t) => {
  const spec = {
    address: { ref: 'ip/web-1#address' },
    list: [{ ref: 'ip/web-1#id' }, { ref: 'ip/web-1#ports.0.mac' }, { ref: 'ip/web-1#deep.id' }],
    whole: { ref: 'ip/web-1#ports' },
  }
  t.strictSame(
    resolveReferences(spec, lookup),
    E.right({ address: '192.0.2.1', list: ['ip-77', 'aa', 9], whole: [{ mac: 'aa' }] }),
  )
})

t.test('everything that is missing is told, and nothing is resolved in part', async (t) => {
  const resolved = resolveReferences(
    {
      a: { ref: 'ip/web-2#address' },
      b: [{ ref: 'ip/web-1#building' }, { ref: 'dns_record/www.example.org./A#id' }],
      c: { ref: 'ip/web-1#address.constructor' },
      d: { ref: 'ip/web-1#__proto__' },
      e: { ref: 'ip/web-1#ports.length' },
      f: { ref: 'nonsense' },
      g: { ref: 'ip/web-1#address' },
    },
    lookup,
  )
  t.ok(E.isLeft(resolved))
  if (E.isLeft(resolved))
    t.strictSame(
      resolved.left.map(({ path, reason }) => `${path}: ${reason}`),
      [
        'a: ip/web-2 is not known',
        'b[0]: ip/web-1 has no output building yet',
        'b[1]: dns_record/www.example.org./A has no external id yet',
        'c: ip/web-1 has no output address.constructor yet',
        'd: ip/web-1 has no output __proto__ yet',
        'e: ip/web-1 has no output ports.length yet',
        'f: expected a reference KIND/NAME#OUTPUT, got "nonsense"',
      ],
    )
})

t.test('a spec without references comes back as it was', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const spec = JSON.parse(JSON.stringify(value)) as Json
      if (malformedReferencesOf(spec).length > 0) return true
      const resolved = resolveReferences(spec, () => undefined)
      return E.isRight(resolved) && JSON.stringify(resolved.right) === JSON.stringify(spec)
    }),
  )
  t.pass()
})
