/**
 * Rings once, at the soonest moment that it was set to, and never before: timers count from when the loop turned
 * last, which may be some while ago.
 */
import { timer_ms_max } from '../domain/codec/provider.ts'

export const createAlarm = (ring: () => void) => {
  let set: { readonly at: number; readonly timer: NodeJS.Timeout } | null = null
  const clear = (): void => {
    if (set !== null) clearTimeout(set.timer)
    set = null
  }
  const setTo = (at: number): void => {
    clear()
    const timer = setTimeout(
      () => {
        set = null
        if (performance.now() < at) setTo(at)
        else ring()
      },
      Math.min(timer_ms_max, Math.ceil(Math.max(0, at - performance.now()))),
    )
    set = { at, timer }
  }
  return {
    clear,
    in: (ms: number): void => {
      const at = performance.now() + ms
      if (set === null || at < set.at) setTo(at)
    },
  }
}
