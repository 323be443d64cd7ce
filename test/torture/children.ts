/** The processes of one schedule: started, listened to, stopped, resumed, killed, and never left behind. */
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import type { Role } from './schedule.ts'
import { canary, type Setting } from './setting.ts'
import type { TrapAt } from './trap.ts'

export interface Child {
  readonly role: Role
  readonly index: number
  readonly pid: number
  alive: boolean
  /** It stands still (SIGSTOP). */
  stopped: boolean
  /** When it was last resumed. */
  resumed_at: number
  /** Killed, stopped, cut off, or gone by itself: what it heard it may not have written in time. */
  disturbed: boolean
  /** It may not even have read an answer: all of these, but for a stop right after one. */
  lost: boolean
  /** It said that it lives. */
  ready: boolean
  /** It ended by itself and was done. */
  done: boolean
}

export interface Start {
  readonly role: Role
  readonly index: number
  readonly setting: Setting
  readonly traps: readonly TrapAt[]
}

export interface Children {
  readonly start: (start: Start) => Child
  readonly all: readonly Child[]
  readonly kill: (child: Child) => void
  readonly stop: (child: Child, for_ms: number) => void
  /** `point action` of each trap that was sprung. */
  readonly sprung: readonly string[]
  /** Where a process printed what is secret. */
  readonly leaks: readonly string[]
  /** At the end, when nothing is under way: nobody counts as disturbed by it. */
  readonly killAll: () => Promise<void>
}

export interface Heard {
  readonly onLine: (child: Child, line: string) => void
  readonly onExit: (child: Child) => void
}

/** Whoever ends us, even in the middle, leaves nobody behind. */
const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** Code is compiled once for all of them. */
const env = (traps: readonly TrapAt[], cache: string): NodeJS.ProcessEnv => ({
  ...process.env,
  FOREWORD_FAIL_POINTS: JSON.stringify(traps),
  NODE_COMPILE_CACHE: cache,
  [canary.variable]: canary.value,
})

/** Calls back with each whole line of a stream. */
const linesOf = (child: ChildProcess, onLine: (line: string) => void): void => {
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
}

/** `room`: the directory of this room, or of a copy of it beside a copy of src. */
export const createChildren = (room: string, cache: string, heard: Heard): Children => {
  const all: Child[] = []
  const sprung: string[] = []
  const leaks: string[] = []
  const running = new Map<Child, { process: ChildProcess; gone: Promise<void> }>()
  const timers = new Set<NodeJS.Timeout>()
  let ending = false

  const signal = (child: Child, name: NodeJS.Signals): void => {
    if (child.alive) running.get(child)?.process.kill(name)
  }
  const resumeIn = (child: Child, for_ms: number): void => {
    child.stopped = true
    child.disturbed = true
    const timer = setTimeout(() => {
      timers.delete(timer)
      child.stopped = false
      child.resumed_at = performance.now()
      signal(child, 'SIGCONT')
    }, for_ms)
    timers.add(timer)
  }
  const start = ({ role, index, setting, traps }: Start): Child => {
    const program = path.join(room, `${role}-process.ts`)
    const spawned = spawn(process.execPath, [program, JSON.stringify(setting)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: env(traps, cache),
    })
    const child: Child = {
      role,
      index,
      pid: spawned.pid ?? 0,
      alive: true,
      stopped: false,
      resumed_at: 0,
      disturbed: false,
      lost: false,
      ready: false,
      done: false,
    }
    all.push(child)
    living.add(spawned)
    spawned.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes(canary.value)) leaks.push(`${role} ${child.pid} printed the secret`)
      if (process.env['TORTURE_LOG'] !== undefined) process.stderr.write(text)
    })
    linesOf(spawned, (line) => {
      if (line.includes(canary.value)) leaks.push(`${role} ${child.pid} printed the secret`)
      const [word, point = '', action = '', for_ms = ''] = line.split(' ')
      if (word === 'trap') {
        sprung.push(`${point} ${action}`)
        child.disturbed = true
        child.lost ||= action === 'kill' || point !== 'after_apply'
        if (action === 'stop') resumeIn(child, Number(for_ms))
      } else if (line === 'alive') child.ready = true
      else if (line === 'done') child.done = true
      heard.onLine(child, line)
    })
    const gone = new Promise<void>((resolve) => {
      spawned.once('close', () => {
        child.alive = false
        living.delete(spawned)
        if (!child.done && !ending) child.disturbed = child.lost = true
        running.delete(child)
        heard.onExit(child)
        resolve()
      })
    })
    running.set(child, { process: spawned, gone })
    return child
  }
  return {
    start,
    all,
    sprung,
    leaks,
    kill: (child) => {
      child.disturbed = child.lost = true
      signal(child, 'SIGKILL')
    },
    stop: (child, for_ms) => {
      if (!child.alive || child.stopped) return
      child.lost = true
      signal(child, 'SIGSTOP')
      resumeIn(child, for_ms)
    },
    killAll: async () => {
      ending = true
      for (const timer of timers) clearTimeout(timer)
      const left = [...running.values()]
      for (const { process: spawned } of left) spawned.kill('SIGKILL')
      await Promise.all(left.map(({ gone }) => gone))
      ending = false
    },
  }
}
