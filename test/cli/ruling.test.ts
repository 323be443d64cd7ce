/** doubts, resolve, approve, cancel: a person finds what waits, types what is shown, and it goes on. */
import t, { type Test } from 'tap'
import { eventually } from '../support/eventually.ts'
import { bench, type Bench } from './harness.ts'

const lost = { method: 'POST', path_regex: '^/v1/vms', fault: 'lose_response', n: 1 } as const

const stack = JSON.stringify({
  scope: 'acme',
  resources: [
    { kind: 'network', name: 'front', spec: { cidr: '10.0.0.0/24' } },
    { kind: 'vm', name: 'runner', spec: { size: 's' } },
    { kind: 'vm', name: 'after', spec: { size: 's' }, needs: ['vm/runner'] },
  ],
})

/** One vm in doubt, one that needs it, and a network that awaits approval. */
const parked = async (t: Test): Promise<{ readonly b: Bench; readonly id: IdOf }> => {
  const b = await bench(t, {
    faults: { match: [lost] },
    config: `
      providers: [simulatedCloud({ url, traits: { ...traits, idempotency: 'none' } })],
      policies: [{ scope: '*', kind: 'network', approve: ['create'] }]`,
  })
  const ran = await b.foreword(['apply', '-f', await b.write('s.json', stack), '--wait', '--quiet'])
  t.equal(ran.code, 3, ran.stderr)
  const rows = await b.database.sql<{ id: number; name: string }[]>`
    select id, name from foreword.intent`
  return { b, id: (name) => String(rows.find((row) => row.name === name)?.id) }
}
type IdOf = (name: string) => string

/** The commands that a text shows for a ruling, as a person would type them. */
const shownCommand = (text: string, pattern: RegExp): readonly string[] => {
  const line = text.split('\n').find((one) => pattern.test(one)) ?? ''
  const command = /foreword (.*?)(?: {2}|$)/.exec(line)?.[1] ?? ''
  return command.replace("'…'", 'seen-in-the-console').split(' ')
}

t.test('doubts shows the evidence, and commands that do what they say', async (t) => {
  const { b, id } = await parked(t)
  const { stdout } = await b.foreword(['doubts'])
  t.match(stdout, new RegExp(`#${id('runner')} {2}Did create of vm/runner happen\\?`))
  t.match(stdout, /sent +create \{ "size": "s" \}/)
  t.match(stdout, /in +attempt 1 at \S+ \S+, idempotency key fw-\S+/)
  t.match(stdout, /answered +POST \S+: \S+ after it was sent/)
  t.match(stdout, /last seen +\{ "size": "s" \} at .*, external id vm-/, 'what is there now')
  t.match(stdout, /blocks +1 other intent/)
  t.match(stdout, /May create of network\/front be done\?/)
  t.match(stdout, /would be +\{ "cidr": "10\.0\.0\.0\/24" \}/)
  t.match(stdout, /1 doubt, 1 waits for a person\. 1 intent awaits approval\./)
  const json = await b.foreword(['doubts', '--json'])
  t.match(JSON.parse(json.stdout), [
    { state: 'in_doubt', intent_id: Number(id('runner')), sent: { state: { size: 's' } } },
    { state: 'awaiting_approval', intent_id: Number(id('front')), waits_for_a_person: true },
  ])
  const why = await b.foreword(['why', 'vm/runner'])
  t.match(why.stdout, new RegExp(`foreword resolve ${id('runner')} --abandon --note`))

  const worker = b.start(['worker'])
  await worker.shows(/worker/)
  const resolved = await b.foreword(shownCommand(stdout, /--happened/))
  t.equal(resolved.code, 0, resolved.stderr)
  t.match(resolved.stdout, /^#\d+ create vm\/runner in acme: \w+/)
  const approved = await b.foreword(shownCommand(stdout, /foreword approve/))
  t.equal(approved.code, 0, approved.stderr)
  await eventually('all of it is confirmed', async () => {
    const rows = await b.database.sql`select from foreword.intent where state <> 'confirmed'`
    return rows.length === 0
  })
  worker.child.kill('SIGTERM')
  t.equal((await worker.ended).code, 0)
  t.equal((await b.ledger()).length, 3, 'each was made once')
  const told = await b.foreword(['why', 'vm/runner'])
  t.match(told.stdout, /attempt 1 [^]*ruled +.*, happened, by \S+@\S+: seen-in-the-console/)
  t.match((await b.foreword(['doubts'])).stdout, /No doubts/)
})

t.test('abandon and cancel need no worker, and log, why and JSON tell of them', async (t) => {
  const { b, id } = await parked(t)
  const follow = b.start(['log', '--follow', '--json', '-n', '1'])
  await follow.shows(/"kind"/)
  const abandon = ['resolve', `#${id('runner')}`, '--abandon', '--note', 'we do without']
  const abandoned = await b.foreword([...abandon, '--json'])
  t.equal(abandoned.code, 0, abandoned.stderr)
  t.same(JSON.parse(abandoned.stdout), [
    { intent_id: Number(id('runner')), ruling: 'abandon', state: 'cancelled' },
  ])
  await follow.shows(/"cause":"ruling".*"ruling":"abandon".*"note":"we do without"/)
  follow.child.kill('SIGINT')
  await follow.ended
  const cancelled = await b.foreword(['cancel', id('front'), '--note', 'too wide'])
  t.equal(cancelled.code, 0, cancelled.stderr)
  t.match(cancelled.stdout, /create network\/front in acme: cancelled/)
  t.match(await b.database.sql`select name, state from foreword.intent order by name`, [
    { name: 'after', state: 'stale' },
    { name: 'front', state: 'cancelled' },
    { name: 'runner', state: 'cancelled' },
  ])
  const log = await b.foreword(['log'])
  t.match(log.stdout, /vm\/runner +1 +create +abandon +\S+@\S+ +we do without/)
  t.match(log.stdout, /vm\/runner +2 +withdraw +ruling +foreword\/ruling/)
  const why = await b.foreword(['why', 'vm/runner', '--json'])
  t.match(JSON.parse(why.stdout), { entries: [{ rulings: [{ ruling: 'abandon' }] }, {}] })
  t.equal((await b.foreword(['audit', '--quiet'])).code, 0)
})

t.test(
  'what cannot be ruled is one line with the remedy, and nobody else waits for it',
  async (t) => {
    const { b, id } = await parked(t)
    const usage: readonly (readonly [args: readonly string[], line: RegExp])[] = [
      [['resolve', id('runner'), '--note', 'x'], /^foreword: no ruling; give one of --happened,/],
      [['resolve', id('runner'), '--retry', '--abandon', '--note', 'x'], /more than one ruling;/],
      [['resolve', id('runner'), '--retry'], /^foreword: a ruling needs a note; say why/],
      [['resolve', id('runner'), '--retry', '--note', ' '], /^foreword: a ruling needs a note;/],
      [['resolve', 'vm/runner', '--retry', '--note', 'x'], /"vm\/runner" is not the number of an/],
      [
        ['resolve', id('runner'), '--retry', '--note', 'x', '--external-id', 'i'],
        /--external-id says what there is; give it with --happened/,
      ],
      [['approve'], /^foreword: missing required argument 'id'; see foreword approve --help/],
    ]
    for (const [args, line] of usage) {
      const { code, errors } = await b.foreword(args)
      t.equal(code, 2, args.join(' '))
      t.match(errors, [line], args.join(' '))
      t.equal(errors.length, 1)
    }
    t.same(await b.database.sql`select from foreword.ruling`, [])
    const some = await b.foreword(['approve', '999', id('runner'), id('front')])
    t.equal(some.code, 1)
    t.match(some.errors, [
      /^foreword: there is no intent 999; /,
      /^foreword: intent \d+ does not wait for approval: it is in doubt; /,
      /^foreword: no worker for network is alive; /,
    ])
    t.match(some.stdout, /^#\d+ create network\/front in acme: pending: approved by/)
  },
)
