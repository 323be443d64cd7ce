/** The queue's own migrations run where they are wanted, and cost no session where they are not. */
import t from 'tap'
import { migrateAll } from '../../src/foreword.ts'
import { readQueue } from '../../src/store/queue-state.ts'
import { queueVersion } from '../../src/worker/queue-needs.ts'
import { tasks } from '../../src/worker/queue-tasks.ts'
import { testDatabase } from '../support/database.ts'

const names = Object.values(tasks).toSorted()

t.test('a database that is of this version has its queue left alone', async (t) => {
  const { url, sql } = await testDatabase(t)
  const jobs = async () => {
    const [row] = await sql`
      select s.last_value from pg_sequences s where s.schemaname = 'graphile_worker'`
    return row
  }
  const before = await jobs()
  await migrateAll(url)
  t.same(await jobs(), before, 'no job was added')
  const state = await readQueue(sql)
  t.equal(state?.version, await queueVersion())
  t.same(state?.tasks.toSorted(), names)
})

t.test('what is missing of the queue is made: a name of a task, or all of it', async (t) => {
  const { url, sql } = await testDatabase(t)
  await sql`delete from graphile_worker._private_tasks`
  t.same((await readQueue(sql))?.tasks, [])
  await migrateAll(url)
  t.same((await readQueue(sql))?.tasks.toSorted(), names)
  await sql`drop schema graphile_worker cascade`
  t.equal(await readQueue(sql), null)
  await migrateAll(url)
  t.same((await readQueue(sql))?.tasks.toSorted(), names)
})
