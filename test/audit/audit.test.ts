import { randomBytes } from 'node:crypto'
import t from 'tap'
import { audit, type AuditReport } from '../../src/audit/audit.ts'
import type { Law } from '../../src/domain/audit-ports.ts'
import {
  create,
  defineDecider,
  remove,
  update,
  type IntentDraft,
} from '../../src/domain/decider.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { testServer } from '../support/database.ts'
import { allSettled, cloudWorld, testEngine, testWorker } from '../support/engine.ts'

const scope = 'acme/prod'

const web = { labels: { role: 'web' }, counters: { cores: 4 } }

/** Returns whatever it is told to; reads nothing. */
const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

/** Makes a network; reads one that is there, the one that it makes, all in zone z, and a counter. */
const network = defineDecider({
  name: 'network',
  version: 1,
  read: (q, { name }: { readonly name: string; readonly disks?: number }) => ({
    base: q.get('network', 'base'),
    absent: q.get('network', name),
    zone: q.find('network', { zone: 'z' }),
    disks: q.counter('disks'),
  }),
  decide: (_facts, { name, disks }) =>
    create(
      'network',
      name,
      { cidr: '10.0.0.0/24' },
      { labels: { zone: 'z' }, ...(disks === undefined ? {} : { counters: { disks } }) },
    ),
})

const steps: readonly (readonly IntentDraft[])[] = [
  [create('vm', 'a', { size: 'm' }, web), create('vm', 'b', { size: 'm' }, web)],
  [update('vm', 'a', { size: 'l' })],
  [remove('vm', 'b')],
]

/**
 * Two machines made, one made larger, one deleted, three networks one after the other, all through a
 * worker and a cloud. Returns its database.
 */
const makeWorld = async (): Promise<string> => {
  const world = await cloudWorld(t)
  const { engine } = world
  const worker = await engine.startWorker((reason) => t.bailout(reason))
  for (const input of steps) {
    t.match(await engine.decide(say, { scope, input }), { type: 'decided' })
    t.ok((await allSettled(engine)).every((intent) => intent.state === 'confirmed'))
  }
  for (const name of ['base', 'left', 'right']) {
    t.match(await engine.decide(network, { scope, input: { name } }), { type: 'decided' })
    await allSettled(engine)
  }
  await worker.stop()
  await engine.close()
  return world.url
}

const world = makeWorld()

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

/** The world in a database of the test's own, so that each test may break it in its own way. */
const clone = async (t: Teardown): Promise<Sql> => {
  const server = await testServer()
  const original = new URL(await world)
  const name = `foreword_test_${randomBytes(6).toString('hex')}`
  const admin = connectSql({ url: server, application_name: 'test:admin', max: 1 })
  await admin`create database ${admin(name)} template ${admin(original.pathname.slice(1))}`
  const at = new URL(original)
  at.pathname = `/${name}`
  const sql = connectSql({ url: at.href, application_name: 'foreword:test', max: 2 })
  t.teardown(async () => {
    await sql.end({ timeout: 5 })
    await admin`drop database if exists ${admin(name)} with (force)`
    await admin.end({ timeout: 5 })
  })
  return sql
}

/** By hand and around every trigger, as a restore or a person with psql might. */
const breakIt = async (sql: Sql, statement: string): Promise<void> => {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    const { count } = await tx.unsafe(statement)
    if (count === 0) throw new Error(`nothing was broken by: ${statement}`)
  })
}

const broken = (report: AuditReport): readonly Law[] =>
  report.checks.flatMap((check) => (check.violated > 0 ? [check.law] : []))

/** Ids inside the statements below: of the machine that is there, and of the one that is gone. */
const resource = (name: string): string =>
  `(select id from foreword_private.resource where name = '${name}')`
const intent = (name: string, version: number): string =>
  `(select id from foreword_private.entry
    where resource = ${resource(name)} and version = ${version})`

/** The decision that made a network. */
const maker = (name: string): string =>
  `(select decision from foreword_private.entry where resource = ${resource(name)} and version = 1)`

/** Whoever made the left network, and whoever made the right one, each before he saw the other one's. */
const skew = `
  update foreword_private.decision d
  set premise_resources = array[other.id], premise_versions = '{0}'
  from (values (${maker('left')}, ${resource('right')}), (${maker('right')}, ${resource('left')}))
    as other (decision, id)
  where d.id = other.decision`

interface Breach {
  readonly title: string
  readonly law: Law
  readonly statement: string
  /** Part of it, or what it looks like. */
  readonly subject: string | RegExp
  readonly what: RegExp
}

const breaches: readonly Breach[] = [
  {
    title: 'a version that is missing between two others',
    law: 'versions_without_gaps',
    // Its attempts go with it, so that only the log has a gap.
    statement: `
      with gone as (
        delete from foreword_private.entry where id = ${intent('a', 1)} returning id
      )
      delete from foreword_private.attempt using gone where entry = gone.id`,
    subject: 'vm/a in acme/prod',
    what: /^1 entries, versions 2 to 2, its state says 2$/,
  },
  {
    title: 'a newest entry that is lost',
    law: 'versions_without_gaps',
    statement: `
      with gone as (
        delete from foreword_private.entry where id = ${intent('a', 2)} returning id
      )
      delete from foreword_private.attempt using gone where entry = gone.id`,
    subject: 'vm/a in acme/prod',
    what: /^1 entries, versions 1 to 1, its state says 2$/,
  },
  {
    title: 'an assumed state that no entry says',
    law: 'state_is_newest_entry',
    statement: `
      update foreword_private.resource_state set assumed = '{"size": "xl"}'
      where resource = ${resource('a')}`,
    subject: 'vm/a in acme/prod',
    what: /^assumed {"size": "xl"}, its newest entry says {"size": "l"}$/,
  },
  {
    title: 'a decision that is lost',
    law: 'entries_are_decided',
    statement: `
      delete from foreword_private.decision
      where id = (select decision from foreword_private.entry where id = ${intent('a', 2)})`,
    subject: 'vm/a in acme/prod',
    what: /^no decision /,
  },
  {
    title: 'a decision that was abandoned and left an entry all the same',
    law: 'entries_are_decided',
    statement: `
      update foreword_private.decision set abandoned = true where id = ${maker('right')}`,
    subject: 'network/right in acme/prod',
    what: /was abandoned/,
  },
  {
    title: 'a state that nobody knows',
    law: 'states_are_lawful',
    statement: `
      update foreword_private.entry set state = 'done'
      where id = ${intent('a', 1)}`,
    subject: 'vm/a in acme/prod',
    what: /^done of cause intent, settled$/,
  },
  {
    title: 'an intent that is through and was never settled',
    law: 'states_are_lawful',
    statement: `
      update foreword_private.entry set settled_at = null
      where id = ${intent('a', 1)}`,
    subject: 'vm/a in acme/prod',
    what: /^confirmed of cause intent, open$/,
  },
  {
    title: 'a settled intent that somebody is to look at',
    law: 'states_are_lawful',
    statement: `
      update foreword_private.entry set due_at = now()
      where id = ${intent('a', 1)}`,
    subject: 'vm/a in acme/prod',
    what: /^confirmed of cause intent, settled, due$/,
  },
  {
    title: 'a call under way that nobody makes',
    law: 'states_are_lawful',
    statement: `
      update foreword_private.entry set state = 'applying', settled_at = null, worker = null
      where id = ${intent('a', 1)}`,
    subject: 'vm/a in acme/prod',
    what: /^applying of cause intent, open$/,
  },
  {
    title: 'an intent that comes after a resource without a version',
    law: 'states_are_lawful',
    statement: `
      update foreword_private.entry set after_resources = array[resource], after_versions = '{}'
      where id = ${intent('a', 1)}`,
    subject: 'vm/a in acme/prod',
    what: /^confirmed of cause intent, settled$/,
  },
  {
    title: 'an effect whose only call was answered with no',
    law: 'effects_were_attempted',
    statement: `
      update foreword_private.attempt set outcome = 'rejected' where entry = ${intent('a', 2)}`,
    subject: 'vm/a in acme/prod',
    what: /^confirmed, and no attempt that can have done it$/,
  },
  {
    title: 'two calls of one intent that are open at once',
    law: 'one_open_attempt',
    statement: `
      with second as (
        update foreword_private.entry
        set attempts = 2, state = 'applying', settled_at = null, worker = 1
        where id = ${intent('a', 2)}
      ),
      first as (
        update foreword_private.attempt set outcome = null, ended_at = null
        where entry = ${intent('a', 2)}
      )
      insert into foreword_private.attempt (
        entry, number, epoch, worker, idempotency_key, deadline_at
      )
      select entry, 2, 9, worker, idempotency_key, deadline_at
      from foreword_private.attempt where entry = ${intent('a', 2)}`,
    subject: 'vm/a in acme/prod',
    what: /^open attempts 1, 2, the intent is applying at attempt 2$/,
  },
  {
    title: 'a call that is open while its intent is settled',
    law: 'one_open_attempt',
    statement: `
      with settled as (
        update foreword_private.entry set state = 'stale' where id = ${intent('a', 2)}
      )
      update foreword_private.attempt set outcome = null, ended_at = null
      where entry = ${intent('a', 2)}`,
    subject: 'vm/a in acme/prod',
    what: /^open attempts 1, the intent is stale at attempt 1$/,
  },
  {
    title: 'a call that the intent does not count',
    law: 'attempts_are_counted',
    statement: `update foreword_private.entry set attempts = 0 where id = ${intent('a', 2)}`,
    subject: 'vm/a in acme/prod',
    what: /^it counts 0 attempts, there are 1, numbered 1 to 1$/,
  },
  {
    title: 'a call under a key that is not the intent’s',
    law: 'attempts_are_counted',
    statement: `
      update foreword_private.attempt set idempotency_key = 'fw-0-1'
      where entry = ${intent('a', 2)}`,
    subject: 'vm/a in acme/prod',
    what: /another idempotency key/,
  },
  {
    title: 'a ruling on a call that nobody ever made',
    law: 'rulings_were_due',
    statement: `
      insert into foreword_private.ruling (entry, ruling, ruled_by, note, state_before, attempts)
      values (${intent('a', 2)}, 'did_not_happen', 'eve', 'x', 'in_doubt', 0)`,
    subject: /^ruling \d+, vm\/a in acme\/prod$/,
    what: /^did_not_happen, and no call was in doubt$/,
  },
  {
    title: 'a ruling on an intent that is lost',
    law: 'rulings_were_due',
    statement: `
      insert into foreword_private.ruling (entry, ruling, ruled_by, note, state_before, attempts)
      values (999999, 'approve', 'eve', '', 'awaiting_approval', 0)`,
    subject: /^ruling \d+$/,
    what: /^on intent 999999, and there is none$/,
  },
  {
    title: 'an intent that was abandoned and carried out all the same',
    law: 'rulings_were_due',
    statement: `
      insert into foreword_private.ruling (entry, ruling, ruled_by, note, state_before, attempts)
      values (${intent('a', 2)}, 'abandon', 'eve', 'x', 'in_doubt', 1)`,
    subject: /^ruling \d+, vm\/a in acme\/prod$/,
    what: /^abandon, and the intent is confirmed$/,
  },
  {
    title: 'an intent that was cancelled, and nobody knows by whom',
    law: 'rulings_were_due',
    statement: `
      update foreword_private.entry set state = 'cancelled' where id = ${intent('b', 2)}`,
    subject: /^intent \d+, vm\/b in acme\/prod$/,
    what: /^cancelled, and nobody has ruled so$/,
  },
  {
    title: 'a quota that nobody consumes',
    law: 'quotas_add_up',
    statement: `update foreword_private.quota set consumed = consumed + 3 where metric = 'cores'`,
    subject: 'cores in acme/prod',
    what: /^consumed 7, its resources consume 4$/,
  },
  {
    title: 'a quota that was never given back',
    law: 'the_gone_consume_nothing',
    statement: `
      with quota as (
        update foreword_private.quota set consumed = consumed + 4 where metric = 'cores'
      )
      update foreword_private.resource_state s set counters = e.counters
      from foreword_private.entry e
      where s.resource = ${resource('b')} and e.id = ${intent('b', 2)}`,
    subject: 'vm/b in acme/prod',
    what: /^gone, and still consumes {"cores": 4}$/,
  },
  {
    title: 'a resource that find() misses',
    law: 'members_match_labels',
    statement: `
      delete from foreword_private.member
      where resource = ${resource('a')} and label = 'role'`,
    subject: 'vm/a in acme/prod',
    what: /^not found by role=web$/,
  },
  {
    title: 'a resource that find() does not miss though it is gone',
    law: 'members_match_labels',
    statement: `
      insert into foreword_private.member
      select scope, kind, '', '', id, name, foreword_code.member_key(scope, kind, '', '')
      from foreword_private.resource where name = 'b'`,
    subject: 'vm/b in acme/prod',
    what: /^still found by its kind$/,
  },
  {
    title: 'an observation of nobody knows what',
    law: 'references_resolve',
    statement: `
      insert into foreword_private.observation (resource)
      values ('00000000-0000-0000-0000-00000000000a')`,
    subject: 'resource 00000000-0000-0000-0000-00000000000a',
    what: /observation/,
  },
  {
    title: 'a premise of nobody knows what',
    law: 'references_resolve',
    statement: `
      insert into foreword_private.premise (resource, version, decision)
      values ('00000000-0000-0000-0000-00000000000a', 1, ${maker('left')})`,
    subject: 'resource 00000000-0000-0000-0000-00000000000a',
    what: /premise/,
  },
  {
    title: 'a read of a version that nobody wrote',
    law: 'reads_were_written',
    statement: `
      update foreword_private.decision
      set premise_resources = array[${resource('base')}], premise_versions = '{7}'
      where id = ${maker('left')}`,
    subject: /^network [-0-9a-f]{36}$/,
    what: /^read network\/base in acme\/prod v7, which no decision wrote$/,
  },
  {
    title: 'a counter that was read at a version that nobody wrote',
    law: 'reads_were_written',
    statement: `
      update foreword_private.decision
      set premise_counters = '[{"scope": "acme/prod", "metric": "disks", "consumed": 9, "version": 9}]'
      where id = ${maker('left')}`,
    subject: /^network [-0-9a-f]{36}$/,
    what: /^read counter disks in acme\/prod v9, which no decision wrote$/,
  },
  {
    title: 'a find that missed one who was there',
    law: 'finds_are_complete',
    statement: `
      update foreword_private.decision
      set premise_predicates = jsonb_set(premise_predicates, '{0,found}', '1')
      where id = ${maker('right')}`,
    subject: /^network [-0-9a-f]{36}$/,
    what: /^found 1 network with zone=z in acme\/prod, its snapshot holds 2$/,
  },
  {
    title: 'write skew',
    law: 'decisions_are_serializable',
    statement: skew,
    subject: '2 decisions in a circle, write skew (G2-item)',
    what: /^network [-0-9a-f]{36} read network\/(left|right) in acme\/prod v0 -> network [-0-9a-f]{36} wrote v1, read network\/(left|right) in acme\/prod v0 -> network [-0-9a-f]{36} wrote v1$/,
  },
  {
    title: 'a find that did not see what its decision read',
    law: 'decisions_are_serializable',
    // Right looks with the eyes of left, who made his network after that look.
    statement: `
      update foreword_private.decision d
      set
        snapshot = l.snapshot,
        premise_predicates = jsonb_set(d.premise_predicates, '{0,found}', '1')
      from foreword_private.decision l
      where d.id = ${maker('right')} and l.id = ${maker('left')}`,
    subject: '2 decisions in a circle, read overtaken by a write (G-single)',
    what: /^network [-0-9a-f]{36} wrote network\/left in acme\/prod v1 -> network [-0-9a-f]{36} read it, looked for network with zone=z in acme\/prod -> network [-0-9a-f]{36} changed which there are$/,
  },
  {
    title: 'a counter that two moved from the same version',
    law: 'decisions_are_serializable',
    statement: `
      insert into foreword_private.quota_entry (scope, metric, version, decision, amount)
      values ('acme/prod', 'disks', 1, ${maker('left')}, 1), ('acme/prod', 'disks', 2, ${maker('right')}, 1)`,
    subject: '2 decisions in a circle, read overtaken by a write (G-single)',
    what: /^network [-0-9a-f]{36} wrote counter disks in acme\/prod v1 -> network [-0-9a-f]{36} wrote v2, read counter disks in acme\/prod v0 -> network [-0-9a-f]{36} wrote v1$/,
  },
]

t.test('a log that nobody meddled with breaks no law', async (t) => {
  const report = await audit(auditStore(await clone(t)))
  t.strictSame(broken(report), [])
  t.ok(report.ok)
  const idle = report.checks.filter((check) => check.checked === 0).map((check) => check.law)
  const nothing = ['one_open_attempt', 'rulings_were_due', 'archives_add_up']
  t.strictSame(
    idle,
    nothing,
    'no call is open, nobody ruled, nothing is archived; every other law was held against something',
  )
})

for (const { title, law, statement, subject, what } of breaches) {
  t.test(`the audit sees ${title}, and nothing else`, async (t) => {
    const sql = await clone(t)
    await breakIt(sql, statement)
    const report = await audit(auditStore(sql))
    t.strictSame(broken(report), [law])
    t.notOk(report.ok)
    const [violation] = report.checks.find((check) => check.law === law)?.violations ?? []
    t.match(violation?.subject, subject)
    t.match(violation?.what, what)
  })
}

for (const state of ['stale', 'cancelled', 'rejected']) {
  t.test(`whose every intent is ${state} never had an effect, and is in no circle`, async (t) => {
    const sql = await clone(t)
    await breakIt(sql, skew)
    t.strictSame(broken(await audit(auditStore(sql))), ['decisions_are_serializable'])
    const taken_back = `decision = ${maker('right')}`
    await breakIt(sql, `update foreword_private.entry set state = '${state}' where ${taken_back}`)
    const unruled = state === 'cancelled' ? ['rulings_were_due'] : []
    t.strictSame(broken(await audit(auditStore(sql))), unruled)
  })
}

t.test('a decision that was abandoned is in no circle', async (t) => {
  const sql = await clone(t)
  await breakIt(sql, skew)
  await breakIt(
    sql,
    `update foreword_private.decision set abandoned = true where id = ${maker('right')}`,
  )
  t.strictSame(broken(await audit(auditStore(sql))), ['entries_are_decided'])
})

t.test('decisions of before the pair was noted are read by their first label', async (t) => {
  const sql = await clone(t)
  // They were spread by their resources only.
  await breakIt(
    sql,
    `delete from foreword_private.premise p
     where not exists (select from foreword_private.resource r where r.id = p.resource)`,
  )
  await breakIt(
    sql,
    `update foreword_private.decision
     set premise_predicates = (
       select coalesce(jsonb_agg(p - 'label' - 'value'), '[]')
       from jsonb_array_elements(premise_predicates) p
     )`,
  )
  const report = await audit(auditStore(sql))
  t.strictSame(broken(report), [])
  t.equal(report.checks.find(({ law }) => law === 'finds_are_complete')?.checked, 3)
})

t.test('each law shows its first twenty breaches and counts them all', async (t) => {
  const sql = await clone(t)
  await breakIt(
    sql,
    `insert into foreword_private.drift (resource, path)
     select gen_random_uuid(), '' from generate_series(1, 25)`,
  )
  const report = await audit(auditStore(sql))
  const check = report.checks.find(({ law }) => law === 'references_resolve')
  t.equal(check?.violated, 25)
  t.equal(check?.violations.length, 20)
})

t.test('many who look for those whom they all join leave a log that has an order', async (t) => {
  const { engine } = await testEngine(t)
  const all = Array.from({ length: 24 }, (_, i) =>
    engine.decide(network, {
      scope: i % 2 === 0 ? scope : 'acme/ops',
      input: { name: `n${i}`, disks: 1 },
    }),
  )
  const decided = (await Promise.all(all)).filter(({ type }) => type === 'decided')
  t.ok(decided.length > 1)
  const report = await audit(auditStore(engine.sql))
  t.strictSame(broken(report), [])
  const checked = new Map(report.checks.map((check) => [check.law, check.checked]))
  t.equal(checked.get('decisions_are_serializable'), decided.length)
  t.equal(checked.get('finds_are_complete'), decided.length)
})

t.test('an audit in the midst of work sees one moment of it', async (t) => {
  const { engine } = await cloudWorld(t, { faults: 'rough' })
  await testWorker(t, engine)
  const names = Array.from({ length: 20 }, (_, i) => `vm-${i}`)
  for (const name of names) {
    const input = [create('vm', name, { size: 'm' }, web)]
    t.match(await engine.decide(say, { scope, input }), { type: 'decided' })
    t.strictSame(broken(await audit(auditStore(engine.sql))), [])
  }
})
