/** What is compared by bench/apply.ts, each on a database of its own, submitters and worker in one process. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchDatabase } from './database.ts'
import { createOne, newName, scope, someName, stubProvider, updateOne } from './apply-unit.ts'
import { kill, startProgram } from './processes.ts'

/** One who takes work durably and carries it out. */
export interface Side {
  /** Resolves when the work is durable. */
  readonly submit: () => Promise<void>
  /** Work whose outcome is not durable yet. */
  readonly open: () => Promise<number>
  readonly close: () => Promise<void>
}

/** Effects per second, from the first submission to the last durable outcome. */
export const endToEnd = async (side: Side, callers: number, ms: number): Promise<number> => {
  const started = performance.now()
  let submitted = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < started + ms) {
        await side.submit()
        submitted += 1
      }
    }),
  )
  while ((await side.open()) > 0) await sleep(5)
  return (submitted / (performance.now() - started)) * 1_000
}

/** Changes of resources that are there, or creations of new ones, which write half as much again. */
export const ours = (
  database: BenchDatabase,
  stub: string,
  verb: 'update' | 'create' = 'update',
): Side => {
  const engine = database.engine({ providers: [stubProvider(stub)] })
  const decide = engine.decideHere
  return {
    submit: async () => {
      const decided = await (verb === 'create'
        ? decide(createOne, { scope, input: newName() })
        : decide(updateOne, { scope, input: someName() }))
      if (decided.type !== 'decided') throw new Error(JSON.stringify(decided))
    },
    open: async () => {
      // One is enough to wait for, and found by the index of what is open: counting all took 3 ms of a server each time.
      const rows = await database.sql`
        select from foreword_private.entry where settled_at is null order by resource, version limit 1`
      return rows.length
    },
    close: async () => undefined,
  }
}

const peers_folder = path.join(import.meta.dirname, 'peers')
const peers_missing = `the peers are not installed: npm ci --ignore-scripts --prefix ${path.relative('', peers_folder)}`

export interface Peer {
  readonly run: (ms: number) => Promise<number>
  readonly close: () => Promise<void>
}

/** A peer brings its own packages: it runs in a process of its own, by the same loop. */
export const peer = async (program: string, args: readonly string[]): Promise<Peer> => {
  if (!existsSync(path.join(peers_folder, 'node_modules'))) throw new Error(peers_missing)
  const { child } = await startProgram(path.join('peers', program), args)
  return {
    run: async (ms) => {
      child.send({ ms })
      const gone = once(child, 'exit').then(() => {
        throw new Error(`bench/peers/${program} has ended`)
      })
      const [rate] = (await Promise.race([once(child, 'message'), gone])) as [number]
      gone.catch(() => undefined)
      return rate
    },
    close: () => kill(child),
  }
}
