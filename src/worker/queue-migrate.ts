/** The queue's own tables, made and brought up by its package. */
import { Logger as GraphileLog, makeWorkerUtils, runMigrations } from 'graphile-worker'
import { tasks } from './queue-tasks.ts'

const silent = new GraphileLog(() => () => undefined)

/**
 * The queue's own tables, and our task names: a name is registered with the first job that bears it,
 * and that must not happen while deciders run.
 */
export const migrateQueue = async (url: string): Promise<void> => {
  await runMigrations({ connectionString: url, logger: silent })
  const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: 2, logger: silent })
  try {
    for (const task of Object.values(tasks)) {
      const jobKey = `foreword:register:${task}`
      await utils.addJob(task, {}, { jobKey, runAt: new Date('9999-01-01') })
      await utils.withPgClient((client) =>
        client.query('select graphile_worker.remove_job($1)', [jobKey]),
      )
    }
  } finally {
    await utils.release()
  }
}
