/** What a person says on the page: it is done as the command line does it, and by nobody else. */
import t, { type Test } from 'tap'
import { create } from '../../src/domain/decider.ts'
import { applied } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { reading, takingRole } from '../../src/store/web/session.ts'
import { testDatabase } from '../support/database.ts'
import { engineOn, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { loginAs } from '../support/login.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { testConfig } from '../support/settings.ts'
import { ask, enter, formOn, post, webOn } from '../support/web.ts'

/** Things whose first call loses its answer: nobody knows whether it happened. */
const losing = () => {
  const calls: string[] = []
  const provider = scriptedProvider({
    call: (call) => {
      calls.push(call.name)
      if (calls.filter((name) => name === call.name).length === 1) {
        return Promise.reject(new Error('the answer \u001b[31mwas lost'))
      }
      return Promise.resolve(applied({ made: true }))
    },
  })
  return { provider, calls }
}

const stateOf = async (engine: Engine, id: number): Promise<string> => {
  const [row] = await engine.sql<{ state: string }[]>`
    select state from foreword.intent where id = ${id}`
  return row?.state ?? ''
}

const until = (engine: Engine, id: number, state: string): Promise<unknown> =>
  eventually(`intent ${id} is ${state}`, async () => (await stateOf(engine, id)) === state)

const rulingsOf = (engine: Engine, id: number) =>
  engine.sql<{ ruling: string; by: string; note: string; login: string }[]>`
    select ruling, by, note, login from foreword.ruling where intent_id = ${id} order by id`

/** A world with a doubt that waits for a person, its page, and somebody who has opened it. */
const doubtful = async (t: Test, name = 'one') => {
  const { provider, calls } = losing()
  const { engine, url } = await testEngine(t, { providers: [provider] })
  await testWorker(t, engine)
  const drafts = [create('thing', name, { size: 1 })]
  const result = await engine.decide(say, { scope: 'acme', input: { drafts } })
  const id = result.type === 'decided' ? (result.intents[0]?.id ?? 0) : 0
  await eventually('it waits for a person', async () => {
    const rows = await engine.sql`
      select from foreword.doubt where intent_id = ${id} and waits_for_a_person`
    return rows.length === 1
  })
  const web = await webOn(t, engine.sql)
  return { engine, url, web, id, calls, visitor: await enter(web) }
}

t.test('a doubt that is ruled on through the page settles, and who and why are kept', async (t) => {
  const { engine, web, id, calls, visitor } = await doubtful(t)
  const { text } = await ask(web, '/doubts', { headers: visitor })
  t.match(text, /1 intent waits for you/)
  t.match(text, /Did create of thing\/one happen\?/)
  t.match(text, /the answer \\x1b\[31mwas lost/, 'what came back')
  const form = formOn(text, id)
  t.match(form, { intent: String(id), attempts: '1', by: 'ops@test' })
  const said = { ...form, ruling: 'did_not_happen', note: 'not in the console', confirm: 'one' }
  const answer = await post(web, visitor, said)
  t.equal(answer.status, 303)
  t.equal(answer.headers.location, `/intent?id=${id}&ruled=did_not_happen`)
  await until(engine, id, 'confirmed')
  t.same(calls, ['one', 'one'], 'it was called for again')
  t.match(await rulingsOf(engine, id), [
    { ruling: 'did_not_happen', by: 'ops@test', note: 'not in the console' },
  ])
  const after = await ask(web, String(answer.headers.location), { headers: visitor })
  t.match(after.text, /Recorded: <b>did not happen<\/b>/)
  t.match(after.text, /confirmed/)
  const doubts = await ask(web, '/doubts', { headers: visitor })
  t.match(doubts.text, /Nothing waits for you/)
  t.match(doubts.text, /not in the console/)
})

t.test('a ruling is made only by who types what it is about', async (t) => {
  const { engine, web, id, visitor } = await doubtful(t)
  const page = await ask(web, `/intent?id=${id}`, { headers: visitor })
  const said = { ...formOn(page.text, id), ruling: 'abandon', note: 'why <b>not</b>', by: 'ann' }
  for (const confirm of ['', 'on', 'One', 'retry', 'thing/one']) {
    const answer = await post(web, visitor, { ...said, confirm })
    t.equal(answer.status, 422, JSON.stringify(confirm))
    t.match(answer.text, /role="alert"/)
    t.match(answer.text, /why &lt;b&gt;not&lt;\/b&gt;<\/textarea/, 'what was typed is kept')
    t.match(formOn(answer.text, id), { by: 'ann' })
  }
  t.equal(await stateOf(engine, id), 'in_doubt')
  t.same(await rulingsOf(engine, id), [])
  t.equal((await post(web, visitor, { ...said, confirm: ' Abandon ' })).status, 303)
  await until(engine, id, 'cancelled')
})

t.test('what the database refuses is told in its words, and nothing is changed', async (t) => {
  const { engine, web, id, visitor } = await doubtful(t)
  const page = await ask(web, `/intent?id=${id}`, { headers: visitor })
  const said = { ...formOn(page.text, id), ruling: 'retry', note: 'x', confirm: 'one' }
  const refusals = [
    [{ note: ' ' }, /a ruling needs a note/],
    [{ by: '' }, /a ruling needs to say whose it is/],
    [{ by: 'a\u0007b' }, /a ruling needs to say whose it is/],
    [{ external_id: '\0' }, /an external id, and it is not/],
    [{ ruling: 'approve', confirm: 'approve' }, /does not wait for approval/],
    [{ external_id: 'e1' }, /an external id, and it is not ruled that it happened/],
  ] as const
  for (const [over, why] of refusals) {
    const answer = await post(web, visitor, { ...said, ...over })
    t.equal(answer.status, 409, String(why))
    t.match(answer.text, why)
  }
  t.same(await rulingsOf(engine, id), [])
  t.equal(await stateOf(engine, id), 'in_doubt')
})

t.test('a ruling speaks of the calls that were shown: of others it is refused', async (t) => {
  const { engine, web, id, calls, visitor } = await doubtful(t)
  const page = await ask(web, `/intent?id=${id}`, { headers: visitor })
  const said = { ...formOn(page.text, id), ruling: 'retry', note: 'x', confirm: 'retry' }
  const answer = await post(web, visitor, { ...said, attempts: '0' })
  t.equal(answer.status, 409)
  t.match(answer.text, /has moved since you looked/)
  t.same(await rulingsOf(engine, id), [], 'taken back whole')
  t.equal(await stateOf(engine, id), 'in_doubt')
  t.same(calls, ['one'])
})

t.test('of rulings sent at the same time one counts', async (t) => {
  const { engine, web, id, visitor } = await doubtful(t)
  const page = await ask(web, `/intent?id=${id}`, { headers: visitor })
  const said = { ...formOn(page.text, id), note: 'x' }
  const answers = await Promise.all(
    ['abandon', 'did_not_happen', 'abandon', 'retry'].map((ruling) =>
      post(web, visitor, { ...said, ruling, confirm: ruling }),
    ),
  )
  const statuses = answers.map((answer) => answer.status).toSorted((a, b) => a - b)
  t.same(statuses, [303, 409, 409, 409])
  t.equal((await rulingsOf(engine, id)).length, 1)
})

t.test('a form from anywhere else, or from nobody known, changes nothing', async (t) => {
  const { engine, web, id, calls, visitor } = await doubtful(t)
  const page = await ask(web, `/intent?id=${id}`, { headers: visitor })
  const said = { ...formOn(page.text, id), ruling: 'retry', note: 'x', confirm: 'one' }
  const ours = `http://127.0.0.1:${web.port}`
  const origins = [
    'http://evil.example',
    'null',
    '',
    `https://127.0.0.1:${web.port}`,
    'http://127.0.0.1',
    `http://127.0.0.1:${web.port + 1}`,
    `http://localhost:${web.port}`,
    `${ours}.evil.example`,
  ]
  for (const origin of origins) {
    t.equal((await post(web, visitor, said, { origin })).status, 403, `origin ${origin}`)
  }
  const body = new URLSearchParams(said).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const missing = { method: 'POST', headers: { ...visitor, ...type }, body }
  t.equal((await ask(web, '/rule', missing)).status, 403, 'no origin')
  const crossing = await post(web, visitor, said, { 'sec-fetch-site': 'cross-site' })
  t.equal(crossing.status, 403, 'another site')
  t.equal((await post(web, {}, said)).status, 401, 'no cookie')
  const foreign = { host: 'evil.example', origin: 'http://evil.example' }
  t.ok([400, 421].includes((await post(web, visitor, said, foreign)).status), 'another host')
  t.equal((await ask(web, '/rule', { headers: visitor })).status, 405, 'GET')
  const posted = { method: 'POST', headers: { ...visitor, origin: ours, ...type }, body }
  t.equal((await ask(web, '/intent', posted)).status, 405, 'posted elsewhere')
  t.equal((await post(web, visitor, said, { 'content-type': 'text/plain' })).status, 415)
  t.equal((await post(web, visitor, { ...said, note: 'x'.repeat(70_000) })).status, 413)
  for (const over of [{ ruling: 'drop' }, { intent: '1e3' }, { intent: '-1' }, { attempts: '' }]) {
    t.equal((await post(web, visitor, { ...said, ...over })).status, 400, JSON.stringify(over))
  }
  t.equal((await post(web, visitor, { ...said, intent: '99999' })).status, 404)
  t.same(await rulingsOf(engine, id), [])
  t.equal(await stateOf(engine, id), 'in_doubt')
  t.same(calls, ['one'], 'nothing was called for')
  t.equal((await post(web, visitor, said)).status, 303, 'the same from the page itself')
})

t.test(
  'an intent that a policy holds back goes on when approved, and not when cancelled',
  async (t) => {
    const provider = scriptedProvider({})
    const { engine } = await testEngine(t, {
      providers: [provider],
      policies: [{ scope: '*', kind: '*', approve: ['create'] }],
    })
    await testWorker(t, engine)
    const drafts = [create('thing', 'yes', { a: 1 }), create('thing', 'no', { a: 1 })]
    const result = await engine.decide(say, { scope: 'acme', input: { drafts } })
    const [yes = 0, no = 0] = result.type === 'decided' ? result.intents.map((i) => i.id) : []
    const web = await webOn(t, engine.sql)
    const visitor = await enter(web)
    const { text } = await ask(web, '/doubts', { headers: visitor })
    t.match(text, /2 intents wait for you/)
    const form = (id: number, ruling: string) => ({ ...formOn(text, id), ruling, confirm: ruling })
    t.equal((await post(web, visitor, { ...form(yes, 'approve'), note: '' })).status, 303)
    t.equal((await post(web, visitor, { ...form(no, 'cancel'), note: 'not today' })).status, 303)
    await until(engine, yes, 'confirmed')
    await until(engine, no, 'cancelled')
    t.match(await rulingsOf(engine, yes), [{ ruling: 'approve', by: 'ops@test', note: '' }])
    t.match(await rulingsOf(engine, no), [{ ruling: 'cancel', note: 'not today' }])
  },
)

t.test('the page reads as a role that cannot write, and rules as the operator', async (t) => {
  const { sql } = await testDatabase(t)
  const read = reading(sql)
  interface Told {
    readonly role: string
    readonly timeout: string
    readonly read_only: string
  }
  const told = await read(async (tx) => {
    // Awaited at once, so that it is the first that is sent but for what `read` itself sends.
    const rows = await tx<Told[]>`
      select
        current_user as role,
        current_setting('statement_timeout') as timeout,
        current_setting('transaction_read_only') as read_only`
    return [...rows]
  })
  t.same(told, [{ role: 'foreword_reader', timeout: '3s', read_only: 'on' }])
  await t.rejects(
    read((tx) => tx`select * from foreword_private.entry`),
    { code: '42501' },
    'no table is reached',
  )
  await t.rejects(
    read((tx) => tx`create temporary table x ()`),
    { code: /25006|42501/ },
  )
  const asOperator = takingRole(sql, 'foreword_operator')
  await sql.begin(async (tx) => {
    await asOperator(tx)
    const [operator] = await tx<{ role: string }[]>`select current_user as role`
    t.equal(operator?.role, 'foreword_operator')
  })
  const [after] = await sql<{ role: string }[]>`select current_user as role`
  t.notMatch(after?.role, /^foreword_(reader|operator)$/, 'for that transaction only')
})

t.test('who logs in with no more rights than reader and operator can use all of it', async (t) => {
  const { provider } = losing()
  const db = await testDatabase(t)
  const engine = engineOn(t, db.url, testConfig(db.url, { providers: [provider] }))
  await testWorker(t, engine)
  const drafts = [create('thing', 'one', { size: 1 })]
  await engine.decide(say, { scope: 'acme', input: { drafts } })
  await eventually('it waits for a person', async () => {
    const [doubt] = await db.sql`select from foreword.doubt where waits_for_a_person`
    return doubt !== undefined
  })
  const { sql } = await loginAs(t, db, ['foreword_reader', 'foreword_operator'])
  const web = await webOn(t, sql)
  const visitor = await enter(web)
  const [intent] = await db.sql<{ id: number }[]>`select id from foreword.intent`
  const id = intent?.id ?? 0
  const key = new URLSearchParams({ scope: 'acme', kind: 'thing', name: 'one' }).toString()
  const [decision] = await db.sql<{ id: string }[]>`select id from foreword.decision`
  const paths = ['/', '/resources', `/resource?${key}`, '/doubts', `/intent?id=${id}`]
  for (const path of [...paths, `/decision?id=${decision?.id ?? ''}`, '/graph', '/workers']) {
    t.equal((await ask(web, path, { headers: visitor })).status, 200, path)
  }
  const page = await ask(web, '/doubts', { headers: visitor })
  const said = { ...formOn(page.text, id), ruling: 'abandon', note: 'x', confirm: 'one' }
  t.equal((await post(web, visitor, said)).status, 303)
  await until(engine, id, 'cancelled')
})
