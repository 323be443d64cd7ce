/** What programs without types, or with data from elsewhere, ask and intend: refused in words, and never taken for something else. */
import t from 'tap'
import {
  create,
  defineDecider,
  type Decider,
  type Queries,
  type Reads,
} from '../../src/domain/decider.ts'
import { testEngine } from '../support/engine.ts'

const scope = 'acme'
/** What a program without types might hand over. */
const untyped = (value: unknown): never => value as never

const decider = (over: Record<string, unknown>): Decider<Reads, undefined> =>
  untyped({
    name: 'd',
    version: 1,
    read: () => ({}),
    decide: () => create('vm', 'a', {}),
    ...over,
  })

type Read = (q: Queries) => unknown
const reads: Readonly<Record<string, readonly [Read, string]>> = {
  'a promise': [async (q) => ({ a: q.get('vm', 'a') }), 'FW029'],
  'a promise that fails': [() => Promise.reject(new Error('too late')), 'FW029'],
  'a Map': [(q) => new Map([['a', q.get('vm', 'a')]]), 'FW029'],
  'no name': [(q) => ({ a: q.get('vm', untyped(undefined)) }), 'FW025'],
  'a number for a name': [(q) => ({ a: q.get('vm', untyped(5)) }), 'FW025'],
  'NUL in a name': [(q) => ({ a: q.get('vm', 'a\0b') }), 'FW025'],
  'half a character in a name': [(q) => ({ a: q.get('vm', 'a\ud800') }), 'FW025'],
  'a name of 513 characters': [(q) => ({ a: q.get('vm', 'x'.repeat(513)) }), 'FW025'],
  'a slash in a kind': [(q) => ({ a: q.get('v/m', 'a') }), 'FW025'],
  'no name among many': [(q) => ({ a: q.getAll('vm', ['a', '']) }), 'FW025'],
  'a text for a list of names': [(q) => ({ a: q.getAll('vm', untyped('abc')) }), 'FW029'],
  'an empty metric': [(q) => ({ a: q.counter('') }), 'FW025'],
  'another scope that is none': [(q) => ({ a: q.counter('c', { scope: '' }) }), 'FW025'],
  'a label that is not set': [(q) => ({ a: q.find('vm', { role: untyped(undefined) }) }), 'FW028'],
  'a label that is a number': [(q) => ({ a: q.find('vm', { port: untyped(80) }) }), 'FW028'],
  'a label without a name': [(q) => ({ a: q.find('vm', { '': 'x' }) }), 'FW028'],
  'a label of 513 characters': [(q) => ({ a: q.find('vm', { role: 'x'.repeat(513) }) }), 'FW028'],
  'labels that are a list': [(q) => ({ a: q.find('vm', untyped(['web'])) }), 'FW028'],
  'labels that are null': [(q) => ({ a: q.find('vm', untyped(null)) }), 'FW028'],
  'one resource and a half': [(q) => ({ a: q.find('vm', {}, { max: 1.5 }) }), 'FW015'],
  'a bound that is no number': [(q) => ({ a: q.find('vm', {}, { max: NaN }) }), 'FW015'],
  'less than nothing': [(q) => ({ a: q.find('vm', {}, { max: -1 }) }), 'FW015'],
}

t.test(
  'what a decider asks is told by the name of its fact, before anything is read',
  async (t) => {
    const { engine } = await testEngine(t)
    for (const [what, [read, sqlstate]] of Object.entries(reads)) {
      const result = await engine.decide(decider({ read }), { scope, input: undefined })
      t.match(result, { type: 'invalid', sqlstate, reason: /read of decider d/, remedy: /./ }, what)
    }
    t.same(await engine.sql`select from foreword_private.resource`, [])
  },
)

const drafts: Readonly<Record<string, readonly [Record<string, unknown>, string]>> = {
  'half a character in a name': [{ name: 'a\ud800' }, 'FW025'],
  'a slash in a kind': [{ kind: 'v/m' }, 'FW025'],
  'another scope that is none': [{ scope: '' }, 'FW025'],
  'a verb with NUL': [{ verb: 'a\0' }, 'FW025'],
  'a label that is a number': [{ labels: { port: 80 } }, 'FW028'],
  'a label that is not set': [{ labels: { role: undefined } }, 'FW028'],
  'a label without a name': [{ labels: { '': 'x' } }, 'FW028'],
  'a label of 513 characters': [{ labels: { ['x'.repeat(513)]: '' } }, 'FW028'],
  'a value of a label of 513 characters': [{ labels: { role: 'x'.repeat(513) } }, 'FW028'],
  'NUL in a label': [{ labels: { role: 'a\0b' } }, 'FW028'],
  'labels that are a list': [{ labels: ['web'] }, 'FW028'],
  'counters that are a list': [{ counters: [1] }, 'FW024'],
  'counters that are a number': [{ counters: 5 }, 'FW024'],
  'a metric without a name': [{ counters: { '': 1 } }, 'FW025'],
  'a need without its kind': [{ needs: ['web-1'] }, 'FW028'],
  'a need without its name': [{ needs: ['vm/'] }, 'FW028'],
  'needs that are a text': [{ needs: 'vm/b' }, 'FW028'],
}

t.test('what a decider intends is told by its resource, and nothing is written', async (t) => {
  const { engine } = await testEngine(t)
  for (const [what, [over, sqlstate]] of Object.entries(drafts)) {
    const decide = () => ({ ...create('vm', 'a', {}), ...over })
    const result = await engine.decide(decider({ decide }), { scope, input: undefined })
    t.match(result, { type: 'invalid', sqlstate, reason: /vm|v\/m/, remedy: /./ }, what)
  }
  const holes = () => Object.assign(Array.from({ length: 0 }), { 1: create('vm', 'a', {}) })
  t.match(await engine.decide(decider({ decide: holes }), { scope, input: undefined }), {
    sqlstate: 'FW029',
  })
  t.same(await engine.sql`select from foreword_private.resource`, [])
})

t.test('a decider that is none, or called as none can be, is told so', async (t) => {
  const { engine } = await testEngine(t)
  const calls: Readonly<Record<string, readonly [Record<string, unknown>, object, string]>> = {
    'no name': [{ name: '' }, {}, 'FW029'],
    'no version': [{ version: undefined }, {}, 'FW029'],
    'half a version': [{ version: 1.5 }, {}, 'FW029'],
    'nothing to read': [{ read: undefined }, {}, 'FW029'],
    'nothing to decide': [{ decide: undefined }, {}, 'FW029'],
    'a thought that is none': [{ think: 5 }, {}, 'FW029'],
    'no scope': [{}, { scope: undefined }, 'FW025'],
    'a scope that is a number': [{}, { scope: 5 }, 'FW025'],
    'NUL in the reason': [{}, { reason: 'a\0b' }, 'FW025'],
    'half an actor': [{}, { actor: '\ud800' }, 'FW025'],
    'NUL in the input': [{}, { input: { a: 'a\0b' } }, 'FW035'],
    'half a character in the input': [{}, { input: { '\udc00': 1 } }, 'FW035'],
    'an input that is a function': [{}, { input: () => 1 }, 'FW035'],
    'an input that is no JSON': [{}, { input: 5n }, 'FW035'],
    'an input that says nothing of itself': [{}, { input: { toJSON: () => undefined } }, 'FW035'],
  }
  for (const [what, [over, call, sqlstate]] of Object.entries(calls)) {
    const result = await engine.decide(decider(over), untyped({ scope, input: undefined, ...call }))
    t.match(result, { type: 'invalid', sqlstate, reason: /decider/, remedy: /./ }, what)
  }
  t.same(await engine.sql`select from foreword.decision`, [])
})

t.test('a text that only looks like NUL in JSON is a text', async (t) => {
  const { engine } = await testEngine(t)
  const take = defineDecider({
    name: 'take',
    version: 1,
    read: () => ({}),
    decide: (_facts, input: { readonly text: string }) => create('vm', 'a', { text: input.text }),
  })
  const text = String.raw`\u0000 \\ud800 \\\u0000`
  t.match(await engine.decide(take, { scope, input: { text } }), { type: 'decided' })
  t.same(
    await engine.sql`
      select d.input ->> 'text' as input, r.assumed ->> 'text' as assumed
      from foreword_private.decision d
      cross join foreword.resource r`,
    [{ input: text, assumed: text }],
  )
})
