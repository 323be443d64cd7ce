/**
 * `npm run bench -- NAME [CASE] [--rounds N] [--seconds S] [--json]`: one JSON line for each result. `scale` also takes
 * `--resources N` and `--entries N`.
 * CASE: only the cases whose names contain it, where the bench has many.
 */
import { parseArgs } from 'node:util'
import { benchApply } from './apply.ts'
import { benchAudit } from './audit.ts'
import { benchConflict } from './conflict.ts'
import { benchContention } from './contention.ts'
import { benchDecide } from './decide.ts'
import { benchLatency } from './latency.ts'
import { benchPlan } from './plan.ts'
import { benchTakeover } from './takeover.ts'
import { benchOutage } from './outage.ts'
import { benchScale } from './scale.ts'
import type { Size } from './scale-log.ts'
import type { BenchLine } from './rounds.ts'

type Bench = (
  rounds: number,
  duration_ms: number,
  only: string,
  size: Size,
) => Promise<readonly BenchLine[]>

const benches: Readonly<Record<string, Bench>> = {
  apply: benchApply,
  audit: benchAudit,
  conflict: benchConflict,
  contention: benchContention,
  decide: benchDecide,
  latency: benchLatency,
  plan: benchPlan,
  takeover: benchTakeover,
  outage: benchOutage,
  scale: benchScale,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    resources: { type: 'string', default: '1000000' },
    entries: { type: 'string', default: '10000000' },
  },
})
const [name = '', only = ''] = positionals
const bench = benches[name]
if (bench === undefined) {
  console.error(
    `foreword: no bench ${JSON.stringify(name)}; one of ${Object.keys(benches).join(', ')}`,
  )
  process.exit(2)
}
const size = { resources: Number(values.resources), entries: Number(values.entries) }
if (!(size.resources >= 10_000) || size.entries % size.resources !== 0) {
  console.error('foreword: --resources must be 10000 at least, --entries a multiple of it')
  process.exit(2)
}
for (const line of await bench(Number(values.rounds), Number(values.seconds) * 1_000, only, size)) {
  console.log(JSON.stringify(line))
}
