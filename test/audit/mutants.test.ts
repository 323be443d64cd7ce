/**
 * A checker that finds nothing is worth what it would find. Each mutant is the audit with one line
 * broken, and must judge some history of the corpus wrongly; the whole audit judges all of them rightly.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type * as history_laws from '../../src/audit/history-laws.ts'
import { corpus } from './corpus.ts'
import { loaded } from './told-history.ts'

const source = path.resolve(import.meta.dirname, '../../src')

interface Mutant {
  readonly title: string
  readonly file: string
  readonly from: string
  readonly to: string
}

const graph = 'audit/serialization-graph.ts'
const mutants: readonly Mutant[] = [
  {
    title: 'no ww edges',
    file: graph,
    from: 'edges.addEdge(writers, later, numbered(ww, row))',
    to: 'void 0',
  },
  {
    title: 'no wr edges',
    file: graph,
    from: 'edges.addEdge(after[place] ?? -1, reader, numbered(wr, row))',
    to: 'void 0',
  },
  {
    title: 'no rw edges',
    file: graph,
    from: 'edges.addEdge(reader, before[place] ?? -1, numbered(rw, row))',
    to: 'void 0',
  },
  {
    title: 'rw edges turned around',
    file: graph,
    from: 'edges.addEdge(reader, before[place] ?? -1, numbered(rw, row))',
    to: 'edges.addEdge(before[place] ?? -1, reader, numbered(rw, row))',
  },
  {
    title: 'reads of what was absent forgotten',
    file: graph,
    from: 'if (partakes[reader] === 0) continue\n    const version',
    to: 'if (partakes[reader] === 0 || reads.version[row] === 0) continue\n    const version',
  },
  {
    title: 'two versions swapped',
    file: 'audit/version-order.ts',
    from: '(row) => writes.version[row] ?? 0)',
    to: '(row) => [0, 2, 1][writes.version[row] ?? 0] ?? writes.version[row] ?? 0)',
  },
  {
    title: 'one overtaken by his own next version only',
    file: graph,
    from: 'place += 1\n    if (place < end)',
    to: 'place += 2\n    if (place < end)',
  },
  {
    title: 'versions that were taken back stand in the order',
    file: graph,
    from: 'if (writes.withdrawn[row] === 0) kept.push',
    to: 'kept.push',
  },
  {
    title: 'decisions that were taken back are nodes',
    file: graph,
    from: 'any === 0 ? 1 : (kept[at] ?? 0)',
    to: '1',
  },
  {
    title: 'decisions that were taken back in part are none',
    file: graph,
    from: 'if (withdrawn[row] === 0) kept[writer] = 1',
    to: 'kept[writer] = withdrawn[row] === 0 && kept[writer] === wrote[writer] ? 1 : 0',
  },
  {
    title: 'only the last writer of a shared version is seen',
    file: graph,
    from: 'if (writers.length < 2) return writers[0] ?? -1',
    to: 'if (writers.length > 0) return writers[0] ?? -1',
  },
  {
    title: 'nodes that are no decisions count as such',
    file: 'audit/components.ts',
    from: 'if (node < graph.decisions) decisions += 1',
    to: 'decisions += 1',
  },
  {
    title: 'a node is left as soon as its first neighbour is through',
    file: 'audit/components.ts',
    from: 'low[parent] = Math.min(low[parent] ?? 0, lowest)',
    to: 'void 0',
  },
  {
    title: 'what was seen of a predicate makes no edge',
    file: graph,
    from: 'if (settled > start)',
    to: 'if (settled < start)',
  },
  {
    title: 'what was not seen of a predicate makes no edge',
    file: graph,
    from: 'if (unseen < end)',
    to: 'if (unseen > end)',
  },
  {
    title: 'what was under way counts as seen',
    file: 'audit/transitions.ts',
    from: '&& !xip.includes(xid[transition] ?? 0)',
    to: '',
  },
  {
    title: 'nothing is seen that is younger than the oldest that was under way',
    file: 'audit/transitions.ts',
    from: 'sees: (transition) => ',
    to: 'sees: (transition) => transition < 0 && ',
  },
  {
    title: 'who leaves a predicate makes no edge',
    file: 'audit/transitions.ts',
    from: 'of moved) {',
    to: 'of is_there === 1 ? moved : []) {',
  },
  {
    title: 'who joins a predicate makes no edge',
    file: 'audit/transitions.ts',
    from: 'of moved) {',
    to: 'of is_there === 0 ? moved : []) {',
  },
  {
    title: 'the chain of those who joined later is broken',
    file: graph,
    from: 'edges.addEdge(from[at - 1] ?? -1, from[at] ?? -1, no_reason)',
    to: 'void 0',
  },
  {
    title: 'the chain of those who joined earlier is broken',
    file: graph,
    from: 'edges.addEdge(upTo[at - 1] ?? -1, upTo[at] ?? -1, no_reason)',
    to: 'void 0',
  },
  {
    title: 'both chains of a predicate are one',
    file: graph,
    from: 'edges.addEdge(from[at] ?? -1, writer(at), no_reason)',
    to: 'edges.addEdge(upTo[at] ?? -1, writer(at), no_reason)',
  },
]

const directory = mkdtempSync(path.join(tmpdir(), 'foreword-mutants-'))
t.teardown(() => rmSync(directory, { recursive: true, force: true }))

type Audit = Pick<typeof history_laws, 'holdHistory'>

/** The audit in a folder of its own, with one of its lines changed, or as it is. */
const made = async (name: string, mutant?: Mutant): Promise<Audit> => {
  const folder = path.join(directory, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
  for (const room of ['audit', 'domain']) {
    cpSync(path.join(source, room), path.join(folder, room), { recursive: true })
  }
  if (mutant !== undefined) {
    const file = path.join(folder, mutant.file)
    const parts = readFileSync(file, 'utf8').split(mutant.from)
    t.equal(parts.length, 2, `the line to break is there once: ${mutant.title}`)
    writeFileSync(file, parts.join(mutant.to))
  }
  return (await import(pathToFileURL(path.join(folder, 'audit/history-laws.ts')).href)) as Audit
}

/** Titles of the histories that an audit judges wrongly. */
const misjudged = async ({ holdHistory }: Audit): Promise<readonly string[]> => {
  const wrong: string[] = []
  for (const { title, history, circle } of corpus) {
    const { decisions_are_serializable: found } = await holdHistory(loaded(history), 20)
    if (found.violated !== (circle === null ? 0 : 1)) wrong.push(title)
  }
  return wrong
}

t.test('the audit as it is judges every history rightly', async (t) => {
  t.strictSame(await misjudged(await made('whole')), [])
})

for (const [at, mutant] of mutants.entries()) {
  t.test(`an audit with ${mutant.title} is caught`, async (t) => {
    const wrong = await misjudged(await made(`mutant-${at}`, mutant))
    t.not(wrong.length, 0)
    t.comment(`by: ${wrong.join('; ')}`)
  })
}
