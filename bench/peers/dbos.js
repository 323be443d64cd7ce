/**
 * DBOS: a workflow of one step per effect, enqueued. Of started directly, and queues polled every 1000, 100
 * and 20 ms, with and without a limit of workers, this was the fastest.
 */
import { DBOS } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import { poster, serve } from './loop.js'

const [url, stub] = process.argv.slice(2)
const post = poster(stub)

DBOS.setConfig({
  name: 'effects',
  systemDatabaseUrl: url,
  systemDatabasePoolSize: 20,
  logLevel: 'error',
  runAdminServer: false,
})
const effect = DBOS.registerWorkflow(
  (name) => DBOS.runStep(() => post(name, DBOS.workflowID), { name: 'post' }),
  { name: 'effect' },
)
await DBOS.launch()
await DBOS.registerQueue('effects', { minPollingIntervalMs: 100 })

const sql = new pg.Pool({ connectionString: url, max: 1 })
serve({
  submit: (name) => DBOS.startWorkflow(effect, { queueName: 'effects' })(name),
  open: async () => {
    const { rows } = await sql.query(
      `select count(*)::int as open from dbos.workflow_status where status not in ('SUCCESS', 'ERROR')`,
    )
    return rows[0].open
  },
})
