/** Inside of a process that is to suffer: dies or stands still at named points, and lives by a clock that jumps. */
import { writeSync } from 'node:fs'
import { armFailPoints, type FailPoint } from '../../src/domain/fail-point.ts'

/** One point of one process, as the harness gives it in FOREWORD_FAIL_POINTS (a JSON array). */
export interface TrapAt {
  readonly point: FailPoint
  readonly nth: number
  readonly action: 'kill' | 'stop'
  readonly after_ms: number
  readonly for_ms: number
}

/** What the harness reads: written before anything is done, since nothing can be written after it. */
const tell = (line: string): void => {
  writeSync(1, `${line}\n`)
}

const spring = ({ point, action, for_ms }: TrapAt): void => {
  tell(`trap ${point} ${action} ${for_ms}`)
  process.kill(process.pid, action === 'kill' ? 'SIGKILL' : 'SIGSTOP')
}

export const setTraps = (): void => {
  const traps = JSON.parse(process.env['FOREWORD_FAIL_POINTS'] ?? '[]') as readonly TrapAt[]
  if (traps.length === 0) return
  const passed = new Map<FailPoint, number>()
  armFailPoints((point) => {
    const times = (passed.get(point) ?? 0) + 1
    passed.set(point, times)
    for (const trap of traps) {
      if (trap.point !== point || trap.nth !== times) continue
      if (trap.after_ms === 0) spring(trap)
      else setTimeout(spring, trap.after_ms, trap)
    }
  })
}

/** From `at_ms` on, every new Date() of this process is off by so much. */
export const jumpClock = (jumps: readonly { readonly at_ms: number; readonly by_ms: number }[]) => {
  const TrueDate = Date
  let off_ms = 0
  const now = (): number => TrueDate.now() + off_ms
  globalThis.Date = new Proxy(TrueDate, {
    construct: (target, args: unknown[], self) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, self) as object,
    get: (target, key, self) => (key === 'now' ? now : (Reflect.get(target, key, self) as unknown)),
  })
  for (const { at_ms, by_ms } of jumps) {
    setTimeout(() => {
      off_ms += by_ms
      tell(`clock ${by_ms}`)
    }, at_ms)
  }
}
