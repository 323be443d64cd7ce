/**
 * One suite that every provider must pass, for any test framework:
 *
 *     for (const { law, check } of conformance(provider, harness)) test(law, check)
 */
import type { AnyProvider } from '../domain/provider.ts'
import { Bench, type Harness } from './conformance-bench.ts'
import { laws } from './conformance-laws.ts'

export type { Harness } from './conformance-bench.ts'

/** One law of the suite, and how it is checked. */
export interface Check {
  readonly law: string
  /** Throws when the law is broken, with what was seen. Each check makes and removes its own resource. */
  readonly check: () => Promise<void>
}

/** The laws that concern this provider, in order; each may be checked alone. */
export const conformance = (provider: AnyProvider, harness: Harness): readonly Check[] =>
  laws
    .filter(({ concerns }) => concerns?.({ provider, harness }) ?? true)
    .map(({ law, holds }, n) => ({
      law,
      check: async () => {
        await harness.prepare?.()
        const bench = new Bench(provider, harness, n)
        try {
          await holds(bench)
        } finally {
          await bench.clear()
        }
      },
    }))
