/** A server at a limit, of its own or one that somebody set: whoever asks is told which, and nothing is lost or half-written. */
import t, { type Test } from 'tap'
import { connect } from '../../src/connect.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { ForewordError } from '../../src/domain/errors.ts'
import { codeOf } from '../../src/store/connect.ts'
import { bench } from '../cli/harness.ts'
import { testDatabase } from '../support/database.ts'
import { allSettled, engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { loginAs } from '../support/login.ts'
import { testConfig } from '../support/settings.ts'
import { thingProvider } from '../support/thing-provider.ts'

const scope = 'acme'

const made = defineDecider({
  name: 'made',
  version: 1,
  read: () => ({}),
  decide: (_facts, name: string) => create('thing', name, { size: 1 }),
})

/** Told as an error with place and remedy, the SQLSTATE in its text and with its cause. */
const isTold = (t: Test, error: unknown, sqlstate: string, what: RegExp): void => {
  t.ok(error instanceof ForewordError, String(error))
  const { message, where, remedy, cause } = error as ForewordError
  t.match(message, what)
  t.match(message, new RegExp(sqlstate === '53300' ? 'connection' : `SQLSTATE ${sqlstate}`))
  t.match(where, /foreword_test/)
  t.not(remedy, '')
  t.equal(codeOf(cause), sqlstate)
}

const thrownBy = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    (came) => `it came to ${JSON.stringify(came)}`,
    (error: unknown) => error,
  )

t.test('what a server lacks is told with place and remedy, and nothing is written', async (t) => {
  const { url, sql } = await testDatabase(t)
  const foreword = await connect({ database: url, providers: [thingProvider()] })
  t.teardown(foreword.close)
  for (const [sqlstate, what] of [
    ['53100', /^the disk of the server is full \(no room,/],
    ['53200', /^the server is out of memory/],
    ['53400', /^a limit of the server’s configuration is exceeded/],
    ['58030', /^the server cannot read or write its files/],
  ] as const) {
    await sql.unsafe(`
      create function public.lack() returns trigger language plpgsql as
        $$ begin raise exception 'no room' using errcode = '${sqlstate}'; end $$;
      create trigger lack before insert on foreword_private.decision
        for each row execute function public.lack()`)
    // Several at once share a transaction: each is told.
    const asked = ['a', 'b', 'c'].map((input) => foreword.decide(made, { scope, input }))
    for (const error of await Promise.all(asked.map(thrownBy))) isTold(t, error, sqlstate, what)
    t.equal((await sql`select from foreword_private.entry`).length, 0)
    await sql.unsafe('drop function public.lack cascade')
  }
  t.match(await foreword.decide(made, { scope, input: 'a' }), { type: 'decided' }, 'it goes on')
})

t.test(
  'no connection left: a decider is told so, and goes on when there is one again',
  async (t) => {
    const db = await testDatabase(t)
    const { url } = await loginAs(t, db, ['foreword_decider', 'foreword_reader'])
    const user = new URL(url).username
    const foreword = await connect({ database: url, providers: [thingProvider()] })
    t.teardown(foreword.close)
    await db.sql.unsafe(`alter role ${user} connection limit 0`)
    await db.sql`
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where usename = ${user}`
    await eventually('its sessions are gone', async () => {
      const rows = await db.sql`select from pg_stat_activity where usename = ${user}`
      return rows.length === 0
    })
    const what = /cannot reach the database: the server has no connection left/
    const asked = foreword.decide(made, { scope, input: 'a' })
    isTold(t, await thrownBy(asked), '53300', what)
    isTold(
      t,
      await thrownBy(foreword.settled('01900000-0000-7000-8000-000000000000')),
      '53300',
      what,
    )
    await db.sql.unsafe(`alter role ${user} connection limit -1`)
    t.match(await foreword.decide(made, { scope, input: 'a' }), { type: 'decided' })
  },
)

t.test(
  'a statement_timeout of the database: deciders are told, audits are not ended',
  async (t) => {
    const b = await bench(t)
    const { sql, url } = b.database
    const name = new URL(url).pathname.slice(1)
    await sql`alter database ${sql(name)} set statement_timeout = '2s'`
    const foreword = await connect({ database: url, providers: [thingProvider()] })
    t.teardown(foreword.close)
    await sql.unsafe(`
    create function public.slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(60); return new; end $$;
    create trigger slow before insert on foreword_private.decision
      for each row execute function public.slow()`)
    const asked = foreword.decide(made, { scope, input: 'a' })
    isTold(t, await thrownBy(asked), '57014', /^the statement was cancelled \(.*statement timeout/)
    await sql.unsafe('drop function public.slow cascade')

    const holding = await sql.reserve()
    t.teardown(() => holding.release())
    await holding`begin`
    await holding`lock table foreword_private.attempt in access exclusive mode`
    const audited = b.foreword(['audit'])
    const ended = audited.then(({ stderr }) => Promise.reject(new Error(stderr)))
    ended.catch(() => undefined)
    const waited = eventually(
      'it has waited for longer',
      async () => {
        const rows = await sql`
        select from pg_stat_activity
        where
          datname = current_database()
          and wait_event_type = 'Lock'
          and clock_timestamp() - query_start > interval '3 seconds'`
        return rows.length > 0
      },
      { deadline_ms: 60_000 },
    )
    await Promise.race([waited, ended])
    await holding`commit`
    t.equal((await audited).code, 0, (await audited).stderr)
  },
)

t.test('a worker outlasts limits of its statements, and loses nothing', async (t) => {
  const { engine: beside, url } = await testEngine(t, { providers: [thingProvider()] })
  const { sql } = beside
  const told: string[] = []
  const line = (fields: Record<string, unknown>): void => void told.push(codeOf(fields['error']))
  const logger = { info: () => undefined, warn: line, error: line }
  const engine = engineOn(t, url, testConfig(url, { providers: [thingProvider()] }), 'test', {
    logger,
  })
  await testWorker(t, engine)
  await sql.unsafe(`
    create function public.full() returns trigger language plpgsql as
      $$ begin raise exception 'no room' using errcode = '53100'; end $$;
    create trigger full_up before insert on foreword_private.attempt
      for each row execute function public.full()`)
  await engine.decide(made, { scope, input: 'a' })
  await eventually('its claim was refused', () => told.includes('53100'))
  await sql.unsafe('drop function public.full cascade')
  t.match(await allSettled(beside), [{ name: 'a', state: 'confirmed' }])
})
