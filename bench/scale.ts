/**
 * A log of ten million entries against an empty one: what is asked by key, what the page asks, and how fast is decided
 * and applied. Sizes: `--resources` and `--entries`. The floors of what is asked are the bars, in milliseconds; those
 * of deciding and applying are the same work where there are as many resources and no log, round by round in turn.
 */
import { webReads } from '../src/store/web/reads.ts'
import { endToEnd, ours } from './apply-sides.ts'
import { resources as changed, scope, stubProvider, updateOne } from './apply-unit.ts'
import { benchServer, seedResources, type BenchDatabase } from './database.ts'
import { startStub } from './processes.ts'
import { compared, interleaved, perSecond, progress, type BenchLine } from './rounds.ts'
import { decisionId, makeScale, type Size } from './scale-log.ts'

const callers = 16
const asks_warming_up = 3
const asked_per_round = 20
const [keyed_bar_ms, page_bar_ms, search_bar_ms] = [5, 300, 200]

interface Ask {
  readonly name: string
  readonly bar_ms: number
  readonly run: (n: number) => Promise<unknown>
}

const someName = (n: number): string => `r${(n * 7_919) % changed}`
const someId = (n: number, { entries }: Size): number => 1 + ((n * 104_729) % entries)

/** What people and dashboards ask by key; n: another one each time. */
const keyedAsks = ({ sql }: BenchDatabase, size: Size): readonly Ask[] => {
  const keyed = (name: string, run: Ask['run']): Ask => ({ name, bar_ms: keyed_bar_ms, run })
  const id = (n: number): number => someId(n, size)
  return [
    keyed(
      'resource',
      (n) => sql`
      select * from foreword.resource r where r.scope = ${scope} and r.kind = 'vm' and r.name = ${someName(n)}`,
    ),
    keyed('intent', (n) => sql`select * from foreword.intent i where i.id = ${id(n)}`),
    keyed(
      'decision of an intent',
      (n) => sql`
      select d.*
      from foreword.intent i
      join foreword.decision d on d.id = i.decision_id
      where i.id = ${id(n)}`,
    ),
    keyed(
      'premises of a decision',
      (n) => sql`
      select p.* from foreword.premise p where p.decision_id = ${decisionId(id(n) - 1)}`,
    ),
    keyed(
      'attempts of an intent',
      (n) => sql`
      select a.* from foreword.attempt a where a.intent_id = ${id(n)}`,
    ),
    keyed(
      'assumed_at',
      (n) => sql`
      select * from foreword.assumed_at(${scope}, 'vm', ${someName(n)}, now() - interval '1 day')`,
    ),
    keyed('backlog', () => sql`select * from foreword.backlog`),
    keyed('doubts', () => sql`select * from foreword.doubt`),
    keyed('health', () => sql`select * from foreword.health`),
  ]
}

/** What the page asks. */
const pageAsks = ({ sql }: BenchDatabase, size: Size): readonly Ask[] => {
  const reads = webReads(sql)
  const search = (name: string, over: object): Ask => ({
    name: `search ${name}`,
    bar_ms: search_bar_ms,
    run: () =>
      reads.search({
        ...{ scope: '', kind: '', name: '', label: '', value: '', condition: '', after: null },
        ...over,
      }),
  })
  return [
    { name: 'page overview', bar_ms: page_bar_ms, run: () => reads.overview() },
    {
      name: 'page of a resource',
      bar_ms: page_bar_ms,
      run: (n) => reads.resource({ scope, kind: 'vm', name: someName(n) }),
    },
    { name: 'page of an intent', bar_ms: page_bar_ms, run: (n) => reads.intent(someId(n, size)) },
    search('the first page', {}),
    search('by scope and kind', { scope, kind: 'vm' }),
    search('by a beginning', { name: 'r9999' }),
    search('by label', { label: 'cell', value: '77' }),
    search('of what is not in sync', { condition: 'in_doubt' }),
  ]
}

const ask = async ({ name, bar_ms, run }: Ask, rounds: number, of: string): Promise<BenchLine> => {
  for (let n = 0; n < asks_warming_up; n++) await run(n)
  const ms: number[] = []
  for (let n = 0; n < rounds * asked_per_round; n++) {
    const started = performance.now()
    await run(n)
    ms.push(performance.now() - started)
  }
  progress(name, { ms: ms.slice(0, asked_per_round) })
  return compared(
    'scale',
    `${name}, ${of}`,
    ms,
    ms.map(() => bar_ms),
    'ms',
  )
}

const throughput = async (
  full: BenchDatabase,
  empty: BenchDatabase,
  { rounds, duration_ms, of }: { rounds: number; duration_ms: number; of: string },
): Promise<readonly BenchLine[]> => {
  const stub = await startStub()
  try {
    const contender = (name: string, database: BenchDatabase) => {
      const side = ours(database, stub.url)
      return { name, run: (ms: number) => endToEnd(side, callers, ms) }
    }
    const deciding = (name: string, database: BenchDatabase) => {
      const engine = database.engine({ providers: [stubProvider(stub.url)] })
      const other = (): string => `r${changed / 2 + Math.floor((Math.random() * changed) / 2)}`
      return {
        name,
        run: (ms: number) =>
          perSecond(callers, ms, async () => {
            const { type } = await engine.decide(updateOne, { scope, input: other() })
            return type === 'decided'
          }),
      }
    }
    const lines: BenchLine[] = []
    for (const [name, make, unit] of [
      ['decide and apply', contender, 'effects/s'],
      ['decide', deciding, 'decisions/s'],
    ] as const) {
      const sides = [make('ours', full), make('floor', empty)]
      const measured = await interleaved(sides, { rounds, duration_ms })
      progress(name, Object.fromEntries(measured))
      const [mine = [], floor = []] = [measured.get('ours'), measured.get('floor')]
      lines.push(compared('scale', `${name}, ${of}`, mine, floor, unit))
    }
    return lines
  } finally {
    await stub.close()
  }
}

/** A database that makeScale has filled against one that is empty. */
export const measureScale = async (
  full: BenchDatabase,
  empty: BenchDatabase,
  size: Size,
  options: { readonly rounds: number; readonly duration_ms: number; readonly only: string },
): Promise<readonly BenchLine[]> => {
  const { rounds, duration_ms, only } = options
  const of = `${size.resources} resources, ${size.entries} entries`
  const lines: BenchLine[] = []
  const asks = [...keyedAsks(full, size), ...pageAsks(full, size)]
  for (const one of asks.filter(({ name }) => name.includes(only))) {
    lines.push(await ask(one, rounds, of))
  }
  if (!'decide and apply'.includes(only)) return lines
  await seedResources(empty.sql, { scope, kind: 'vm', count: size.resources })
  return [...lines, ...(await throughput(full, empty, { rounds, duration_ms, of }))]
}

export const benchScale = async (
  rounds: number,
  duration_ms: number,
  only: string,
  size: Size,
): Promise<readonly BenchLine[]> => {
  const server = await benchServer()
  try {
    const [full, empty] = [await server.database(), await server.database()]
    const started = performance.now()
    await makeScale(full.sql, size)
    console.error(`scale: filled in ${Math.round((performance.now() - started) / 1_000)} s`)
    const lines = await measureScale(full, empty, size, { rounds, duration_ms, only })
    await Promise.all([full.close(), empty.close()])
    return lines
  } finally {
    await server.close()
  }
}
