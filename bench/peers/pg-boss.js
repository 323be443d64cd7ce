/**
 * pg-boss, tuned: batches of 64 that follow each other while they are full, two of them at once, results per
 * job. `notify`: workers are woken by LISTEN/NOTIFY, which costs every submission its share of a group
 * commit; else they poll twice a second, the least that it allows: more work done, and each piece of it late.
 */
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { poster, serve } from './loop.js'

const [url, stub, wake] = process.argv.slice(2)
const notify = wake === 'notify'
const queue = 'effects'
const post = poster(stub)

const boss = new PgBoss({ connectionString: url, max: 20, useListenNotify: notify })
boss.on('error', console.error)
await boss.start()
await boss.createQueue(queue, { notify, retryLimit: 2 })
await boss.work(
  queue,
  {
    batchSize: 64,
    burstWhenBatchFull: true,
    perJobResults: true,
    localConcurrency: 2,
    pollingIntervalSeconds: 0.5,
  },
  (jobs) =>
    Promise.all(
      jobs.map(async (job) => ({
        id: job.id,
        status: 'completed',
        output: await post(job.data.name, job.id),
      })),
    ),
)

const sql = new pg.Pool({ connectionString: url, max: 1 })
serve({
  submit: (name) => boss.send(queue, { name }),
  open: async () => {
    const { rows } = await sql.query(
      `select count(*)::int as open from pgboss.job where name = $1 and state < 'completed'`,
      [queue],
    )
    return rows[0].open
  },
})
