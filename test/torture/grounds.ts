/** The servers of a run, and how much goes on at once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { openGround, type Ground } from './ground.ts'

/** One server for all, and one of its own for those that crash it: made when the first asks. */
export interface Grounds {
  readonly shared: () => Promise<Ground>
  readonly crashing: () => Promise<Ground>
  readonly cache: string
  readonly close: () => Promise<void>
}

const once = <A>(make: () => Promise<A>) => {
  let made: Promise<A> | undefined
  return { get: () => (made ??= make()), made: () => made }
}

export const openGrounds = async (): Promise<Grounds> => {
  const shared = once(openGround)
  const crashing = once(openGround)
  const cache = await mkdtemp(path.join(tmpdir(), 'foreword-torture-code-'))
  return {
    shared: shared.get,
    crashing: crashing.get,
    cache,
    close: async () => {
      for (const ground of [shared.made(), crashing.made()]) await (await ground)?.close()
      await rm(cache, { recursive: true, force: true })
    },
  }
}

/** Runs `work` on each, so many at a time. */
export const sideBySide = async <A>(
  lanes: number,
  all: readonly A[],
  work: (a: A) => Promise<void>,
): Promise<void> => {
  const left = [...all]
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** A schedule mostly waits: for processes to start, for leases to run out, for looks to agree. */
export const lanes_default = 2 * availableParallelism()
