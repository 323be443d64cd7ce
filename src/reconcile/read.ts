/** One read that says something: one that fails says nothing, and is tried again before it is given up. */
import { setTimeout as pause } from 'node:timers/promises'
import type { AnyProvider, Look, Secrets, Sighting } from '../domain/provider.ts'
import { backoff_ms } from '../domain/retry-policy.ts'
import { within } from '../domain/within.ts'

export interface ReadDeps {
  readonly secrets: Secrets
  /** Resolves when the account has a look to give; throws where it has none. */
  readonly admit: (provider: AnyProvider, scope: string) => Promise<void>
}

/** With two of five reads failing, one look in two hundred fails so often in a row. */
const tries_max = 6
/** An API that never answers is not waited for six times over. */
const timeouts_max = 2

/** Throws where the account has no look to give, or the last try failed as those before it. */
export const readSurely = async (
  deps: ReadDeps,
  provider: AnyProvider,
  at: Pick<Look, 'scope' | 'name' | 'external_id' | 'outputs'>,
): Promise<Sighting | null> => {
  const { call_timeout_ms } = provider.traits
  let spent_ms = 0
  for (let tries = 1; ; tries++) {
    await deps.admit(provider, at.scope)
    const began = performance.now()
    try {
      return await within(call_timeout_ms, (signal) =>
        provider.read({
          scope: at.scope,
          name: at.name,
          external_id: at.external_id,
          outputs: at.outputs,
          signal,
          secrets: deps.secrets,
        }),
      )
    } catch (error) {
      spent_ms += performance.now() - began
      if (tries >= tries_max || spent_ms >= timeouts_max * call_timeout_ms) throw error
      await pause(backoff_ms(tries - 1))
    }
  }
}
