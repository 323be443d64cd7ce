/** The laws of retention: what is old goes to files once and whole, and what anybody may still need stays. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { create, defineDecider, remove, update } from '../../src/domain/decider.ts'
import type { Engine } from '../../src/foreword.ts'
import {
  archive,
  archiveByPolicy,
  verify,
  type ArchiveOptions,
} from '../../src/store/archive/archive-store.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { codeOf, type Sql } from '../../src/store/connect.ts'
import { age } from '../support/aged.ts'
import { auditedBy } from '../support/audited.ts'
import { eventually } from '../support/eventually.ts'
import { testConfig } from '../support/settings.ts'
import { allSettled, cloudWorld, testWorker, type CloudWorld } from '../support/engine.ts'

const machines = ['a', 'b', 'c', 'd'] as const
const scope = 'acme'

const make = defineDecider({
  name: 'make',
  version: 1,
  read: (q) => ({ pool: q.find('vm', { role: 'web' }), cores: q.counter('cores') }),
  decide: (_, name: string) =>
    create('vm', name, { size: 's' }, { labels: { role: 'web' }, counters: { cores: 1 } }),
})
/** Sees the pool and another machine, and changes its own. */
const resize = defineDecider({
  name: 'resize',
  version: 1,
  read: (q, { name, other }: { name: string; other: string; size: string }) => ({
    own: q.get('vm', name),
    other: q.get('vm', other),
    pool: q.find('vm', { role: 'web' }),
  }),
  decide: ({ own }, { name, size }) => (own === null ? [] : update('vm', name, { size })),
})
const drop = defineDecider({
  name: 'drop',
  version: 1,
  read: (q, name: string) => ({ own: q.get('vm', name) }),
  decide: (_, name) => remove('vm', name),
})

/** Machines that were made, resized some times, one of them gone; all settled 40 days ago. */
const oldWorld = async (t: Test, rounds = 4): Promise<CloudWorld> => {
  const world = await cloudWorld(t, { config: { deciders: [make, resize, drop] } })
  const { engine } = world
  await testWorker(t, engine)
  for (const name of machines) await engine.decide(make, { scope, input: name })
  for (let round = 0; round < rounds; round++) {
    for (const [i, name] of machines.entries()) {
      const other = machines[(i + 1 + round) % machines.length] ?? 'a'
      const input = { name, other, size: ['m', 'l'][round % 2] ?? 'm' }
      // Ends of lines to some who read texts, but not to a file of lines of JSON.
      await engine.decide(resize, { scope, input, reason: 'louder\u2028please\u2029\r\u0085' })
    }
    await allSettled(engine)
  }
  await engine.decide(drop, { scope, input: 'd' })
  await eventually('all is settled, and decided again', async () => {
    await allSettled(engine)
    const due = await engine.sql`select from foreword.decision where decided_again = 'due'`
    return due.length === 0
  })
  await age(engine.sql, 40)
  return world
}

const folderFor = async (t: Test): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'foreword-archive-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const run = (engine: Engine, folder: string, over: Partial<ArchiveOptions> = {}) =>
  archive(engine.sql, { older_than_s: 86_400, folder, batch_decisions: 3, ...over })

interface ArchivedLine {
  readonly decision?: { readonly id: string }
  readonly entries: readonly { readonly id: number }[]
}

/** Entries and decisions of the files that the log has let go of; a file counts by the log's word, whatever its name. */
const inFiles = async (sql: Sql, folder: string): Promise<readonly ArchivedLine[]> => {
  const known = await sql<{ file: string }[]>`select file from foreword.archive`
  const names = new Set(known.map(({ file }) => path.basename(file)))
  const lines: ArchivedLine[] = []
  for (const name of await readdir(folder)) {
    if (!names.has(name.replace(/\.part$/, ''))) continue
    for (const text of (await readFile(path.join(folder, name), 'utf8')).trim().split('\n')) {
      const line = JSON.parse(text) as ArchivedLine
      if (line.decision !== undefined && line.decision instanceof Object) lines.push(line)
    }
  }
  return lines
}

const entriesIn = async (sql: Sql): Promise<readonly number[]> =>
  (await sql<{ id: number }[]>`select id from foreword_private.entry order by id`).map((r) => r.id)

/** Each entry is in the log or in a file, and none is in both. */
const eachInOnePlace = async (t: Test, sql: Sql, folder: string, all: readonly number[]) => {
  const filed = (await inFiles(sql, folder)).flatMap((line) => line.entries.map(({ id }) => id))
  const both = [...(await entriesIn(sql)), ...filed].toSorted((a, b) => a - b)
  t.same(both, all, 'in one place each')
}

t.test(
  'what is old goes to files whole; the newest, what it was decided on, and the log’s laws stay',
  async (t) => {
    const { engine } = await oldWorld(t)
    const folder = await folderFor(t)
    const all = await entriesIn(engine.sql)
    const newest = await engine.sql`
    select scope, kind, name, version, assumed, labels from foreword.resource order by name`
    const looked = await run(engine, folder, { dry_run: true })
    t.same(await entriesIn(engine.sql), all, 'a dry run moves nothing')
    t.same(await readdir(folder), [])
    const done = await run(engine, folder)
    t.ok(done.decisions > 4, `${done.decisions} decisions`)
    t.match(looked, {
      decisions: done.decisions,
      entries: done.entries,
      attempts: done.attempts,
      bytes: done.bytes,
    })
    await eachInOnePlace(t, engine.sql, folder, all)
    await auditedBy(t, engine)
    t.same(
      await engine.sql`
      select scope, kind, name, version, assumed, labels from foreword.resource order by name`,
      newest,
      'what is assumed',
    )
    const [kept] = await engine.sql<{ newest: number; unseen: number }[]>`
    select
      (
        select count(*)
        from foreword_private.entry e
        join foreword_private.resource_state s on s.resource = e.resource and s.version = e.version
      ) as newest,
      (
        select count(*)
        from foreword.premise p
        join foreword.resource r on r.scope = p.scope and r.kind = p.kind and r.name = p.name
        join foreword.intent i on i.decision_id = p.decision_id
        join foreword.resource own on own.name = i.name and own.version = i.version
        left join foreword.assumed_at_version(p.scope, p.kind, p.name, p.version) v on true
        where p.version > 0 and v.version is null
      ) as unseen`
    t.same(kept, { newest: 4, unseen: 0 }, 'each newest version, and all that it was decided on')
    for await (const { read, recorded } of verify(engine.sql, [])) {
      t.match(read, { type: 'whole', sha256: recorded?.sha256 })
    }
    t.match(await run(engine, folder), { decisions: 0 }, 'and nothing more the second time')
    t.same(
      (await readdir(folder)).filter((name) => !name.endsWith('.ndjson')),
      [],
    )
  },
)

t.test(
  'a decision that is archived is never decided again, and was committed for who asks',
  async (t) => {
    const { engine } = await oldWorld(t)
    const folder = await folderFor(t)
    await run(engine, folder)
    const [line] = await inFiles(engine.sql, folder)
    const id = line?.decision?.id ?? ''
    const again = engine.sql`
    insert into foreword_private.decision (id, scope, decider, abandoned)
    values (${id}, 'acme', 'tombstone', true)`
    t.equal(await again.then(() => '', codeOf), '23505')
    const [told] = await engine.sql`
    select foreword.committed(${id}) as committed, d.archived_in is not null as archived
    from foreword.decision d
    where d.id = ${id}`
    t.same(told, { committed: true, archived: true })
  },
)

t.test('what is open, what it relied on, what persons ruled and what is young stay', async (t) => {
  const { engine } = await oldWorld(t)
  const folder = await folderFor(t)
  const [ruled] = await engine.sql<{ id: number; decision: string }[]>`
    select e.id, e.decision
    from foreword_private.entry e
    where e.version = 2
    order by e.id
    limit 1`
  await engine.sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      insert into foreword_private.ruling (entry, ruling, ruled_by, note, state_before, attempts)
      values (${ruled?.id ?? 0}, 'approve', 'somebody', '', 'awaiting_approval', 0)`
  })
  const [read] = await engine.sql<{ resource: string; version: number }[]>`
    select e.resource, e.version
    from foreword_private.entry e
    where e.version = 3 and e.decision <> ${ruled?.decision ?? ''}
    order by e.id
    limit 1`
  // An intent of today, in doubt, that was decided on a version of long ago.
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      insert into foreword_private.decision (
        id, scope, decider, snapshot, xid, unplaced, certified_at, premise_resources, premise_versions
      )
      values (
        '00000000-0000-4000-8000-000000000001', 'acme', 'x', pg_current_snapshot(), pg_current_xact_id(), false,
        now(), ${[read?.resource ?? '']}::uuid[], array[3]
      )`
    await tx`
      insert into foreword_private.premise (resource, version, decision)
      values (${read?.resource ?? ''}, 3, '00000000-0000-4000-8000-000000000001')`
    await tx`
      insert into foreword_private.resource (id, scope, kind, name)
      values ('00000000-0000-4000-8000-000000000002', 'acme', 'vm', 'open')`
    await tx`
      insert into foreword_private.entry (resource, version, scope, kind, decision, cause, verb, state)
      values (
        '00000000-0000-4000-8000-000000000002', 1, 'acme', 'vm', '00000000-0000-4000-8000-000000000001', 'intent',
        'create', 'in_doubt'
      )`
  })
  await run(engine, folder)
  const [kept] = await engine.sql`
    select
      exists (select from foreword_private.entry where id = ${ruled?.id ?? 0}) as ruled,
      exists (
        select from foreword_private.entry where resource = ${read?.resource ?? ''} and version = 3
      ) as relied_on,
      exists (select from foreword_private.entry where state = 'in_doubt') as open`
  t.same(kept, { ruled: true, relied_on: true, open: true })
  t.ok((await inFiles(engine.sql, folder)).length > 0, 'and others went')
})

t.test('nothing goes that is not certified yet, nor what was under way with it', async (t) => {
  const { engine } = await oldWorld(t)
  const folder = await folderFor(t)
  await engine.sql.begin('isolation level serializable', async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`
      insert into foreword_private.decision (id, scope, decider, snapshot, xid, decided_at, unplaced)
      select
        '00000000-0000-4000-8000-000000000001', 'acme', 'late', d.snapshot, d.xid, d.decided_at, false
      from foreword_private.decision d
      order by d.decided_at
      limit 1`
    await tx`
      insert into foreword_private.resource (id, scope, kind, name)
      values ('00000000-0000-4000-8000-000000000002', 'acme', 'vm', 'open')`
    await tx`
      insert into foreword_private.entry (resource, version, scope, kind, decision, cause, verb, state)
      values (
        '00000000-0000-4000-8000-000000000002', 1, 'acme', 'vm', '00000000-0000-4000-8000-000000000001', 'intent',
        'create', 'awaiting_approval'
      )`
  })
  t.match(await run(engine, folder), {
    decisions: 0,
    held_by: '00000000-0000-4000-8000-000000000001',
  })
})

t.test('of what is archived nothing wrong is told, but one error', async (t) => {
  const { engine } = await oldWorld(t)
  const { sql } = engine
  const folder = await folderFor(t)
  const asked = async (text: string): Promise<string> =>
    sql.unsafe(text).then((rows) => JSON.stringify(rows), codeOf)
  const at = `now() - interval '40 days' - interval '1 hour'`
  const one = `select version from foreword.assumed_at('acme', 'vm', 'a', ${at})`
  const scope_then = `select count(*) from foreword.assumed_at('acme', ${at})`
  const changes = `select count(*) from foreword.changed_between('acme', ${at}, now())`
  t.equal(await asked(one), '[{"version":0}]', 'nothing was then')
  await run(engine, folder)
  t.equal(await asked(one), 'FW060')
  t.equal(await asked(scope_then), 'FW060')
  t.equal(await asked(changes), 'FW060')
  const [kept] = await sql<{ since: string }[]>`select since::text from foreword.kept`
  const since = `'${kept?.since ?? ''}'::timestamptz`
  t.equal(
    await asked(`select count(*) from foreword.assumed_at('acme', ${since})`),
    '[{"count":4}]',
  )
  t.equal(
    await asked(`select count(*) from foreword.assumed_at('acme', ${since} - interval '1 ms')`),
    'FW060',
  )
  t.equal(
    await asked(`select count(*) from foreword.assumed_at('acme', now())`),
    '[{"count":3}]',
    'one is gone',
  )
})

for (const [point, times] of [
  ['before_archive_move', 1],
  ['before_archive', 2],
  ['after_archive', 1],
  ['after_archive', 2],
] as const) {
  t.test(
    `killed ${point}, the ${times}th time: each row is in one place, and the next run goes on`,
    async (t) => {
      const { engine, url } = await oldWorld(t)
      const folder = await folderFor(t)
      const all = await entriesIn(engine.sql)
      const program = path.join(import.meta.dirname, '../support/archive-process.ts')
      const killed = await new Promise<string | null>((resolve) => {
        execFile(process.execPath, [program, url, folder, point, String(times)], (error) => {
          resolve(error?.signal ?? null)
        })
      })
      t.equal(killed, 'SIGKILL')
      await eachInOnePlace(t, engine.sql, folder, all)
      await auditedBy(t, engine)
      await run(engine, folder)
      await eachInOnePlace(t, engine.sql, folder, all)
      await auditedBy(t, engine)
      const finals = (await readdir(folder)).filter((name) => name.endsWith('.ndjson'))
      const [known] = await engine.sql<{ files: number }[]>`
      select count(*) as files from foreword.archive`
      t.equal(finals.length, known?.files, 'what ends in .ndjson is archived, and nothing else')
    },
  )
}

t.test(
  'deciders meet no conflict by what is archived beside them, and no lock of a relation',
  async (t) => {
    const { engine } = await oldWorld(t)
    const folder = await folderFor(t)
    const done = { archiving: false }
    const archiving = run(engine, folder, { batch_decisions: 1 }).finally(
      () => (done.archiving = true),
    )
    const locks = new Set<string>()
    let decided = 0
    while (!done.archiving || decided < 20) {
      const name = machines[decided % 3] ?? 'a'
      const input = { name, other: 'b', size: ['s', 'm', 'l'][decided % 3] ?? 's' }
      const { type } = await engine.decide(resize, { scope, input })
      t.equal(type, 'decided')
      decided += 1
      const rows = await engine.sql<{ mode: string }[]>`
      select distinct l.mode
      from pg_locks l
      join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'relation' and a.query like '%archive_move%' and a.pid <> pg_backend_pid()`
      for (const { mode } of rows) locks.add(mode)
    }
    const { decisions } = await archiving
    t.ok(decisions > 4)
    t.same(await engine.sql`select sqlstate from foreword.conflict`, [])
    t.same(
      [...locks].filter(
        (mode) => !['AccessShareLock', 'RowShareLock', 'RowExclusiveLock'].includes(mode),
      ),
      [],
    )
    await allSettled(engine)
    await auditedBy(t, engine)
  },
)

t.test(
  'the audit says what it has not held, and finds what left the log without a file',
  async (t) => {
    const { engine } = await oldWorld(t)
    const folder = await folderFor(t)
    const done = await run(engine, folder)
    const { checks, archived } = await audit(auditStore(engine.sql))
    t.match(archived, { files: done.files, decisions: done.decisions, entries: done.entries })
    const lawful = (law: string) => checks.find((check) => check.law === law)
    t.ok((lawful('finds_are_complete')?.unproven ?? 0) > 0)
    t.ok((lawful('finds_are_complete')?.violated ?? 1) === 0)
    const brokenBy = async (forgery: string): Promise<readonly string[]> => {
      await engine.sql.begin(async (tx) => {
        await tx`set local session_replication_role = replica`
        await tx.unsafe(forgery)
      })
      const forged = await audit(auditStore(engine.sql))
      return forged.checks.filter(({ violated }) => violated > 0).map(({ law }) => law)
    }
    const gone = await brokenBy(
      'delete from foreword_private.entry where id = (select min(id) from foreword_private.entry)',
    )
    t.ok(gone.includes('versions_without_gaps'), gone.join())
    const untold = await brokenBy(
      'delete from foreword_private.archive where id = (select max(id) from foreword_private.archive)',
    )
    t.ok(untold.includes('archives_add_up'), untold.join())
  },
)

t.test(
  'the run of a schedule archives as the configuration says, and tells in words',
  async (t) => {
    const { engine, url } = await oldWorld(t)
    const retention = { older_than_days: 30, to: await folderFor(t) }
    t.equal(
      await archiveByPolicy(engine.sql, testConfig(url)),
      'nothing: the configuration keeps everything',
    )
    t.match(
      await archiveByPolicy(engine.sql, testConfig(url, { retention })),
      /^archived \d+ decisions, \d+ entries in \d+ files$/,
    )
    t.ok((await readdir(retention.to)).length > 0)
    const told = await archiveByPolicy(engine.sql, testConfig(url, { retention }))
    t.match(told, /^archived 0 decisions/)
  },
)

t.test('two do not archive at once', async (t) => {
  const { engine } = await oldWorld(t)
  const folder = await folderFor(t)
  const both = await Promise.allSettled([run(engine, folder), run(engine, folder)])
  t.same(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  await auditedBy(t, engine)
})

t.test('a file that was changed is found, and one that is gone', async (t) => {
  const { engine } = await oldWorld(t)
  const folder = await folderFor(t)
  await run(engine, folder)
  const [first = '', second = ''] = await readdir(folder)
  const text = await readFile(path.join(folder, first), 'utf8')
  await writeFile(path.join(folder, first), text.replace('"size": "', '"size": "x'))
  await rm(path.join(folder, second))
  const types = new Map<string, string>()
  for await (const { file, read } of verify(engine.sql, []))
    types.set(path.basename(file), read.type)
  t.match(Object.fromEntries(types), { [first]: 'broken', [second]: 'missing' })
})
