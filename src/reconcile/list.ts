/**
 * A whole kind of a scope, as its provider lists it. What is listed is a sighting; what is not listed says
 * nothing, least of all where the list failed half-way.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { look_later_ms } from '../domain/retry-policy.ts'
import type { AnyProvider, Listed, ListLook } from '../domain/provider.ts'
import type { ObserveDeps } from './look.ts'

/** A list that fails is gone on with, from its last page where the provider can: so often without another page. */
const tries_max = 3

/** Fires once nothing has come for so long; it does not count while the list waits for its account, or for us. */
const createWatchdog = (ms: number, abort: AbortController) => {
  let timer: NodeJS.Timeout | undefined
  let bark: (error: Error) => void = () => undefined
  const barked = new Promise<never>((_resolve, reject) => {
    bark = reject
  })
  barked.catch(() => undefined)
  const rest = (): void => {
    clearTimeout(timer)
  }
  return {
    rest,
    wake: (): void => {
      rest()
      timer = setTimeout(() => {
        const error = new Error(`the list fell silent for ${ms} ms`)
        bark(error)
        abort.abort(error)
      }, ms)
    },
    barked,
  }
}

/** One try. `from` is where the last one broke off. */
const listOnce = async function* (
  deps: ObserveDeps,
  provider: AnyProvider,
  scope: string,
  from: string | undefined,
): AsyncGenerator<Listed> {
  const abort = new AbortController()
  const watchdog = createWatchdog(provider.traits.call_timeout_ms, abort)
  const look: ListLook = {
    scope,
    signal: abort.signal,
    secrets: deps.secrets,
    turn: async () => {
      watchdog.rest()
      await deps.admit(provider, scope)
      watchdog.wake()
    },
    ...(from === undefined ? {} : { from }),
  }
  await deps.admit(provider, scope)
  const items = provider.list?.(look)[Symbol.asyncIterator]()
  if (items === undefined) return
  let over = false
  try {
    for (;;) {
      watchdog.wake()
      const next = await Promise.race([items.next(), watchdog.barked])
      watchdog.rest()
      over = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } finally {
    watchdog.rest()
    abort.abort()
    // One that does not listen to its signal may never come back.
    if (!over) void items.return?.().catch(() => undefined)
  }
}

/** Throws when it has failed too often; what it has yielded was seen all the same. */
export const listed = async function* (
  deps: ObserveDeps,
  provider: AnyProvider,
  scope: string,
): AsyncGenerator<Listed> {
  let from: string | undefined
  for (let tries = 1; ; tries++) {
    try {
      for await (const seen of listOnce(deps, provider, scope, from)) {
        if (seen.page !== undefined && seen.page !== from) {
          from = seen.page
          tries = 1
        }
        yield seen
      }
      return
    } catch (error) {
      if (tries >= tries_max) throw error
      deps.logger.warn(
        { error, kind: provider.kind, scope, tries },
        'list failed; going on with it',
      )
      await pause(look_later_ms(tries * 100))
    }
  }
}
