/** The URL of a database means what it means to libpq, for the driver that decides and for the one of the queue. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { errorLine, ForewordError } from '../../src/domain/errors.ts'
import { connectionError } from '../../src/store/connect.ts'
import { placeOf, serverOf, withoutPassword } from '../../src/store/database-url.ts'
import { queueUrl } from '../../src/store/queue-url.ts'
import { reachable } from '../../src/store/reachable.ts'
import { migrateQueue } from '../../src/worker/queue-migrate.ts'
import { testDatabase } from '../support/database.ts'
import { certificate, tlsProxy } from '../support/tls-proxy.ts'

const with_query = (url: URL | string, query: string): string => {
  const at = new URL(url)
  at.search = query
  return at.href
}

/** By each of the two drivers: whether it was let in, or what it says. */
const bothTold = async (url: string): Promise<readonly [string, string]> => {
  const told = (error: unknown): string =>
    error instanceof ForewordError ? errorLine(error) : String(error)
  const deciding = await reachable(url).then(() => 'in', told)
  const queue = await queueUrl(url)
    .then(migrateQueue)
    .then(() => 'in', told)
  return [deciding, queue]
}

const rootFile = async (t: Test): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'foreword root ü-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'root.crt')
  await writeFile(file, certificate)
  return file
}

t.test('a certificate is held against what the URL says, by both drivers alike', async (t) => {
  const { url } = await testDatabase(t)
  const at = await tlsProxy(t, url)
  const by_name = new URL(at)
  by_name.hostname = 'localhost'
  const root = `sslrootcert=${encodeURIComponent(await rootFile(t))}`
  const lets_in: readonly (readonly [URL, string])[] = [
    [at, 'sslmode=require'],
    [at, 'sslmode=prefer'],
    [at, 'sslmode=allow'],
    [at, 'sslmode=no-verify'],
    [at, 'sslmode=require&channel_binding=require'],
    [at, `sslmode=require&${root}`],
    [at, `sslmode=verify-ca&${root}`],
    [by_name, `sslmode=verify-full&${root}`],
  ]
  for (const [to, query] of lets_in)
    t.strictSame(await bothTold(with_query(to, query)), ['in', 'in'], query)
  const keeps_out: readonly (readonly [URL, string, RegExp])[] = [
    [by_name, 'sslmode=verify-ca', /self-signed/],
    [by_name, 'sslmode=verify-full', /self-signed/],
    [at, `sslmode=verify-full&${root}`, /altnames.*127\.0\.0\.1|altnames/],
  ]
  for (const [to, query, says] of keeps_out) {
    const [deciding, queue] = await bothTold(with_query(to, query))
    t.match(deciding, says, `deciding: ${query}`)
    t.match(queue, says, `queue: ${query}`)
  }
})

t.test('who must speak TLS and does not is told how', async (t) => {
  const { url } = await testDatabase(t, { migrated: false })
  const at = await tlsProxy(t, url)
  const error = await reachable(at.href).catch((e: unknown) => e)
  if (!(error instanceof ForewordError)) throw new Error('it was let in', { cause: error })
  t.match(errorLine(error), /takes no log-in without TLS.*sslmode=require/)
})

t.test('where a server has no TLS, prefer does without, and require does not', async (t) => {
  const { url } = await testDatabase(t)
  t.strictSame(await bothTold(with_query(url, 'sslmode=prefer')), ['in', 'in'])
  for (const said of await bothTold(with_query(url, 'sslmode=require'))) t.not(said, 'in')
})

t.test('an address of IPv6 is one', async (t) => {
  const { url } = await testDatabase(t)
  const at = await tlsProxy(t, url, '::1').catch(() => null)
  if (at === null) {
    t.comment('this machine has no IPv6')
    return
  }
  t.strictSame(await bothTold(with_query(at, 'sslmode=require')), ['in', 'in'])
})

t.test('a folder without a socket is told; no other missing file is taken for one', async (t) => {
  const url = 'postgres://u@/d?host=/nowhere'
  await t.rejects(reachable(url), { message: /no such socket/, where: '/nowhere:5432/d' })
  const file = await readFile('/nowhere/file').catch((error: unknown) => error)
  t.equal(connectionError(url, file), file)
})

t.test('what a URL says for other clients is no setting of a session', async (t) => {
  const { url } = await testDatabase(t)
  const others =
    'schema=public&pgbouncer=true&keepalives=1&connect_timeout=3&gssencmode=disable&' +
    'application_name=x&target_session_attrs=read-write&options=-c%20work_mem%3D1MB&lock_timeout=5000'
  t.strictSame(await bothTold(with_query(url, others)), ['in', 'in'])
  t.strictSame(serverOf(with_query(url, others)).settings, {
    options: '-c work_mem=1MB',
    lock_timeout: '5000',
  })
})

t.test('user, host, port and name may stand before or after the question mark', async (t) => {
  const { url } = await testDatabase(t)
  const { username, hostname, port, pathname } = new URL(url)
  const name = pathname.slice(1)
  const { password } = serverOf(url)
  const secret = password === undefined ? '' : `&password=${encodeURIComponent(password)}`
  const after = `host=${hostname}&port=${port}&user=${username}${secret}`
  t.strictSame(await bothTold(`postgres:///${name}?${after}`), ['in', 'in'])
  t.strictSame(await bothTold(`postgresql://?dbname=${name}&${after}`), ['in', 'in'])
  t.match(serverOf('postgres://u:p%40s%3As%2Fw%3Fo%23r%25d@/d?host=/run/a%20b&port=6'), {
    host: '/run/a b',
    port: 6,
    user: 'u',
    password: 'p@s:s/w?o#r%d',
    database: 'd',
  })
  t.match(serverOf('postgres://u@%2Frun%2Fpg:7/d'), { host: '/run/pg', port: 7 })
  await t.rejects(reachable('postgres://u@no.invalid/d'), { message: /host|resolved/ })
  t.equal(placeOf('postgres://u:p@[::1]/d'), '[::1]:5432/d')
})

t.test('what cannot be meant is one line with a remedy, and no password', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['postgres://u:secret@a,b/d', /several hosts/],
    ['postgres://u:secret@a:1,b:2/d', /several hosts/],
    ['postgres://u:secret@/d?host=a,b', /several hosts/],
    ['postgres://u:secret@h:99999/d', /port/],
    ['postgres://u:secret@h:x/d', /is not one/],
    ['postgres://u:secret%@h/d', /%25/],
    ['postgres://u:secret@h/d?sslmode=requires', /sslmode/],
    ['postgres://u:secret@h/d?service=shop', /service/],
    ['postgres://u:secret@h/d?sslcrl=x', /sslcrl/],
    ['postgres://u:secret@h/d?target_session_attrs=standby', /standby/],
    ['mysql://u:secret@h/d', /is not one/],
  ]
  for (const [url, says] of cases) {
    try {
      serverOf(url)
      t.fail(url)
    } catch (error) {
      if (!(error instanceof ForewordError)) throw error
      t.match(errorLine(error), says)
      t.notMatch(errorLine(error), /secret/)
      t.not(error.remedy, '')
    }
  }
  t.end()
})

t.test('what people are shown has no password, however it was given', (t) => {
  for (const url of [
    'postgres://u:secret@h:1/d',
    'postgres://u:se@secret@h/d',
    'postgres://:secret@h/d?password=secret',
    'postgres:///d?password=secret&user=u',
    'postgres:///d?user=u&password=secret',
  ])
    t.notMatch(withoutPassword(url), /secret/, url)
  t.equal(
    withoutPassword('postgres://u:secret@h:1/d?sslmode=require'),
    'postgres://u@h:1/d?sslmode=require',
  )
  t.end()
})
