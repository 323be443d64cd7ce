/** why, of an intent that went in doubt, was ruled, withdrew others and was compensated: as the docs show it. */
import { readFile } from 'node:fs/promises'
import stringWidth from 'string-width'
import t, { type Test } from 'tap'
import { connect, type Connected } from '../../src/connect.ts'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { eventually } from '../support/eventually.ts'
import { bench, type Bench } from './harness.ts'

const lost = { method: 'POST', path_regex: '^/v1/vms', fault: 'lose_response', n: 1 } as const

const launch = defineDecider({
  name: 'launch',
  version: 3,
  compensation: 'all_or_compensate',
  read: (q) => ({ runner: q.get('vm', 'runner'), pool: q.find('vm', { role: 'ci' }) }),
  decide: () => [
    create('network', 'ci', { cidr: '10.0.0.0/24' }),
    create('vm', 'runner', { size: 's' }, { needs: ['network/ci'], labels: { role: 'ci' } }),
    create('ip', 'runner', {}, { needs: ['vm/runner'] }),
  ],
})

const publish = defineDecider({
  name: 'publish',
  version: 1,
  read: (q) => ({ runner: q.get('vm', 'runner') }),
  decide: () =>
    create('dns_record', 'runner.example.org.', { type: 'A', ttl: 60, records: ['192.0.2.7'] }),
})

/** Ids of intents by their keys. */
type Ids = ReadonlyMap<string, number>

const idsIn = async (b: Bench): Promise<Ids> => {
  const rows = await b.database.sql<{ id: number; key: string }[]>`
    select id, verb || ' ' || kind || '/' || name as key from foreword.intent`
  return new Map(rows.map(({ id, key }) => [key, id]))
}

const until = (b: Bench, key: string, state: string): Promise<unknown> =>
  eventually(`${key} is ${state}`, async () => {
    const rows = await b.database.sql`
      select
      from foreword.intent
      where
        verb || ' ' || kind || '/' || name = ${key}
        and state = ${state}
        and (state <> 'in_doubt' or due_at is null)`
    return rows.length > 0
  })

const decided = async (foreword: Connected): Promise<string> => {
  const first = await foreword.decide(launch, { scope: 'acme/ci', actor: 'ci', reason: 'job 51' })
  await foreword.decide(publish, { scope: 'acme/ci', actor: 'dns' })
  if (first.type !== 'decided') throw new Error(JSON.stringify(first))
  return first.decision
}

/** The whole story, played by real processes. */
const played = async (t: Test): Promise<{ b: Bench; ids: Ids; decision: string }> => {
  const b = await bench(t, {
    faults: { match: [lost] },
    config: `providers: [simulatedCloud({ url, traits: { ...traits, idempotency: 'none' } })],`,
  })
  const foreword = await connect({ database: b.database.url })
  t.teardown(foreword.close)
  const decision = await decided(foreword)
  const worker = b.start(['worker', '--quiet'])
  await until(b, 'create vm/runner', 'in_doubt')
  const ids = await idsIn(b)
  const id = String(ids.get('create vm/runner'))
  const doubt = await b.foreword(['why', id])
  t.match(doubt.stdout, /holds up +#\d+ create ip\/runner: pending/)
  t.match(doubt.stdout, /foreword resolve \d+ --happened/)
  await b.foreword(['resolve', id, '--abandon', '--note', 'the console shows none'])
  await until(b, 'delete network/ci', 'confirmed')
  worker.child.kill('SIGTERM')
  await worker.ended
  return { b, ids: await idsIn(b), decision }
}

/** What differs from run to run, as words. */
const normalised = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'CLOCK')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'DECISION')
    .replace(/\b\d+ (ms|s|min)\b/g, 'SPAN')
    .replace(/fw-[0-9a-f]{32}/g, 'KEY')
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/\b(vm|net)-[0-9a-f]{16}/g, '$1-ID')
    .replace(/by \S+@\S+: /g, 'by PERSON: ')
    .trimEnd()

/** What the docs show of a command, ids of decisions left out. */
const shown = async (command: RegExp): Promise<string> => {
  const text = await readFile(new URL('../../docs/why.md', import.meta.url), 'utf8')
  for (const [, block = ''] of text.matchAll(/```console\n([^]*?)```/g)) {
    const [line = '', ...rest] = block.split('\n')
    if (command.test(line)) return rest.join('\n')
  }
  throw new Error(`docs/why.md shows no ${String(command)}`)
}

t.test('the story of a doubt is told as docs/why.md shows it', async (t) => {
  const { b, ids, decision } = await played(t)
  const of_intent = await b.foreword(['why', `#${ids.get('create vm/runner') ?? ''}`])
  t.equal(normalised(of_intent.stdout), normalised(await shown(/why #\d+$/)), of_intent.stdout)
  const of_decision = await b.foreword(['why', decision])
  t.equal(
    normalised(of_decision.stdout),
    normalised(await shown(/why [0-9a-f]{8}-/)),
    of_decision.stdout,
  )
  const undoing = await b.foreword(['why', 'network/ci'])
  t.match(undoing.stdout, /undone by +#\d+ delete network\/ci: confirmed/)
  t.match(undoing.stdout, /undoes +#\d+ create network\/ci: confirmed/)
  const json = await b.foreword(['why', decision, '--json'])
  t.match(JSON.parse(json.stdout), {
    entries: [
      { kind: 'network', links: { undone_by: [{ verb: 'delete', state: 'confirmed' }] } },
      {
        kind: 'vm',
        state: 'cancelled',
        rulings: [{ ruling: 'abandon', note: 'the console shows none' }],
        attempts: [{ outcome: 'in_doubt' }],
        links: { took_back: [{ kind: 'ip' }, { kind: 'dns_record' }] },
      },
      { kind: 'ip', state: 'stale' },
    ],
  })
})

t.test('a story fits a terminal of any width', async (t) => {
  const { factLines } = await import('../../src/cli/print.ts')
  const { colorsOf } = await import('../../src/cli/print.ts')
  const colors = colorsOf(process.stdout, { NO_COLOR: '1' })
  const facts = [
    ['relied on', `vm/${'東京'.repeat(40)} v3 { "size": "s" }, moved since by #9`],
  ] as const
  for (const width of [30, 40, 80, 200]) {
    for (const line of factLines(facts, { colors, width })) t.ok(stringWidth(line) <= width, line)
  }
})
