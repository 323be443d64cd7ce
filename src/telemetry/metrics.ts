/** What this process counts of its own work, for Prometheus. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { bounded } from './bounded.ts'
import { of_process, type Family } from './families.ts'

export interface Metrics {
  readonly decided: (decider: string, outcome: string, tries: number | null, ms: number) => void
  readonly called: (kind: string, verb: string, answer: string, ms: number) => void
  readonly stepBegun: () => void
  readonly stepEnded: (kind: string, step: string, state: string) => void
  readonly claimed: (intents: number, ms: number) => void
  readonly settled: (intents: number, refused: number, ms: number) => void
  readonly tookOver: (leases: number) => void
  readonly reconciled: (
    found: { readonly looked: number; readonly failed: number; readonly drifted: number } | null,
    ms: number,
  ) => void
  /** `reading_ms` null: the database did not answer. */
  readonly text: (reading_ms: number | null) => Promise<string>
}

type Named<L extends string> = Omit<Family, 'labels' | 'type'> & { readonly labels: readonly L[] }

/** Makes the instruments of a registry by their families. */
const makers = (registry: Registry) => {
  const asked = <L extends string>({ name, help, labels }: Named<L>) => ({
    ...{ name, help, labelNames: [...labels] },
    registers: [registry],
  })
  return {
    counter: <L extends string>(of: Named<L>) => new Counter<L>(asked(of)),
    gauge: <L extends string>(of: Named<L>) => new Gauge<L>(asked(of)),
    histogram: <L extends string>(of: Named<L>) =>
      new Histogram<L>({ ...asked(of), buckets: [...(of.buckets ?? [])] }),
  }
}

type Makers = ReturnType<typeof makers>

const decisionsOf = ({ counter, histogram }: Makers): Pick<Metrics, 'decided'> => {
  const decisions = counter(of_process.decisions)
  const seconds = histogram(of_process.decision_seconds)
  const tried = histogram(of_process.decision_tries)
  const name = bounded()
  return {
    decided: (decider, outcome, tries, ms) => {
      decisions.inc({ decider: name(decider), outcome })
      seconds.observe({ outcome }, ms / 1_000)
      if (tries !== null) tried.observe({ outcome }, tries)
    },
  }
}

const stepsOf = ({ counter, gauge, histogram }: Makers) => {
  const calls = counter(of_process.calls)
  const call_seconds = histogram(of_process.call_seconds)
  const steps = counter(of_process.steps)
  const running = gauge(of_process.running)
  const [kindName, verbName] = [bounded(), bounded()]
  return {
    called: (kind, verb, answer, ms) => {
      const of_call = { kind: kindName(kind), verb: verbName(verb) }
      calls.inc({ ...of_call, answer })
      call_seconds.observe(of_call, ms / 1_000)
    },
    stepBegun: () => {
      running.inc()
    },
    stepEnded: (kind, step, state) => {
      running.dec()
      steps.inc({ kind: kindName(kind), step, state })
    },
  } satisfies Partial<Metrics>
}

const batchesOf = ({ counter, histogram }: Makers) => {
  const claim_intents = histogram(of_process.claim_intents)
  const claim_seconds = histogram(of_process.claim_seconds)
  const settle_intents = histogram(of_process.settle_intents)
  const settle_seconds = histogram(of_process.settle_seconds)
  const refused_outcomes = counter(of_process.refused_outcomes)
  const takeovers = counter(of_process.takeovers)
  return {
    claimed: (intents, ms) => {
      if (intents > 0) claim_intents.observe(intents)
      claim_seconds.observe(ms / 1_000)
    },
    settled: (intents, refused, ms) => {
      settle_intents.observe(intents)
      settle_seconds.observe(ms / 1_000)
      if (refused > 0) refused_outcomes.inc(refused)
    },
    tookOver: (leases) => {
      takeovers.inc(leases)
    },
  } satisfies Partial<Metrics>
}

const reconcilesOf = ({ counter, histogram }: Makers): Pick<Metrics, 'reconciled'> => {
  const reconciles = counter(of_process.reconciles)
  const seconds = histogram(of_process.reconcile_seconds)
  const looked = counter(of_process.looked)
  const drifts = counter(of_process.drifts)
  return {
    reconciled: (found, ms) => {
      reconciles.inc({ outcome: found === null ? 'failed' : 'done' })
      seconds.observe(ms / 1_000)
      if (found === null) return
      looked.inc({ outcome: 'counted' }, found.looked)
      looked.inc({ outcome: 'failed' }, found.failed)
      drifts.inc(found.drifted)
    },
  }
}

export const createMetrics = (of: { readonly version: string }): Metrics => {
  const registry = new Registry()
  const making = makers(registry)
  const { info, up, reading } = of_process
  making.gauge(info).set({ version: of.version, node: process.version }, 1)
  const [is_up, reading_seconds] = [making.gauge(up), making.gauge(reading)]
  const counting = {
    ...decisionsOf(making),
    ...stepsOf(making),
    ...batchesOf(making),
    ...reconcilesOf(making),
  }
  // How it is with Node itself, under the names that everybody's dashboards know.
  collectDefaultMetrics({ register: registry })
  return {
    ...counting,
    text: async (reading_ms) => {
      is_up.set(reading_ms === null ? 0 : 1)
      if (reading_ms !== null) reading_seconds.set(reading_ms / 1_000)
      return registry.metrics()
    },
  }
}
