/** Tells Prometheus and OpenTelemetry of the work, from around it: nothing of it knows of them. */
import type { Attributes, Link } from '@opentelemetry/api'
import type { ApplyLog, Lease, StepResult } from '../domain/ports.ts'
import { NotSent, Throttled, type Look, type Outcome } from '../domain/provider.ts'
import type { DecideResult } from '../domain/result.ts'
import type { Telemetry, TracesOf } from '../domain/telemetry-ports.ts'
import { instrumented, type Around } from './instrumented.ts'
import type { Metrics } from './metrics.ts'
import { createSpans, failed, spanContextOf, traceparentOf, type Spans } from './spans.ts'

interface Told {
  readonly spans: Spans
  /** Null: nobody asks for any. */
  readonly metrics: Metrics | null
}

const triesOf = (result: DecideResult): number | null =>
  result.type === 'invalid' ? null : result.tries

const deciding =
  ({ spans, metrics }: Told): Telemetry['decision'] =>
  ({ scope, decider, instead_of }, run) => {
    const began = performance.now()
    const attributes: Attributes = { 'foreword.scope': scope, 'foreword.decider': decider }
    if (instead_of !== undefined) attributes['foreword.instead_of'] = instead_of
    return spans.within('foreword.decide', { attributes }, async (span) => {
      try {
        const result = await (span === null ? run() : run(traceparentOf(span)))
        metrics?.decided(decider, result.type, triesOf(result), performance.now() - began)
        if (span !== null) {
          span.setAttribute('foreword.outcome', result.type)
          const tries = triesOf(result)
          if (tries !== null) span.setAttribute('foreword.tries', tries)
          if (result.type === 'decided') {
            span.setAttribute('foreword.decision', result.decision)
            span.setAttribute('foreword.intents', result.intents.length)
          }
          if (result.type === 'gave_up') failed(span, result.last_sqlstate)
          if (result.type === 'invalid') failed(span, result.sqlstate)
        }
        return result
      } catch (error) {
        metrics?.decided(decider, 'error', null, performance.now() - began)
        throw error
      }
    })
  }

/** By which a lease finds the trace of its decision, as long as somebody holds it. */
type Links = WeakMap<Lease, Link>

/** Where leases come from: a decision of another process, whose trace is no parent but a cause. */
const linkLeases = async (
  links: Links,
  leases: readonly Lease[],
  traces: TracesOf,
): Promise<void> => {
  const found = await traces([...new Set(leases.map(({ decision }) => decision))])
  for (const lease of leases) {
    const at = spanContextOf(found.get(lease.decision) ?? '')
    if (at !== null) links.set(lease, { context: at })
  }
}

const logging =
  ({ spans, metrics }: Told, links: Links): Telemetry['log'] =>
  (log: ApplyLog, traces: TracesOf): ApplyLog => ({
    ...log,
    claim: async (worker, kinds) => {
      const began = performance.now()
      const leases = await log.claim(worker, kinds)
      metrics?.claimed(leases.length, performance.now() - began)
      if (leases.length > 0 && spans.on()) {
        // A trace is worth no intent: what is claimed is carried out, linked or not.
        await linkLeases(links, leases, traces).catch(() => undefined)
      }
      return leases
    },
    settle: async (worker, results) => {
      const began = performance.now()
      const moved = await log.settle(worker, results)
      metrics?.settled(results.length, results.length - moved.length, performance.now() - began)
      return moved
    },
    sweep: async () => {
      const taken = await log.sweep()
      if (taken > 0) metrics?.tookOver(taken)
      return taken
    },
  })

const ofLease = (lease: Lease): Attributes => ({
  'foreword.intent': lease.entry,
  'foreword.decision': lease.decision,
  'foreword.scope': lease.scope,
  'foreword.kind': lease.kind,
  'foreword.name': lease.name,
  'foreword.version': lease.version,
  'foreword.verb': lease.verb,
  'foreword.attempt': lease.number,
  'foreword.epoch': lease.epoch,
})

const stepping =
  ({ spans, metrics }: Told, links: Links): Telemetry['step'] =>
  (lease, run) => {
    const link = links.get(lease)
    const of = {
      attributes: spans.on() ? ofLease(lease) : {},
      links: link === undefined ? [] : [link],
    }
    metrics?.stepBegun()
    return spans.within(`foreword.${lease.step}`, of, async (span) => {
      let result: StepResult | null = null
      try {
        result = await run()
      } finally {
        metrics?.stepEnded(lease.kind, lease.step, result?.state ?? 'none')
      }
      if (span !== null && result !== null) {
        span.setAttribute('foreword.state', result.state)
        if (result.outcome !== undefined) span.setAttribute('foreword.outcome', result.outcome)
        const wrong =
          result.outcome === undefined ? result.state === 'in_doubt' : result.outcome !== 'applied'
        if (wrong) failed(span, result.error_class ?? result.state)
      }
      return result
    })
  }

/** What a request came to, in a word. */
const answerOf = (outcome: Outcome): string => {
  if (outcome.type !== 'rejected') return outcome.type
  if (outcome.throttled === true) return 'throttled'
  return outcome.retry_after_ms === undefined ? 'rejected' : 'retry_later'
}

const answerOfError = (error: unknown): string => {
  if (error instanceof NotSent) return 'not_sent'
  if (error instanceof Throttled) return 'throttled'
  return 'failed'
}

const calling = ({ spans, metrics }: Told, kind: string): Around => {
  const attributesOf = (
    verb: string,
    { scope, name }: Pick<Look, 'scope'> & { name?: string },
  ) => ({
    'foreword.kind': kind,
    'foreword.verb': verb,
    'foreword.scope': scope,
    ...(name === undefined ? {} : { 'foreword.name': name }),
  })
  const asked = <A>(
    verb: string,
    of: Pick<Look, 'scope'> & { readonly name?: string },
    run: () => Promise<A>,
    saidBy: (answer: A) => string,
  ): Promise<A> => {
    const began = performance.now()
    const attributes = spans.on() ? attributesOf(verb, of) : {}
    return spans.within('foreword.call', { attributes, kind: 'client' }, async (span) => {
      let said = 'failed'
      try {
        const answer = await run()
        said = saidBy(answer)
        return answer
      } catch (error) {
        said = answerOfError(error)
        throw error
      } finally {
        metrics?.called(kind, verb, said, performance.now() - began)
        span?.setAttribute('foreword.answer', said)
        if (span !== null && ['rejected', 'retry_later', 'throttled', 'unknown'].includes(said)) {
          failed(span, said)
        }
      }
    })
  }
  return {
    call: (verb, of, run) => asked(verb, of, run, answerOf),
    look: (verb, of, run) => asked(verb, of, run, () => 'looked'),
    list: async function* (of, run) {
      const began = performance.now()
      // Who has seen enough of it goes away.
      let said = 'looked'
      try {
        yield* run()
      } catch (error) {
        said = answerOfError(error)
        throw error
      } finally {
        metrics?.called(kind, 'list', said, performance.now() - began)
      }
    },
  }
}

const reconciling =
  ({ spans, metrics }: Told): Telemetry['reconcile'] =>
  (of, run) => {
    const began = performance.now()
    const attributes: Attributes = {}
    for (const [key, value] of Object.entries(of)) {
      if (typeof value === 'string') attributes[`foreword.${key}`] = value
    }
    return spans.within('foreword.reconcile', { attributes }, async (span) => {
      try {
        const done = await run()
        const { looked, failed: in_vain, drifted } = done
        const found = { looked, failed: in_vain, drifted: drifted.length }
        metrics?.reconciled(found, performance.now() - began)
        span?.setAttributes({
          'foreword.looked': looked,
          'foreword.failed_looks': in_vain,
          'foreword.drifted': drifted.length,
        })
        return done
      } catch (error) {
        metrics?.reconciled(null, performance.now() - began)
        throw error
      }
    })
  }

export const createTelemetry = (of: {
  readonly version: string
  readonly metrics: Metrics | null
}): Telemetry => {
  const told: Told = { spans: createSpans(of.version), metrics: of.metrics }
  const links: Links = new WeakMap()
  return {
    decision: deciding(told),
    log: logging(told, links),
    step: stepping(told, links),
    provider: (provider) => instrumented(provider, calling(told, provider.kind)),
    reconcile: reconciling(told),
    observe: ({ scope, kind }, run) =>
      told.spans.within(
        'foreword.observe',
        {
          attributes: {
            ...(scope === undefined ? {} : { 'foreword.scope': scope }),
            ...(kind === undefined ? {} : { 'foreword.kind': kind }),
          },
        },
        run,
      ),
  }
}
