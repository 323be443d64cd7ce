/** Hunts mutants: each by its own schedule, which foreword itself must pass. */
import { lanes_default, sideBySide, type Grounds } from './grounds.ts'
import { judge, rest_ms, type Verdict } from './judge.ts'
import { mutants, spared, type Mutant } from './mutants.ts'
import { makeRoom, mutateDatabase } from './mutate.ts'

interface Hunted {
  readonly killed: boolean
  readonly how: string
}

/** Plays a mutant's schedule on it; `whole`: on foreword as it is. */
const playOf = async (mutant: Mutant, grounds: Grounds, whole: boolean): Promise<Verdict> => {
  const { room, remove } = makeRoom(mutant, whole)
  try {
    return await judge(mutant.schedule, {
      ground: await grounds.shared(),
      cache: grounds.cache,
      room,
      rest_ms: whole ? rest_ms : (mutant.rest_ms ?? rest_ms),
      prepare: async (sql) => {
        if (!whole) await mutateDatabase(sql, mutant)
        await mutant.prepare?.(sql)
      },
    })
  } finally {
    remove()
  }
}

const first = ({ breaches: [breach] }: Verdict): string =>
  breach === undefined ? 'nothing was noticed' : `${breach.law}: ${breach.what}`

/** A replay is the same attempt, not the same run: who comes first within it is the machine's matter. */
const tries_max = 3

/** A mutant is killed when it breaks a law on a schedule on which foreword breaks none. */
const hunt = async (mutant: Mutant, grounds: Grounds): Promise<Hunted> => {
  const control = await playOf(mutant, grounds, true)
  if (control.breaches.length > 0) {
    return { killed: false, how: `foreword itself fails: ${first(control)}` }
  }
  let verdict = await playOf(mutant, grounds, false)
  for (let tries = 1; tries < tries_max && verdict.breaches.length === 0; tries += 1) {
    verdict = await playOf(mutant, grounds, false)
  }
  return { killed: verdict.breaches.length > 0, how: first(verdict) }
}

export interface Bag {
  readonly mutants: number
  readonly killed: number
  /** What is missing and saved by something else, and broke a law all the same. */
  readonly not_spared: number
}

export interface HuntOptions {
  readonly lanes?: number
  /** Names of some of them; absent: all. */
  readonly only?: readonly string[]
  readonly progress: (line: string) => void
}

export const huntAll = async (grounds: Grounds, options: HuntOptions): Promise<Bag> => {
  const { lanes = lanes_default, only, progress } = options
  const asked = ({ name }: Mutant): boolean => only?.includes(name) ?? true
  const hunted = mutants.filter(asked)
  let killed = 0
  let not_spared = 0
  await sideBySide(lanes, hunted, async (mutant) => {
    const { killed: dead, how } = await hunt(mutant, grounds)
    if (dead) killed += 1
    progress(`mutant ${mutant.name}: ${dead ? 'killed' : 'ALIVE'}: ${how}`)
  })
  await sideBySide(lanes, spared.filter(asked), async (mutant) => {
    const verdict = await playOf(mutant, grounds, false)
    if (verdict.breaches.length > 0) not_spared += 1
    progress(`spared ${mutant.name}: ${first(verdict)}`)
  })
  return { mutants: hunted.length, killed, not_spared }
}
