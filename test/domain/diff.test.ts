import fc from 'fast-check'
import t from 'tap'
import { diffPaths, renderDiff, sameState } from '../../src/domain/diff.ts'
import { globMatches } from '../../src/domain/glob.ts'
import { isJsonObject, type Json } from '../../src/domain/json.ts'

const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)

const shuffled = (value: Json): Json => {
  if (Array.isArray(value)) return value.map((member: Json) => shuffled(member))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, shuffled(member)]),
  )
}

/** The same, with more keys in each object: what an API adds of its own. */
const enriched = (value: Json): Json => {
  if (Array.isArray(value))
    return value.length > 0 && value.every(isJsonObject)
      ? value.map((member: Json) => enriched(member))
      : (value as Json)
  if (!isJsonObject(value)) return value
  const members = Object.entries(value).map(([key, member]) => [key, enriched(member)] as const)
  return Object.fromEntries([...members, ['added by the API', 1] as const])
}

t.test('a state does not differ from itself, whatever the order of its keys', async (t) => {
  fc.assert(
    fc.property(json, (state) => {
      const other = shuffled(state)
      return (
        sameState(state, other) &&
        diffPaths(state, other).length === 0 &&
        renderDiff(state, other).length === 0
      )
    }),
  )
  t.pass()
})

t.test('two states are the same exactly when nothing changes from one to the other', async (t) => {
  fc.assert(fc.property(json, json, (a, b) => sameState(a, b) === (renderDiff(a, b).length === 0)))
  t.pass()
})

t.test('what an API shows beyond what was assumed is no difference', async (t) => {
  fc.assert(fc.property(json, (state) => diffPaths(state, enriched(state)).length === 0))
  t.pass()
})

t.test('a difference names the path, and both sides', async (t) => {
  const assumed = { ttl: 60, records: ['a', 'b'], tags: { role: 'web', team: 'x' } }
  const observed = { ttl: '60', records: ['b', 'a'], tags: { role: 'db', extra: 1 }, id: 7 }
  t.strictSame(diffPaths(assumed, observed), [
    { path: 'ttl', assumed: 60, observed: '60' },
    { path: 'records', assumed: ['a', 'b'], observed: ['b', 'a'] },
    { path: 'tags.role', assumed: 'web', observed: 'db' },
    { path: 'tags.team', assumed: 'x', observed: null },
  ])
})

t.test('lists of objects of one length are compared member by member', async (t) => {
  const rules = [{ port: 80 }, { port: 443 }]
  t.strictSame(
    diffPaths(
      { rules },
      {
        rules: [
          { port: 80, id: 1 },
          { port: 444, id: 2 },
        ],
      },
    ),
    [{ path: 'rules[1].port', assumed: 443, observed: 444 }],
  )
  t.strictSame(diffPaths({ rules }, { rules: [{ port: 80 }] }), [
    { path: 'rules', assumed: rules, observed: [{ port: 80 }] },
  ])
  t.equal(diffPaths({ a: [1, {}] }, { a: [1, { b: 1 }] }).length, 1, 'mixed lists are one value')
})

t.test('null and empty objects that an API leaves out are no difference', async (t) => {
  t.strictSame(diffPaths({ a: null, b: {}, c: { d: null } }, {}), [])
  t.strictSame(diffPaths({ a: [] }, {}), [{ path: 'a', assumed: [], observed: null }])
  t.strictSame(diffPaths({ a: {} }, { a: 5 }), [{ path: 'a', assumed: {}, observed: 5 }])
})

t.test('present against absent is one difference at the whole', async (t) => {
  t.strictSame(diffPaths({ a: 1 }, null), [{ path: '', assumed: { a: 1 }, observed: null }])
  t.strictSame(diffPaths(null, { a: 1 }), [{ path: '', assumed: null, observed: { a: 1 } }])
  t.strictSame(diffPaths(null, null), [])
  t.equal(diffPaths({}, null).length, 1)
})

t.test('members that every object inherits are not observed', async (t) => {
  t.strictSame(diffPaths({ constructor: 'x' }, {}), [
    { path: 'constructor', assumed: 'x', observed: null },
  ])
  t.notOk(sameState({ toString: 1 }, { valueOf: 1 }))
})

t.test('ignored paths do not count, with all that is below them', async (t) => {
  const assumed = { tags: { a: 1, b: { c: 2 } }, rules: [{ id: 1, port: 1 }], x: 1 }
  const observed = { tags: {}, rules: [{ id: 2, port: 1 }], x: 2 }
  const paths = (ignore: readonly string[]): readonly string[] =>
    diffPaths(assumed, observed, { ignore }).map(({ path }) => path)
  t.strictSame(paths([]), ['tags.a', 'tags.b.c', 'rules[0].id', 'x'])
  t.strictSame(paths(['tags.*', 'rules[*].id']), ['x'])
  t.strictSame(paths(['tags', 'rules.0']), ['x'])
  t.strictSame(paths(['**.c', 'x']), ['tags.a', 'rules[0].id'])
  t.strictSame(paths(['*']), [])
  t.strictSame(paths(['**']), [])
  t.strictSame(paths(['tag', 'x.y', '']), ['tags.a', 'tags.b.c', 'rules[0].id', 'x'])
  t.strictSame(renderDiff(assumed, observed, { ignore: ['tags', 'rules'] }), [
    { path: 'x', before: 1, after: 2 },
  ])
})

t.test('a plan tells what is added and what is taken away', async (t) => {
  t.strictSame(renderDiff({ a: 1, b: null }, { b: 2, c: null }), [
    { path: 'a', before: 1 },
    { path: 'b', before: null, after: 2 },
    { path: 'c', after: null },
  ])
  t.strictSame(renderDiff(null, { a: 1 }), [{ path: '', before: null, after: { a: 1 } }])
  t.strictSame(renderDiff({ 'a.b': { c: 1 } }, { 'a.b': { c: 2 } }), [
    { path: '["a.b"].c', before: 1, after: 2 },
  ])
})

t.test('a glob matches as its regular expression would, and hostile ones end', async (t) => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '?')
  const reference = (pattern: string): RegExp =>
    new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.string({ maxLength: 8 }), (glob, text) => {
      const pattern = glob.join('')
      const plain = text.replaceAll(/[^ab]/g, '/')
      return globMatches(pattern, plain) === reference(pattern).test(plain)
    }),
  )
  t.notOk(globMatches('*a'.repeat(2_000), 'a'.repeat(1_999)))
  t.ok(globMatches('acme/*', 'acme/prod/eu'))
})
