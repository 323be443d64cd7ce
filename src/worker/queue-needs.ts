/** What the queue needs in a database. Apart from the queue, whose package takes longer to load than most commands to run. */
import { readdir } from 'node:fs/promises'
import { tasks } from './queue-tasks.ts'

/** The migration that the queue's own tables must have come to: the last one that its package brings. */
export const queueVersion = async (): Promise<number> => {
  const files = await readdir(new URL('../sql/', import.meta.resolve('graphile-worker')))
  return Math.max(0, ...files.map((name) => Number(/^(\d+)\.sql$/.exec(name)?.[1] ?? 0)))
}

/** The queue's own migrations, where they are not there: asking is one statement, running them two more sessions. */
export const bringQueue = async (
  url: string,
  found: { readonly version: number; readonly tasks: readonly string[] } | null,
): Promise<void> => {
  const there = Object.values(tasks).every((task) => found?.tasks.includes(task) === true)
  if (there && found?.version === (await queueVersion())) return
  await (await import('./queue-migrate.ts')).migrateQueue(url)
}
