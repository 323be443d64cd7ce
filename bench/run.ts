/** `npm run bench -- NAME [--rounds N] [--seconds S] [--json]`: one JSON line for each result. */
import { parseArgs } from 'node:util'
import { benchDecide } from './decide.ts'
import type { BenchLine } from './rounds.ts'

type Bench = (rounds: number, duration_ms: number) => Promise<readonly BenchLine[]>

const benches: Readonly<Record<string, Bench>> = { decide: benchDecide }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
})
const [name = ''] = positionals
const bench = benches[name]
if (bench === undefined) {
  console.error(
    `foreword: no bench ${JSON.stringify(name)}; one of ${Object.keys(benches).join(', ')}`,
  )
  process.exit(2)
}
for (const line of await bench(Number(values.rounds), Number(values.seconds) * 1_000)) {
  console.log(JSON.stringify(line))
}
