/** Figures and times as people read them, and the one sentence at the top of the page. */
import type { HealthRow } from '../domain/web-ports.ts'

export type Mood = 'ok' | 'busy' | 'warn' | 'bad'

export interface Verdict {
  readonly mood: Mood
  readonly says: string
  /** What follows from it, or what to do. */
  readonly then: string
}

const thousands = new Intl.NumberFormat('en-US')

export const count = (value: number): string => thousands.format(value)

/** `1 intent`, `2,000 intents`. */
export const counted = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`

const units: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
]

/** A span in its largest unit, rounded down: `59 s`, `3 min`, `2 d`. */
export const span = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds))
  const [name, size] = units.find(([, at_least]) => whole >= at_least) ?? ['s', 1]
  return `${count(Math.floor(whole / size))} ${name}`
}

/** A call's time: `15 ms`, `1.5 s`, then as spans are told. */
export const millis = (ms: number): string => {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : span(ms / 1_000)
}

/** Later than this a worker should have come by: sweeps are about a second apart. */
const late_s = 30

const underWay = (health: HealthRow): number => health.pending + health.applying + health.applied

const waits = (intents: number): string =>
  `${counted(intents, 'intent')} ${intents === 1 ? 'waits' : 'wait'}`

/** Not that all is as wanted: counting what an API has refused would read all that is wanted, each few seconds. */
const at_rest: Verdict = {
  mood: 'ok',
  says: 'Nothing is under way',
  then: 'No drift is known, and nothing waits for a person.',
}

/** What matters most now; the first that holds. */
export const verdictOf = (health: HealthRow): Verdict => {
  const waiting = health.waits_for_a_person + health.awaiting_approval
  const open = underWay(health)
  if (health.live_workers === 0) {
    return {
      mood: 'bad',
      says: 'No worker lives',
      then:
        open === 0
          ? 'Whatever is decided now waits until one is started.'
          : `${waits(open)} until one is started.`,
    }
  }
  if (waiting > 0) {
    return {
      mood: 'warn',
      says: `${waits(waiting)} for a person`,
      then: `What depends on ${waiting === 1 ? 'it' : 'them'} waits too; the rest goes on.`,
    }
  }
  if (health.unwell_accounts > 0 && open + health.in_doubt > 0) {
    const one = health.unwell_accounts === 1
    return {
      mood: 'warn',
      says: `${counted(health.unwell_accounts, 'account')} ${one ? 'fails or throttles' : 'fail or throttle'}`,
      then: `Only ${one ? 'its' : 'their'} intents wait; foreword.budget says since when, and why.`,
    }
  }
  if (health.paused_scopes > 0) {
    const one = health.paused_scopes === 1
    return {
      mood: 'warn',
      says: `${counted(health.paused_scopes, 'scope')} ${one ? 'is' : 'are'} paused`,
      then: `${waits(health.paused_intents)} until ${one ? 'it goes' : 'they go'} on; the rest is not held up.`,
    }
  }
  if (health.oldest_due_s > late_s) {
    return {
      mood: 'warn',
      says: `Work is ${span(health.oldest_due_s)} late`,
      then: 'More is due than the workers, or the limits of the providers, let through.',
    }
  }
  if (health.drifted_paths > 0 && open === 0) {
    return {
      mood: 'warn',
      says: 'The world differs from what is assumed',
      then: `At ${counted(health.drifted_paths, 'path')}; the next reconcile deals with them.`,
    }
  }
  if (open + health.in_doubt > 0) {
    return {
      mood: 'busy',
      says: `${counted(open + health.in_doubt, 'intent')} under way`,
      then: health.in_doubt > 0 ? 'Doubts are being looked up.' : 'Nothing waits for a person.',
    }
  }
  return at_rest
}
