/**
 * The law: a worker goes on, or it ends with one line and an exit code so that whoever supervises it starts a
 * whole one. It never lingers half-dead. Real processes; connections and servers that really go away.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { connect } from '../../src/connect.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { ForewordError } from '../../src/domain/errors.ts'
import { openEmbedded } from '../../src/store/embedded/open.ts'
import { bench, recordStack, type Ran } from '../cli/harness.ts'
import { eventually } from '../support/eventually.ts'
import { silentProxy } from '../support/silent-proxy.ts'
import { thingProvider } from '../support/thing-provider.ts'
import { confirmedOf, startWorker, within } from './worker-command.ts'

const one_line = /^foreword: .+; .+/

const makeThing = defineDecider({
  name: 'make-thing',
  version: 1,
  read: (q) => ({ there: q.get('thing', 'a') }),
  decide: ({ there }) => (there === null ? create('thing', 'a', { size: 1 }) : []),
})

/** It ended as a supervisor needs it: exit 1, and a last line that says why. */
const endedWell = (t: Test, ended: Ran, why: RegExp): void => {
  t.equal(ended.code, 1, ended.stderr)
  // (That the server of tests is not durable is told at the beginning.)
  const lines = ended.errors.filter((line) => /^foreword: (?!warning)/.test(line))
  t.equal(lines.length, 1, ended.stderr)
  t.match(lines[0], one_line)
  t.match(lines[0], why)
  t.notMatch(ended.stderr, /^\s+at .+:\d+:\d+\)?$/m, 'and no trace of where')
}

t.test('connections of a worker are cut, all but that of its lock: it goes on', async (t) => {
  const b = await bench(t)
  const worker = await startWorker(b)
  for (const round of [1, 2, 3]) {
    await b.database.sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where
        datname = current_database()
        and pid <> pg_backend_pid()
        and application_name <> 'foreword:presence'
        and application_name not like 'test:%'`
    const file = await b.write(`${round}.json`, recordStack(3, 60 + round))
    const applied = await b.foreword(['apply', '-f', file])
    t.equal(applied.code, 0, applied.stderr)
    await eventually(
      `round ${round} is carried out`,
      async () => (await confirmedOf(b)) >= 3 * round,
      {
        deadline_ms: 30_000,
      },
    )
  }
  t.equal(worker.child.exitCode, null, 'the same worker')
  worker.child.kill('SIGTERM')
  const ended = await worker.ended
  t.equal(ended.code, 0, ended.stderr)
})

t.test('a job whose end cannot be noted ends the worker, in one line', async (t) => {
  const b = await bench(t)
  const worker = await startWorker(b)
  await b.database.sql.unsafe(`
    create function public.refuse() returns trigger language plpgsql as
      $$ begin raise exception 'not now'; end $$;
    create trigger refuse before delete on graphile_worker._private_jobs
      for each row execute function public.refuse()`)
  await b.database.sql`select foreword_code.wake()`
  endedWell(t, await within(worker.ended, 20_000), /not now/)
})

t.test('a database that ends idle sessions does not end a worker with nothing to do', async (t) => {
  const b = await bench(t)
  const name = new URL(b.database.url).pathname.slice(1)
  await b.database.sql`alter database ${b.database.sql(name)} set idle_session_timeout = '1s'`
  // Longer than a busy machine needs between two statements of its start: those sessions have no lock, and no excuse.
  const worker = await startWorker(b)
  await eventually('its lock was held in silence for three times as long', async () => {
    if (worker.child.exitCode !== null) throw new Error(worker.told())
    const rows = await b.database.sql`
      select from pg_stat_activity
      where
        datname = current_database()
        and application_name = 'foreword:presence'
        and clock_timestamp() - state_change > interval '3 seconds'`
    return rows.length > 0
  })
  worker.child.kill('SIGTERM')
  t.equal((await worker.ended).code, 0)
})

t.test('the tables of the queue are gone: the worker ends, in one line', async (t) => {
  const b = await bench(t)
  const worker = await startWorker(b)
  await b.database.sql`drop schema graphile_worker cascade`
  endedWell(t, await within(worker.ended, 40_000), /the queue cannot be asked for jobs/)
})

t.test('another release is deployed under a worker: it ends, in one line', async (t) => {
  const b = await bench(t, { config: 'limits: { sweep_interval_ms: 100 }' })
  const deploy = (version: string, hash: string) => b.database.sql`
    insert into foreword_private.deployment (version, hash, at)
    values (${version}, ${hash}, clock_timestamp())`
  const [ours] = await b.database.sql<{ version: string; hash: string }[]>`
    select version, hash from foreword_private.deployment`
  const worker = await startWorker(b)
  await deploy('99.0.0', 'theirs')
  endedWell(t, await within(worker.ended, 20_000), /migrated to another release/)

  // Its supervisor starts the same program again, which must not take the functions back under the new ones.
  for (const args of [['worker'], ['apply', '-f', await b.write('s.json', recordStack(1))]]) {
    endedWell(t, await b.foreword(args), /of a newer foreword \(99\.0\.0, this is .+migrate/)
  }
  const back = await b.foreword(['migrate'])
  t.equal(back.code, 0, 'who asks for it may')
  t.match(back.stdout, /Migrated/)
  t.match(
    await b.database.sql`select hash from foreword_private.deployment order by at desc limit 1`,
    [{ hash: ours?.hash }],
  )
})

t.test('foreword is dropped under a worker and a decider: both say so', async (t) => {
  const b = await bench(t, { config: 'limits: { sweep_interval_ms: 100 }' })
  const foreword = await connect({ database: b.database.url, providers: [thingProvider()] })
  t.teardown(foreword.close)
  const worker = await startWorker(b)
  await b.database.sql.unsafe('drop schema foreword, foreword_code, foreword_private cascade')
  endedWell(t, await within(worker.ended, 20_000), /not deployed in the database any more/)
  const refused = await foreword.decide(makeThing, { scope: 'acme' }).catch((e: unknown) => e)
  t.ok(refused instanceof ForewordError, String(refused))
  t.match(refused, { message: /another release/, where: /foreword_test/, remedy: /start it again/ })
})

t.test('the server stops for a while: the worker ends, and the next one takes over', async (t) => {
  const b = await bench(t, {
    faults: { profile: 'calm', delay_ms: [100, 300] },
    config: 'limits: { keep_answers_ms: 0 }',
  })
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-restart-'))
  const open = () => openEmbedded({ directory, mode: 'own', fsync: false })
  const first = await open()
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const env = { FOREWORD_DATABASE_URL: first.url }
  const worker = await startWorker(b, env)
  const file = await b.write('s.json', recordStack(60))
  const applied = await b.foreword(['apply', '-f', file], { env })
  t.equal(applied.code, 0, applied.stderr)
  await first.close()
  endedWell(t, await within(worker.ended, 20_000), /start it again/)

  const decider = await b.foreword(['apply', '-f', file], { env })
  t.equal(decider.code, 1)
  t.match(decider.errors.at(-1), /cannot reach the database|connection was lost/)

  const second = await open()
  t.teardown(() => second.close())
  const next = { FOREWORD_DATABASE_URL: second.url }
  const successor = await startWorker(b, next)
  const waited = await b.foreword(['apply', '-f', file, '--wait=60'], { env: next })
  t.equal(waited.code, 0, waited.stderr)
  t.equal((await b.ledger()).length, 60, 'no effect lost, none twice')
  successor.child.kill('SIGTERM')
  t.equal((await successor.ended).code, 0)
})

t.test(
  'a decider whose server is away gives up at once, and says so; later it decides',
  async (t) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'foreword-away-'))
    const open = () => openEmbedded({ directory, mode: 'own', fsync: false })
    const first = await open()
    t.teardown(() => rm(directory, { recursive: true, force: true }))
    const foreword = await connect({ database: first.url, providers: [thingProvider()] })
    t.teardown(foreword.close)
    const decide = () => foreword.decide(makeThing, { scope: 'acme' })
    t.match(await decide(), { type: 'decided' })
    await first.close()
    for (const round of [1, 2]) {
      const gave_up = await decide().then(
        () => null,
        (error: unknown) => error,
      )
      t.ok(gave_up instanceof ForewordError, `round ${round}: ${String(gave_up)}`)
      t.match(gave_up, { message: /^cannot reach the database/, where: /foreword$/, remedy: /.+/ })
    }
    const second = await open()
    t.teardown(() => second.close())
    if (second.url === first.url) t.match(await decide(), { type: 'unchanged' })
  },
)

t.test('the way to the server falls silent: the worker ends by itself', async (t) => {
  const b = await bench(t, { config: 'limits: { sweep_interval_ms: 100 }' })
  const proxy = await silentProxy(t, b.database.url)
  const worker = await startWorker(b, { FOREWORD_DATABASE_URL: proxy.url })
  proxy.fallSilent()
  endedWell(t, await within(worker.ended, 40_000), /does not answer any more/)
})
