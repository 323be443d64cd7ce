import * as E from 'fp-ts/lib/Either.js'
import * as io from 'io-ts'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import {
  readStacks,
  renderProblem,
  type ReadStacksOptions,
  type StackProblem,
} from '../../src/cli/stack-file.ts'
import type { Stack } from '../../src/domain/codec/codec.ts'
import { defaultTraits, type AnyProvider } from '../../src/domain/provider.ts'

const provider = (kind: string, spec: io.Mixed): AnyProvider => ({
  kind,
  spec,
  state: spec,
  traits: defaultTraits,
  create: () => Promise.reject(new Error('not here')),
  update: () => Promise.reject(new Error('not here')),
  delete: () => Promise.reject(new Error('not here')),
  read: () => Promise.resolve(null),
})
const Address = io.refinement(io.string, (text) => !text.startsWith('x'), 'Address')
const Vm = io.exact(
  io.intersection([
    io.type({ size: io.string }),
    io.partial({
      net: io.union([io.string, io.strict({ id: io.string, mtu: io.number })]),
      address: Address,
      disks: io.array(io.strict({ gb: io.number })),
    }),
  ]),
)
const providers = [
  provider('dns_zone', io.strict({ nameservers: io.array(io.string) })),
  provider('dns_record', io.strict({ ttl: io.number, records: io.array(io.string) })),
  provider('vm', Vm),
]

const zone = `scope: acme/prod
resources:
  - kind: dns_zone
    name: example.org.
    spec: { nameservers: [ns1.example.org.] }
`
const record = `  - kind: dns_record
    name: www.example.org./A
    needs: [dns_zone/example.org.]
    labels: { role: web }
    spec: { ttl: 60, records: ["192.0.2.1"] }
`
/** A stack of one vm with this spec, in flow style from line 5 on. */
const vm = (spec: string, more = ''): string => `scope: s
resources:
  - kind: vm
    name: a
    spec: ${spec}
${more}`

type Files = { readonly [name: string]: string | Buffer }

const read = async (
  t: Test,
  files: Files,
  options: ReadStacksOptions = {},
  paths: readonly string[] = Object.keys(files),
): Promise<E.Either<readonly StackProblem[], readonly Stack[]>> => {
  const folder = t.testdir()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const full = paths.map((path) => (path === '-' ? path : join(folder, path)))
  const found = await readStacks(full, providers, options)
  const short = (text: string): string => text.replaceAll(`${folder}/`, '')
  return E.mapLeft((problems: readonly StackProblem[]) =>
    problems.map((one) => ({ ...one, file: short(one.file), message: short(one.message) })),
  )(found)
}

const rendered = async (...args: Parameters<typeof read>): Promise<readonly string[]> => {
  const found = await read(...args)
  return E.isLeft(found) ? found.left.map(renderProblem) : []
}

/** The problems of one file, without their remedies. */
const wrong = async (t: Test, text: string | Buffer): Promise<readonly string[]> => {
  const found = await read(t, { 'f.yaml': text })
  if (E.isRight(found)) return []
  for (const { remedy } of found.left) t.not(remedy, '', 'every problem has a remedy')
  return found.left.map(
    ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
  )
}

t.test('a right file is a stack', async (t) => {
  const found = await read(t, { 'a.yaml': zone + record })
  t.ok(E.isRight(found))
  if (E.isLeft(found)) return
  t.equal(found.right[0]?.stack, 'default')
  t.strictSame(found.right[0]?.resources[1], {
    kind: 'dns_record',
    name: 'www.example.org./A',
    needs: ['dns_zone/example.org.'],
    labels: { role: 'web' },
    counters: {},
    lifecycle: {},
    spec: { ttl: 60, records: ['192.0.2.1'] },
  })
})

t.test('JSON says the same as YAML, tabs and escapes included', async (t) => {
  const stack = {
    scope: 's',
    resources: [{ kind: 'vm', name: '😀"\\/', spec: { size: 'a\u2028\u00e9' } }],
  }
  const text = JSON.stringify(stack, null, '\t').replace('😀', '\\ud83d\\ude00')
  const found = await read(t, { 'a.json': `\ufeff${text}\n` })
  t.match(E.toUnion(found), [stack])
})

t.test('documents and files of one owner in one scope are one stack', async (t) => {
  const found = await read(t, {
    'a.yaml': `---\n${zone}---\n---\nscope: other\nresources: []\n`,
    'b.yaml': `scope: acme/prod\nresources:\n${record}`,
    'c.yaml': `scope: acme/prod\nstack: mine\nresources: []\n`,
  })
  t.ok(E.isRight(found))
  if (E.isLeft(found)) return
  t.strictSame(
    found.right.map(({ scope, stack, resources }) => [scope, stack, resources.length]),
    [
      ['acme/prod', 'default', 2],
      ['other', 'default', 0],
      ['acme/prod', 'mine', 0],
    ],
  )
})

t.test(
  'standard input is a file like any other, and a file named twice is read once',
  async (t) => {
    const stdin = Readable.from([Buffer.from(zone)])
    t.ok(E.isRight(await read(t, {}, { stdin }, ['-', '-'])))
    t.ok(E.isRight(await read(t, { 'a.yaml': zone }, {}, ['a.yaml', './a.yaml'])))
    const empty = { stdin: Readable.from([]) }
    t.match(await rendered(t, {}, empty, ['-']), [/^stdin:1:1: is empty; /])
  },
)

t.test('a problem names file, line, column, path and remedy on one line', async (t) => {
  const text = (zone + record).replace('ttl: 60', 'ttl: "60"')
  t.strictSame(await rendered(t, { 'a.yaml': text }), [
    'a.yaml:10:18: resources[1].spec.ttl: expected a number, got "60"; write it without quotes',
  ])
})

t.test('a wrong spec is told at the innermost place', async (t) => {
  t.strictSame(await wrong(t, vm('{ size: 1 }')), [
    '5:19 resources[0].spec.size: expected a string, got 1',
  ])
  t.strictSame(await wrong(t, vm('{}')), [
    '5:11 resources[0].spec.size: is missing, expected a string',
  ])
  t.strictSame(await wrong(t, vm('{ size: m, adress: y, disks: [{ gb: 1, tb: 1 }] }')), [
    '5:22 resources[0].spec.adress: unknown key "adress", the nearest known one is "address"',
    '5:50 resources[0].spec.disks[0].tb: unknown key "tb", the nearest known one is "gb"',
  ])
  t.match(await wrong(t, vm('[]')), [/expected an object, got a list/])
})

t.test(
  'a reference may stand anywhere in a spec, and the rest is checked all the same',
  async (t) => {
    const self = 'scope: s\nresources:\n  - { kind: vm, name: b, spec: { size: m } }\n'
    const more = `---\n${self}`
    const ok = [
      '{ size: { ref: "vm/b#size" } }',
      '{ ref: "vm/b#all" }',
      '{ size: m, disks: [{ ref: "vm/b#d" }] }',
      '{ size: m, disks: [{ gb: { ref: "vm/b#gb" } }] }',
    ]
    for (const spec of ok) t.strictSame(await wrong(t, vm(spec, more)), [], spec)
    t.strictSame(await wrong(t, vm('{ size: 1, address: { ref: "vm/b#ip" } }', more)), [
      '5:19 resources[0].spec.size: expected a string, got 1',
    ])
    t.match(await wrong(t, vm('{ siz: m, address: { ref: "vm/b#ip" } }', more)), [
      'size: is missing',
      'unknown key "siz"',
    ])
    const net = '{ id: { ref: "vm/b#id" }, mtu: 9 }'
    t.strictSame(await wrong(t, vm(`{ size: m, net: ${net} }`, more)), [], 'inside of a union too')
    t.match(await wrong(t, vm('{ size: { ref: vm/b } }', more)), [
      /^5:\d+ resources\[0\].spec.size.ref: expected a reference KIND\/NAME#OUTPUT/,
    ])
  },
)

t.test('an unknown kind lists the known ones, the nearest first', async (t) => {
  t.strictSame(await rendered(t, { 'a.yaml': zone.replace('dns_zone', 'dns_recrod') }), [
    'a.yaml:3:11: resources[0].kind: no provider for the kind "dns_recrod"; known kinds: dns_record, dns_zone, vm',
  ])
  const none = await readStacks([join(t.testdir({ 'a.yaml': zone }), 'a.yaml')], [])
  t.match(E.toUnion(none), [{ remedy: /foreword\.config\.ts/ }])
})

t.test('an unknown key is told at the key', async (t) => {
  t.match(await wrong(t, `${zone}    lables: { a: b }\n`), [
    /^6:5 resources\[0\]\.lables: unknown key "lables", the nearest known one is "labels"$/,
  ])
})

t.test('the same resource twice names both places, in whatever files they are', async (t) => {
  const twice = `scope: acme/prod\nstack: mine\nresources:\n${zone.split('resources:\n')[1] ?? ''}`
  t.match(await rendered(t, { 'a.yaml': zone, 'b.yaml': twice }), [
    /^b\.yaml:5:11: resources\[0\]\.name: dns_zone\/example\.org\. in acme\/prod is there already, at a\.yaml:3; /,
  ])
  t.ok(
    E.isRight(await read(t, { 'a.yaml': zone, 'b.yaml': zone.replace('acme/prod', 'acme/test') })),
  )
})

t.test('needs and references must lead somewhere', async (t) => {
  const lone = `scope: acme/prod\nresources:\n${record}`
  t.match(await wrong(t, lone), [
    /^5:13 resources\[0\]\.needs\[0\]: needs dns_zone\/example\.org\./,
  ])
  t.match(await wrong(t, vm('{ size: { ref: "ip/x#y" } }')), [
    /^5:\d+ resources\[0\]\.spec\.size\.ref: refers to ip\/x, which is neither/,
  ])
  const asked: string[] = []
  const known = (...key: readonly string[]): Promise<boolean> => {
    asked.push(key.join(' '))
    return Promise.resolve(true)
  }
  t.ok(E.isRight(await read(t, { 'a.yaml': lone }, { known })))
  t.strictSame(asked, ['acme/prod dns_zone example.org.'])
  const elsewhere = { 'a.yaml': lone, 'b.yaml': zone.replace('acme/prod', 'acme/test') }
  t.equal((await rendered(t, elsewhere)).length, 1, 'another scope does not count')
})

t.test('a cycle is printed with its lines, through needs and references alike', async (t) => {
  const ring = `scope: s
resources:
  - { kind: vm, name: a, spec: { size: m }, needs: [vm/b] }
  - { kind: vm, name: b, spec: { size: { ref: "vm/c#x" } } }
  - { kind: vm, name: c, spec: { size: m }, needs: [vm/a] }
  - { kind: vm, name: d, spec: { size: m }, needs: [vm/a] }
`
  t.strictSame(await wrong(t, ring), [
    '3:5 resources[0]: resources need each other in a cycle: vm/a (f.yaml:3) -> vm/b (f.yaml:4) -> vm/c (f.yaml:5) -> vm/a (f.yaml:3)',
  ])
  t.match(await wrong(t, vm('{ size: m }', '    needs: [vm/a]\n')), [/vm\/a \(f.yaml:3\) -> vm\/a/])
})

t.test('what is no YAML is told where it stops being YAML', async (t) => {
  t.match(await wrong(t, 'scope: s\nresources: [a, b\n'), [/^\d:\d+ : /])
  t.match(await wrong(t, 'scope: s\nscope: t\n'), ['2:1 : the key is there twice'])
  t.match(await wrong(t, 'scope:\n\t- b'), ['2:1 : tabs may not indent in YAML'])
  t.match(await wrong(t, 'scope: !Ref x\n'), ['1:8 : Unresolved tag: !Ref'])
  t.match(await wrong(t, '? { a: 1 }\n: 2\n'), ['1:3 : a key must be a text'])
  t.match(await wrong(t, 'scope: "x'), [/^1:\d+ : Missing closing/])
  t.match(await wrong(t, 'scope: *nope\n'), ['1:8 : the alias *nope has no anchor before it'])
  t.match(await wrong(t, '{"scope": "s",}}'), [/^1:16 : /])
})

t.test('numbers and texts that cannot be kept are refused', async (t) => {
  t.match(await wrong(t, vm('{ size: 12345678901234567890 }')), [
    '5:19 resources[0].spec.size: the number 12345678901234567890 is too large to be kept exactly',
  ])
  t.match(await wrong(t, vm('{ size: .inf }')), ['spec.size: expected a finite number'])
  t.match(await wrong(t, vm('{ size: "\\u0000" }')), ['5:19 resources[0].spec.size: contains the'])
  t.match(await wrong(t, vm('{ size: "\\ud800" }')), ['spec.size: contains half a character'])
  t.match(await wrong(t, vm('{ size: m, __proto__: { a: 1 } }')), [
    '5:33 resources[0].spec.__proto__',
  ])
})

t.test('anchors are unfolded, but not without end', async (t) => {
  const shared = `scope: s
resources:
${Array.from({ length: 300 }, (_, at) => `  - { kind: vm, name: v${at}, spec: ${at === 0 ? '&spec { size: m }' : '*spec'} }\n`).join('')}`
  t.strictSame(await wrong(t, shared), [])
  t.strictSame(
    await wrong(t, shared.replace('size: m', 'size: 1')).then((all) => [all.length, all[299]]),
    [300, '3:47 resources[299].spec.size: expected a string, got 1'],
  )
  const merged = vm('&s { size: m }', '  - { kind: vm, name: b, spec: { <<: *s, address: y } }\n')
  const found = await read(t, { 'm.yaml': merged })
  t.match(E.toUnion(found), [{ resources: [{}, { spec: { size: 'm', address: 'y' } }] }])
  const laughs = [
    'a: &a0 [x]',
    ...Array.from(
      { length: 30 },
      (_, at) => `b${at}: &a${at + 1} [${Array(9).fill(`*a${at}`).join()}]`,
    ),
  ].join('\n')
  t.match(await wrong(t, laughs), [/unfold to more than a stack can hold/])
  const long = `a: &a ${'x'.repeat(100_000)}\nb: [${Array(5_000).fill('*a').join()}]\n`
  t.match(await wrong(t, long), [/unfold to more than a stack can hold/])
  t.match(await wrong(t, vm('&a { size: *a }')), [/nested deeper than 64 levels/])
})

t.test('what is nested too deeply is refused, however deeply', async (t) => {
  t.match(await wrong(t, vm(`${'['.repeat(70)}${']'.repeat(70)}`)), [/nested deeper than 64/])
  t.match(await wrong(t, '['.repeat(20_000)), [/nested deeper than 64/])
  t.match(await wrong(t, '- '.repeat(20_000)), [/nested deeper than 64/])
})

t.test('what is no text, no file, or too large is refused', async (t) => {
  t.match(await wrong(t, Buffer.from([0x61, 0x3a, 0x0a, 0xff, 0xfe])), ['2:1 : is not UTF-8 text'])
  t.match(await wrong(t, Buffer.from('scope: s', 'utf16le')), [/.+/])
  t.match(await wrong(t, ''), ['1:1 : is empty'])
  t.match(await wrong(t, '# nothing\n---\n'), ['1:1 : is empty'])
  t.match(await wrong(t, Buffer.alloc(10 * 1024 * 1024 + 1, '#')), ['1:1 : is larger than 10 MB'])
  t.match(await rendered(t, {}, {}, ['none.yaml']), [/^none.yaml:1:1: there is no such file; /])
  mkdirSync(join(t.testdir(), 'folder'))
  const folder = t.testdir({ inner: {} })
  const found = await readStacks([join(folder, 'inner')], providers)
  t.match(E.toUnion(found), [{ message: 'is a directory' }])
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(1 << 20)
    })(),
  )
  t.match(await rendered(t, {}, { stdin: endless }, ['-']), [/is larger than 10 MB/])
})

t.test('what is no stack is told once', async (t) => {
  for (const text of ['5', 'null\n---\nx', '[]', '"x"'])
    t.equal((await wrong(t, text)).length, 1, text)
  t.match(await wrong(t, 'scope: s\n'), ['resources: is missing, expected a list'])
})

t.test('every file is read, whatever is wrong with the others', async (t) => {
  const all = await rendered(t, { 'a.yaml': 'x: [', 'b.yaml': 'scope: s', 'c.yaml': zone })
  t.match(all, [/^a\.yaml:/, /^b\.yaml:/])
})

t.test('a codec of somebody else that throws is a problem of that kind', async (t) => {
  const boom = new io.Type<unknown, never>(
    'boom',
    (_): _ is unknown => true,
    () => {
      throw new Error('boom')
    },
    (value) => value as never,
  )
  const file = join(t.testdir({ 'a.yaml': vm('{ a: 1 }') }), 'a.yaml')
  const found = await readStacks([file], [provider('vm', boom)])
  t.match(E.toUnion(found), [{ path: 'resources[0].spec', message: /vm threw: boom/ }])
})

t.test('a terminal is not obeyed', async (t) => {
  const problem = {
    file: 'a\u001b[2J',
    line: 1,
    column: 1,
    path: '',
    message: 'x\ny\u202e',
    remedy: 'z',
  }
  // eslint-disable-next-line no-control-regex -- control characters are what must be gone.
  t.notMatch(renderProblem(problem), /[\u0000-\u001f\u202e]/)
})
