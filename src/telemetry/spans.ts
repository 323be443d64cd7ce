/**
 * Spans by OpenTelemetry's API, which does nothing unless somebody registers an SDK. Their attributes are ids,
 * names, verbs and classes: never a state, a reason or a message, since these may say what an API answered.
 */
import {
  context,
  diag,
  isSpanContextValid,
  ProxyTracerProvider,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Link,
  type Span,
  type SpanContext,
} from '@opentelemetry/api'

export type Kind = 'internal' | 'client'

export interface Spans {
  /** Whether spans may come to anything: only then are links looked up. */
  readonly on: () => boolean
  /** `run` is given the span where it is recorded. What it throws ends the span with an error. */
  readonly within: <A>(
    name: string,
    of: { readonly attributes: Attributes; readonly kind?: Kind; readonly links?: readonly Link[] },
    run: (span: Span | null) => Promise<A>,
  ) => Promise<A>
}

/** Of an error its class: its message may carry what an API said. */
const errorType = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

/** Ends badly: `why` is a word, not a message. */
export const failed = (span: Span, why: string): void => {
  span.setAttribute('error.type', why)
  span.setStatus({ code: SpanStatusCode.ERROR, message: why })
}

/** What somebody's SDK throws is told to its own log, and is no failure of the work: that is done, or will be. */
const quietly = <A>(tell: () => A): A | undefined => {
  try {
    return tell()
  } catch (error) {
    diag.error('foreword: the SDK of traces threw', error)
    return undefined
  }
}

/** The same span, of which nothing is thrown. */
const quiet = (span: Span): Span =>
  new Proxy(span, {
    get: (of, member) => {
      const value: unknown = Reflect.get(of, member, of)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown =>
        quietly(() => Reflect.apply(value, of, args) as unknown)
    },
  })

export const createSpans = (version: string): Spans => {
  const tracer = trace.getTracer('foreword', version)
  const on = (): boolean => {
    /* eslint-disable @typescript-eslint/no-deprecated -- the API at hand (~1.9) has no other way to ask. */
    const provider = trace.getTracerProvider()
    return (
      !(provider instanceof ProxyTracerProvider) ||
      provider.getDelegateTracer('foreword', version) !== undefined
    )
    /* eslint-enable @typescript-eslint/no-deprecated */
  }
  return {
    on,
    within: async (name, { attributes, kind = 'internal', links = [] }, run) => {
      if (!on()) return run(null)
      const begun = quietly(() => {
        const started = tracer.startSpan(name, {
          kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
          attributes,
          links: [...links],
        })
        // Nobody is registered, and nobody's trace is gone on with.
        return isSpanContextValid(started.spanContext()) ? started : undefined
      })
      if (begun === undefined) return run(null)
      const span = quiet(begun)
      return context.with(trace.setSpan(context.active(), begun), async () => {
        try {
          return await run(span.isRecording() ? span : null)
        } catch (error) {
          const type = errorType(error)
          span.addEvent('exception', { 'exception.type': type })
          failed(span, type)
          throw error
        } finally {
          span.end()
        }
      })
    },
  }
}

/** As W3C writes it: what is kept with a decision. */
export const traceparentOf = (span: Span): string => {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** Null: it is none, whoever wrote it. */
export const spanContextOf = (traceparent: string): SpanContext | null => {
  const [, traceId = '', spanId = '', flags = '0'] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? []
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  const at = { traceId, spanId, traceFlags, isRemote: true }
  return isSpanContextValid(at) ? at : null
}
