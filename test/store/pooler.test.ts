/**
 * The law: through a pooler that gives each client a session of its own foreword works as without one, its settings
 * included; through one that hands sessions on it refuses to, before anything is written. A real PgBouncer.
 */
import t from 'tap'
import { ForewordError } from '../../src/domain/errors.ts'
import { connectSql } from '../../src/store/connect.ts'
import { reachable } from '../../src/store/reachable.ts'
import { bench, recordStack, type Bench } from '../cli/harness.ts'
import { startWorker } from '../crash/worker-command.ts'
import { testDatabase } from '../support/database.ts'
import { noPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'

const all_ignored =
  'ignore_startup_parameters = default_transaction_isolation,idle_in_transaction_session_timeout,lock_timeout,options'

const decidersOf = async (b: Bench) => b.database.sql<{ at: string }[]>`
  select application_name as at from pg_stat_activity
  where datname = current_database() and application_name like 'foreword:%'`

for (const [how, more] of [
  ['refuses', ''],
  ['ignores', all_ignored],
] as const) {
  t.test(
    `through a session pool that ${how} settings, foreword works`,
    { skip: noPgbouncer },
    async (t) => {
      const b = await bench(t)
      const url = await startPgbouncer(t, b.database.url, { mode: 'session', more })
      const env = { FOREWORD_DATABASE_URL: url }
      const worker = await startWorker(b, env)
      t.ok((await decidersOf(b)).some(({ at }) => at === 'foreword:presence'))
      const file = await b.write('s.json', recordStack(12))
      const applied = await b.foreword(['apply', '-f', file, '--wait=60'], { env })
      t.equal(applied.code, 0, applied.stderr)
      t.equal((await b.ledger()).length, 12)
      const [alive] = await b.database.sql<{ count: number }[]>`
        select count(*) as count from foreword.worker where alive`
      t.equal(alive?.count, 1, 'its lock is its own')
      worker.child.kill('SIGTERM')
      t.equal((await worker.ended).code, 0)

      await reachable(url)
      const fresh = connectSql({
        url,
        application_name: 'foreword:lent',
        max: 1,
        connection: { lock_timeout: '1234', enable_seqscan: 'off' },
      })
      t.teardown(() => fresh.end({ timeout: 1 }))
      const tx = await fresh.reserve()
      t.same(
        await tx`
          select
            current_setting('lock_timeout') as lock_timeout,
            current_setting('enable_seqscan') as enable_seqscan,
            current_setting('transaction_isolation') as isolation`,
        [{ lock_timeout: '1234ms', enable_seqscan: 'off', isolation: 'read committed' }],
        'a session that is lent to decide has its settings',
      )
      tx.release()
    },
  )
}

t.test(
  'a pool that hands sessions on is refused by every command',
  { skip: noPgbouncer },
  async (t) => {
    const b = await bench(t)
    const file = await b.write('s.json', recordStack(3))
    for (const more of ['', all_ignored, `${all_ignored}\nserver_round_robin = 1`]) {
      const url = await startPgbouncer(t, b.database.url, { mode: 'transaction', more })
      const env = { FOREWORD_DATABASE_URL: url }
      for (const args of [['worker'], ['apply', '-f', file], ['status']]) {
        const { code, errors } = await b.foreword(args, { env })
        t.equal(code, 1)
        t.equal(errors.length, 1, errors.join())
        t.match(
          errors[0],
          /^foreword: a pooler is between, in transaction mode.+pool_mode = session/,
        )
      }
      const doctor = await b.foreword(['doctor'], { env })
      t.equal(doctor.code, 1)
      t.match(doctor.stdout, /^FAIL {2}server +a pooler is between, in transaction mode/)
    }
    t.same(await b.database.sql`select from foreword.worker`, [], 'nobody has entered')
  },
)

t.test(
  'a pool that takes no settings is refused where the database has others',
  { skip: noPgbouncer },
  async (t) => {
    const { url, sql } = await testDatabase(t)
    const name = new URL(url).pathname.slice(1)
    await sql`alter database ${sql(name)} set default_transaction_isolation = 'serializable'`
    const through = await startPgbouncer(t, url, { mode: 'session' })
    const refused = await reachable(through).catch((error: unknown) => error)
    t.ok(refused instanceof ForewordError)
    t.match(refused, {
      message: /takes no settings, and by default transactions are serializable/,
      remedy: /set default_transaction_isolation = 'read committed'/,
    })
  },
)
