/** Spans, as an SDK that somebody registers is given them: of a real engine that decides, and another that applies. */
import { context, SpanKind, SpanStatusCode, trace, type SpanContext } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied } from '../../src/domain/provider.ts'
import { testDatabase } from '../support/database.ts'
import { engineOn, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { testConfig } from '../support/settings.ts'

const in_state = 'a-state-that-nobody-should-see'
const in_error = 'what-the-api-said-with-hunter2'

const provider = scriptedProvider({
  traits: { idempotency: 'none' },
  call: (call) =>
    call.name === 'lost' || call.secrets('x') === ''
      ? Promise.reject(new TypeError(in_error))
      : Promise.resolve(applied(call.spec as Json)),
  read: () => Promise.resolve({ state: { size: in_state } }),
})

const { url } = await testDatabase(t)
const config = testConfig(url, { providers: [provider] })
/** One decides and another applies: between them there is nothing but the database. */
const deciding = engineOn(t, url, config)
const applying = engineOn(t, url, config)
await testWorker(t, applying)

const decideOne = (name: string) =>
  deciding.decide(say, {
    scope: 'acme',
    input: { drafts: [create('thing', name, { size: in_state })] },
  })

const endOf = (name: string) =>
  eventually(`${name} has come to its end`, async () => {
    const [row] = await deciding.sql<{ state: string; traceparent: string | null }[]>`
      select i.state, d.traceparent
      from foreword.intent i
      join foreword.decision d on d.id = i.decision_id
      where i.name = ${name} and (i.settled_at is not null or i.due_at is null)`
    return row?.state === 'pending' ? null : row
  })

await t.test('where no SDK is registered nothing is kept with a decision', async (t) => {
  await decideOne('before')
  t.strictSame({ ...(await endOf('before')) }, { state: 'confirmed', traceparent: null })
})

const exporter = new InMemorySpanExporter()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
)

const spansOf = (name: string, of: string): Promise<ReadableSpan> =>
  eventually(`the span ${name} of ${of}`, () =>
    exporter
      .getFinishedSpans()
      .find((s) => s.name === name && s.attributes['foreword.name'] === of),
  )

const parentOf = (span: ReadableSpan): string | undefined => span.parentSpanContext?.spanId

const decidedIn = async (name: string): Promise<{ id: string; span: SpanContext }> =>
  trace.getTracer('a-program').startActiveSpan('its-own', async (own) => {
    const result = await decideOne(name)
    own.end()
    if (result.type !== 'decided') throw new Error(result.type)
    return { id: result.decision, span: own.spanContext() }
  })

t.test('a decision is part of its caller’s trace, and its intents refer to it', async (t) => {
  const { id, span: own } = await decidedIn('a')
  const decide = await eventually('the span of the decision', () =>
    exporter.getFinishedSpans().find((s) => s.attributes['foreword.decision'] === id),
  )
  t.equal(decide.name, 'foreword.decide')
  t.equal(decide.spanContext().traceId, own.traceId)
  t.equal(parentOf(decide), own.spanId)
  t.match(decide.attributes, {
    'foreword.scope': 'acme',
    'foreword.decider': 'say',
    'foreword.outcome': 'decided',
    'foreword.tries': 1,
    'foreword.intents': 1,
  })
  const { traceId, spanId } = decide.spanContext()
  t.equal((await endOf('a')).traceparent, `00-${traceId}-${spanId}-01`)

  const apply = await spansOf('foreword.apply', 'a')
  t.strictSame(
    apply.links.map(({ context: at }) => [at.traceId, at.spanId, at.isRemote]),
    [[traceId, spanId, true]],
    'found by another engine, by the log alone',
  )
  t.equal(parentOf(apply), undefined, 'a cause, not a parent: it may be applied days later')
  t.match(apply.attributes, {
    'foreword.decision': id,
    'foreword.kind': 'thing',
    'foreword.verb': 'create',
    'foreword.version': 1,
    'foreword.attempt': 1,
    'foreword.state': 'confirmed',
    'foreword.outcome': 'applied',
  })
  t.equal(typeof apply.attributes['foreword.intent'], 'number')
  t.equal(apply.status.code, SpanStatusCode.UNSET)

  const call = await spansOf('foreword.call', 'a')
  t.equal(parentOf(call), apply.spanContext().spanId)
  t.equal(call.kind, SpanKind.CLIENT)
  t.match(call.attributes, { 'foreword.verb': 'create', 'foreword.answer': 'applied' })
})

t.test('decisions that share a transaction have a trace each', async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `g${i}`)
  const decided = await Promise.all(names.map(decidedIn))
  for (const [i, name] of names.entries()) {
    const apply = await spansOf('foreword.apply', name)
    t.equal(apply.links[0]?.context.traceId, decided[i]?.span.traceId, name)
  }
})

t.test('what is lost is an error by its class, on the call and on the step', async (t) => {
  await decidedIn('lost')
  const apply = await spansOf('foreword.apply', 'lost')
  const call = await spansOf('foreword.call', 'lost')
  t.equal(call.status.code, SpanStatusCode.ERROR)
  t.equal(call.attributes['error.type'], 'TypeError')
  t.strictSame(
    call.events.map(({ name, attributes }) => [name, attributes]),
    [['exception', { 'exception.type': 'TypeError' }]],
  )
  t.equal(apply.status.code, SpanStatusCode.ERROR)
  t.match(apply.attributes, { 'foreword.outcome': 'in_doubt', 'error.type': 'unknown' })
})

t.test('a decider that throws is an error of its span', async (t) => {
  const throwing = defineDecider({
    name: 'throwing',
    version: 1,
    read: () => ({}),
    decide: () => {
      throw new RangeError(in_error)
    },
  })
  await t.rejects(deciding.decide(throwing, { scope: 'acme', input: undefined }), RangeError)
  const span = exporter
    .getFinishedSpans()
    .find((s) => s.attributes['foreword.decider'] === 'throwing')
  t.equal(span?.status.code, SpanStatusCode.ERROR)
  t.equal(span?.attributes['error.type'], 'RangeError')
})

t.test('a reconcile has its looks in it', async (t) => {
  await endOf('a')
  await applying.reconcile({ scope: 'acme', kind: 'thing', actor: 'ada' })
  const spans = exporter.getFinishedSpans()
  const run = spans.find((s) => s.name === 'foreword.reconcile')
  t.match(run?.attributes, { 'foreword.scope': 'acme', 'foreword.kind': 'thing' })
  t.equal(typeof run?.attributes['foreword.looked'], 'number')
  const observe = spans.find((s) => s.name === 'foreword.observe')
  t.equal(observe === undefined ? '' : parentOf(observe), run?.spanContext().spanId)
  const looks = spans.filter(
    (s) =>
      s.attributes['foreword.verb'] === 'read' && parentOf(s) === observe?.spanContext().spanId,
  )
  t.ok(looks.length > 0)
})

t.test('no span carries a state, nor what an API said', async (t) => {
  const spans = exporter.getFinishedSpans()
  t.ok(spans.length > 30, `${spans.length} spans`)
  for (const { name, attributes, events, status, links } of spans) {
    const said = JSON.stringify({ name, attributes, events, status, links })
    t.notMatch(said, in_state, name)
    t.notMatch(said, /hunter2/, name)
  }
})

t.test('where spans are not sampled nothing is kept with a decision', async (t) => {
  trace.disable()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ sampler: new AlwaysOffSampler() }))
  const unsampled = engineOn(t, url, config)
  const result = await unsampled.decide(say, {
    scope: 'acme',
    input: { drafts: [create('thing', 'unsampled', { size: 1 })] },
  })
  t.equal(result.type, 'decided')
  t.equal((await endOf('unsampled')).traceparent, null)
})

t.test('an SDK that throws is no failure of a decision, nor of a call', async (t) => {
  const throwing = (at: 'onStart' | 'onEnd') => ({
    onStart: () => undefined,
    onEnd: () => undefined,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    [at]: () => {
      throw new Error(`a processor that throws, ${at}`)
    },
  })
  for (const at of ['onStart', 'onEnd'] as const) {
    trace.disable()
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [throwing(at)] }))
    const traced = engineOn(t, url, config)
    const worker = await traced.startWorker((reason) => {
      throw new Error(reason)
    })
    for (const name of [`${at}-made`, `${at}-lost`]) {
      const input = { drafts: [create('thing', name, { size: 1 })] }
      t.match(await traced.decide(say, { scope: 'acme', input }), { type: 'decided' }, name)
      t.match(await endOf(name), { state: 'confirmed' })
    }
    await worker.stop()
  }
  trace.disable()
})
