import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import * as io from 'io-ts'
import t from 'tap'
import { formatErrors, Json, json_depth_max, Stack } from '../../src/domain/codec/codec.ts'
import { droppedKeysOf, unknownKeysOf } from '../../src/domain/codec/dropped.ts'
import { nearest } from '../../src/domain/codec/nearest.ts'
import { sameState } from '../../src/domain/diff.ts'

const sentences = (decoded: E.Either<io.Errors, unknown>): readonly string[] =>
  E.isRight(decoded)
    ? []
    : formatErrors(decoded.left).map(({ path, message }) =>
        path === '' ? message : `${path}: ${message}`,
      )

const resource = { kind: 'vm', name: 'web-1', spec: { size: 'm' } }
const stackWith = (change: object): readonly string[] =>
  sentences(Stack.decode({ scope: 'acme/prod', resources: [resource], ...change }))
const resourceWith = (change: object): readonly string[] =>
  stackWith({ resources: [resource, { ...resource, ...change }] })

t.test('a name that YAML reads as something else belongs in quotes', (t) => {
  const remedies = (change: object): readonly string[] => {
    const decoded = Stack.decode({ scope: 'acme/prod', resources: [resource], ...change })
    return E.isRight(decoded) ? [] : formatErrors(decoded.left).map(({ remedy }) => remedy)
  }
  t.same(remedies({ scope: 5 }), ['put it in quotes: "5"'])
  for (const odd of [5, true]) {
    for (const part of ['name', 'kind']) {
      const told = remedies({ resources: [{ ...resource, [part]: odd }] })
      t.same(told, [`put it in quotes: "${odd}"`], part)
    }
  }
  t.match(remedies({ scope: [] }), [/use letters/])
  t.end()
})

t.test('every JSON value passes as it is', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const decoded = Json.decode(value)
      const hostile = /\\u0000|\\ud[89a-f]|__proto__/.test(JSON.stringify(value))
      return hostile || (E.isRight(decoded) && sameState(decoded.right, Json.encode(decoded.right)))
    }),
  )
  t.pass()
})

t.test('what jsonb cannot hold is refused with its place', async (t) => {
  const depth = (levels: number): unknown => (levels === 0 ? 1 : [depth(levels - 1)])
  t.strictSame(sentences(Json.decode({ a: [1, NaN, { b: Infinity }] })), [
    'a[1]: expected a finite number, got NaN',
    'a[2].b: expected a finite number, got Infinity',
  ])
  t.match(sentences(Json.decode({ a: 'x\u0000' }))[0], /^a: contains the character \\u0000/)
  t.match(sentences(Json.decode(['\ud800x']))[0], /^\[0\]: contains half a character/)
  t.match(sentences(Json.decode({ 'k\u0000': 1 }))[0], /: the key contains the character \\u0000/)
  t.match(sentences(Json.decode({ '\udc00': 1 }))[0], /: the key contains half a character/)
  t.match(
    sentences(Json.decode(JSON.parse('{"a":{"__proto__":{"x":1}}}')))[0],
    /a\.__proto__: the key is no key/,
  )
  t.strictSame(sentences(Json.decode({ a: undefined })), ['a: expected a JSON value, got nothing'])
  t.strictSame(sentences(Json.decode({ a: 1n })), ['a: expected a JSON value, got bigint'])
  t.strictSame(sentences(Json.decode({ a: new Date(0) })), ['a: expected a JSON value, got Date'])
  t.strictSame(sentences(Json.decode(new Map())), ['expected a JSON value, got Map'])
  t.strictSame(sentences(Json.decode([() => 1])), ['[0]: expected a JSON value, got function'])
  // eslint-disable-next-line no-sparse-arrays -- the hole is the case.
  t.strictSame(sentences(Json.decode([, 1])), ['[0]: expected a JSON value, got nothing'])
  t.strictSame(sentences(Json.decode(depth(json_depth_max))), [])
  t.match(sentences(Json.decode(depth(json_depth_max + 1)))[0], /nested deeper than 64/)
  const ring: unknown[] = []
  ring.push(ring)
  t.match(sentences(Json.decode(ring))[0], /nested deeper than 64/)
  t.equal(sentences(Json.decode(Array(5_000).fill(NaN))).length, 20, 'not thousands of lines')
})

t.test('a value that shares its parts without end is refused, not walked for ever', async (t) => {
  let twice: unknown = 1
  for (let level = 0; level < 60; level++) twice = [twice, twice]
  t.match(sentences(Json.decode(twice)), ['holds more than 1000000 values'])
})

t.test('a stack comes out complete', async (t) => {
  t.strictSame(
    Stack.decode({ scope: 'acme/prod', resources: [resource] }),
    E.right({
      scope: 'acme/prod',
      stack: 'default',
      resources: [{ ...resource, needs: [], labels: {}, counters: {}, lifecycle: {} }],
    }),
  )
  t.ok(E.isRight(Stack.decode({ scope: 's', stack: 'mine', resources: [] })))
})

t.test('an unknown key is an error that names the nearest known one', async (t) => {
  t.strictSame(resourceWith({ lables: {} }), [
    'resources[1].lables: unknown key "lables", the nearest known one is "labels"',
  ])
  t.match(stackWith({ resource: [] })[0], /^resource: unknown key "resource".*"resources"/)
  t.match(resourceWith(JSON.parse('{"a b": 1}') as object)[0], /^resources\[1\]\["a b"\]: unknown/)
  t.match(stackWith(JSON.parse('{"toString": 1}') as object)[0], /unknown key "toString"/)
  t.equal(nearest('NAME', ['kind', 'name']), 'name')
  t.equal(nearest('x'.repeat(1_000_000), ['kind', 'name']), 'kind')
})

t.test('names are names', async (t) => {
  t.match(stackWith({ scope: '' })[0], 'scope: a scope may not be empty')
  t.match(stackWith({ scope: 'a b' })[0], 'scope: a scope may not contain " ", got "a b"')
  t.match(stackWith({ scope: 'ä' })[0], 'scope: a scope may not contain')
  t.match(stackWith({ scope: 's'.repeat(513) })[0], 'at most 512 characters, this has 513')
  t.match(stackWith({ scope: undefined })[0], 'scope: is missing, expected a scope')
  t.match(resourceWith({ kind: 'a/b' })[0], 'resources[1].kind: a kind may not contain "/"')
  t.match(resourceWith({ name: 'a\nb' })[0], 'control characters')
  t.match(resourceWith({ name: '\u009b31m' })[0], 'control characters')
  t.match(resourceWith({ name: '\ud800' })[0], 'half a character')
  t.match(resourceWith({ name: 5 })[0], 'resources[1].name: expected a name, got 5')
  t.strictSame(resourceWith({ name: '*.example.org./A 日本' }), [])
})

t.test('needs, labels, counters and spec are what they are for', async (t) => {
  t.strictSame(resourceWith({ needs: ['dns_zone/example.org./A'] }), [])
  for (const need of ['', 'x', '/x', 'x/', 'a b/c', 'a/b\u0000'])
    t.equal(resourceWith({ needs: [need] }).length, 1, JSON.stringify(need))
  t.match(resourceWith({ needs: 'a/b' })[0], 'needs: expected a list, got "a/b"')
  t.match(resourceWith({ needs: ['a/b', 1] })[0], 'needs[1]: expected KIND/NAME, got 1')
  t.match(resourceWith({ labels: { v: 1 } })[0], 'labels.v: expected a string, got 1')
  t.match(resourceWith({ labels: { '': 'x' } })[0], 'a name may not be empty')
  t.match(
    resourceWith({ labels: { v: '😀'.repeat(513) } })[0],
    'labels.v: the value of a label may have at most 512 characters, this has 513',
  )
  t.strictSame(resourceWith({ labels: { v: '😀'.repeat(512) } }), [])
  t.match(resourceWith({ labels: [] })[0], 'labels: expected an object, got a list')
  t.match(resourceWith({ labels: { v: 'x\u0000' } })[0], 'labels.v: contains the character')
  t.equal(resourceWith({ labels: JSON.parse('{"__proto__":"x"}') as object }).length, 1)
  t.match(resourceWith({ counters: { c: 1.5 } })[0], 'counters.c: expected a whole number, got 1.5')
  t.match(resourceWith({ counters: { c: 2 ** 53 } })[0], 'expected a whole number')
  t.match(resourceWith({ spec: null })[0], 'spec: expected the state that shall be, got null')
  t.match(resourceWith({ spec: undefined })[0], 'spec: is missing')
  t.match(resourceWith({ spec: { a: [NaN] } })[0], 'resources[1].spec.a[0]: expected a finite')
})

t.test('what is no stack at all is told once', async (t) => {
  for (const value of [null, undefined, 1, 'x', [], [resource]])
    t.equal(sentences(Stack.decode(value)).length, 1)
  t.strictSame(sentences(Stack.decode([])), ['expected an object, got a list'])
})

t.test('of a union the branch that fits best speaks, once', async (t) => {
  const Rule = io.union([
    io.type({ type: io.literal('a'), port: io.number }),
    io.type({ type: io.literal('b'), host: io.string }),
  ])
  const Loose = io.union([io.string, io.type({ at: io.number }), io.null])
  t.strictSame(sentences(Rule.decode({ type: 'b', host: 1 })), ['host: expected a string, got 1'])
  t.strictSame(sentences(Loose.decode(true)), ['expected a string or an object or null, got true'])
  t.strictSame(sentences(io.array(Loose).decode(['x', { at: 'y' }])), [
    '[1].at: expected a number, got "y"',
  ])
  const Untagged = io.union([
    io.array(io.type({ type: io.literal('a') })),
    io.array(io.type({ type: io.literal('b'), host: io.string })),
  ])
  t.strictSame(
    sentences(Untagged.decode([{ type: 'b', host: 1 }])),
    ['[0].host: expected a string, got 1'],
    'a branch that is of another type does not speak, though less is wrong with it',
  )
  const Both = io.intersection([io.type({ a: io.number }), io.partial({ b: io.string })])
  t.strictSame(sentences(Both.decode({ a: 'x', b: 1 })), [
    'a: expected a number, got "x"',
    'b: expected a string, got 1',
  ])
  t.strictSame(sentences(io.exact(Both).decode(5)), ['expected an object, got 5'])
  t.strictSame(sentences(io.readonly(Loose).decode(1)).length, 1)
})

t.test('sentences have none of the insides of io-ts', async (t) => {
  interface Tree {
    readonly next: Tree | null
  }
  const Tree: io.Type<Tree> = io.recursion('Tree', () =>
    io.type({ next: io.union([Tree, io.null]) }),
  )
  const Short = io.refinement(io.string, (text) => text.length < 3)
  const found = sentences(
    io
      .type({
        int: io.Int,
        text: io.Int,
        short: Short,
        one: io.keyof({ x: null, y: null }),
        exactly: io.literal('z'),
        map: io.record(io.string, io.number),
        pair: io.tuple([io.string, io.number]),
        tree: Tree,
        long: io.number,
      })
      .decode({
        int: 1.5,
        text: 'x',
        short: 'long',
        one: 'q',
        exactly: 'y',
        map: { 'a.b': 'x' },
        pair: ['x', 'y'],
        tree: { next: { next: 5 } },
        long: 'l'.repeat(100),
      }),
  )
  t.strictSame(found, [
    'int: expected a whole number, got 1.5',
    'text: expected a number, got "x"',
    'short: expected a valid string, got "long"',
    'one: expected one of "x", "y", got "q"',
    'exactly: expected "z", got "y"',
    'map["a.b"]: expected a number, got "x"',
    'pair[1]: expected a number, got "y"',
    'tree.next.next: expected an object or null, got 5',
    `long: expected a number, got "${'l'.repeat(60)}"…`,
  ])
})

t.test('a key that a codec would drop in silence is found', async (t) => {
  const Spec = io.exact(
    io.intersection([
      io.type({ ttl: io.number, parts: io.array(io.strict({ a: io.number })) }),
      io.partial({ note: io.string }),
    ]),
  )
  const spec = { ttl: 1, tttl: 2, parts: [{ a: 1, b: 2 }], nota: null }
  const kept = Spec.encode(E.getOrElseW(() => ({ ttl: 0, parts: [] }))(Spec.decode(spec)))
  t.strictSame(
    droppedKeysOf(Spec, spec, kept as never).map(({ path }) => path),
    ['tttl', 'parts[0].b'],
  )
  t.strictSame(
    unknownKeysOf(Spec, spec).map(({ message }) => message),
    [
      'unknown key "tttl", the nearest known one is "ttl"',
      'unknown key "b", the nearest known one is "a"',
      'unknown key "nota", the nearest known one is "note"',
    ],
  )
  t.strictSame(unknownKeysOf(io.type({ a: io.number }), { b: 1 }), [])
})
