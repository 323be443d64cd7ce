/** pause, resume: what every command says of a scope that a person holds. */
import t from 'tap'
import { eventually } from '../support/eventually.ts'
import { bench, written } from './harness.ts'

const stack = (size: string): string =>
  JSON.stringify({
    scope: 'acme',
    resources: [
      { kind: 'vm', name: 'a', spec: { size } },
      { kind: 'vm', name: 'b', spec: { size } },
    ],
  })

t.test('a paused scope is held, told of everywhere, and goes on', async (t) => {
  const b = await bench(t)
  const file = await b.write('s.json', stack('s'))
  t.equal((await b.foreword(['apply', '-f', file])).code, 0)
  const paused = await b.foreword(['pause', 'acme', '--note', 'deploy freeze'])
  t.equal(paused.code, 0, paused.stderr)
  t.match(paused.stdout, /scope acme is paused by \S+@\S+: deploy freeze\. 2 intents wait\./)
  const again = await b.foreword(['pause', 'acme', '--by', 'eve'])
  t.match(again.stdout, /scope acme is paused by \S+@\S+: deploy freeze, since .* already\./)

  const told = /scope acme is paused by \S+@\S+: deploy freeze/
  const status = await b.foreword(['status'])
  t.match(status.stdout, /● 1 scope is paused/)
  t.match(
    status.stdout,
    /‖ scope acme is paused by .*: deploy freeze · since .* · 2 intents wait · foreword resume acme/,
  )
  t.match((await b.foreword(['doubts'])).stdout, told)
  const why = (await b.foreword(['why', 'vm/a'])).stdout
  t.match(why, /now +pending, waits: scope acme is paused by \S+: deploy freeze/)
  t.match(why, /go on +foreword resume acme/)
  t.match(JSON.parse((await b.foreword(['status', '--json'])).stdout), {
    health: { paused_scopes: 1, paused_intents: 2 },
    paused: [{ scope: 'acme', note: 'deploy freeze', waiting: 2 }],
  })

  const before = await written(b)
  const other = await b.write('m.json', stack('m'))
  const plan = await b.foreword(['plan', '-f', other])
  t.equal(plan.code, 0)
  t.match(plan.stdout, /Plan: 0 to create, 2 to update/)
  t.match(plan.stderr, /scope acme is paused by .*: `apply` is refused until foreword resume acme/)
  const apply = await b.foreword(['apply', '-f', other])
  t.equal(apply.code, 1)
  t.match(apply.errors, [
    /^foreword: scope acme is paused by \S+: deploy freeze; foreword resume acme$/,
  ])
  t.same(await written(b), before, 'nothing was written')
  const same = await b.foreword(['apply', '-f', file, '--wait=30'])
  t.equal(same.code, 3, 'what is left waits for a person')
  t.match(same.stdout, told)
  const reconciled = await b.foreword(['reconcile', '--scope', 'acme'])
  t.equal(reconciled.code, 0, reconciled.stderr)
  t.match(reconciled.stdout, /scope acme is paused by .*: nothing decided\. foreword resume acme/)

  const worker = b.start(['worker'])
  await worker.shows(/worker/)
  const resumed = await b.foreword(['resume', 'acme', '--by', 'bob', '--note', 'over'])
  t.match(resumed.stdout, /scope acme goes on\. 2 intents are due\./)
  await eventually('all of it is confirmed', async () => {
    const rows = await b.database.sql`select from foreword.intent where state <> 'confirmed'`
    return rows.length === 0
  })
  worker.child.kill('SIGTERM')
  await worker.ended
  t.equal((await b.ledger()).length, 2)
  t.match(await b.database.sql`select * from foreword.pause`, [
    { note: 'deploy freeze', resumed_by: 'bob', resumed_note: 'over' },
  ])
  t.match((await b.foreword(['resume', 'acme'])).stdout, /scope acme was not paused/)
})

t.test('a scope that nobody knows is paused all the same, and said to be unknown', async (t) => {
  const b = await bench(t)
  const ran = await b.foreword(['pause', "späß 'x'"])
  t.equal(ran.code, 0, ran.stderr)
  t.match(ran.stdout, /foreword resume 'späß '\\''x'\\'''/)
  t.match(ran.stderr, /nothing is known of a scope späß 'x' yet; paused all the same/)
  const empty = await b.foreword(['pause', ''])
  t.equal(empty.code, 1)
  t.match(empty.errors, [/^foreword: the scope '' is no name.*1 to 512 characters/])
  t.equal((await b.foreword(['pause'])).code, 2)
})
