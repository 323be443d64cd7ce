/** The law: on a standby what only reads tells the truth or says that it cannot, and what writes gives one clear error. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { openEmbedded } from '../../src/store/embedded/open.ts'
import { bench, recordStack } from '../cli/harness.ts'

t.test('a standby is read, and never says who lives', async (t) => {
  const b = await bench(t)
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-standby-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const open = () => openEmbedded({ directory, mode: 'own', fsync: false })
  const primary = await open()
  const file = await b.write('s.json', recordStack(3))
  const applied = await b.foreword(['apply', '-f', file], {
    env: { FOREWORD_DATABASE_URL: primary.url },
  })
  t.equal(applied.code, 0, applied.stderr)
  await primary.close()
  await writeFile(path.join(directory, 'postgres', 'standby.signal'), '')
  const standby = await open()
  t.teardown(() => standby.close())
  const on = (...args: readonly string[]) =>
    b.foreword(args, { env: { FOREWORD_DATABASE_URL: standby.url } })

  const status = await on('status')
  t.equal(status.code, 0, status.stderr)
  t.match(status.stdout, /3 intents under way · a standby: who lives is known to the primary/)
  t.notMatch(status.stdout, /no worker is alive|dead|died/)
  for (const args of [['log'], ['why', 'dns_record/r0.example.org.'], ['doubts'], ['audit']]) {
    const { code, stderr } = await on(...args)
    t.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  }
  const doctor = await on('doctor')
  t.equal(doctor.code, 1)
  t.match(doctor.stdout, /FAIL {2}server +the server is a standby/)
  t.notMatch(doctor.stdout, /no worker is alive/)
  for (const args of [['apply', '-f', file], ['worker'], ['pause', 'acme'], ['approve', '1']]) {
    const { code, errors } = await on(...args)
    t.equal(code, 1, args.join(' '))
    t.equal(errors.length, 1, errors.join())
    t.match(
      errors[0],
      /^foreword: (this server is a standby|the database takes no writes).+primary/,
    )
  }
})
