/**
 * `npm run check:directions`: the rooms of src know each other downwards only (.dependency-cruiser.cjs).
 *
 * Besides, asserts that every file of src was seen: with a TypeScript that it does not know,
 * dependency-cruiser says "no violations (0 modules cruised)" and exits 0, a green check of nothing.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'

interface Report {
  readonly modules: readonly { readonly source: string }[]
  readonly summary: {
    readonly totalDependenciesCruised: number
    readonly violations: readonly {
      readonly from: string
      readonly to: string
      readonly rule: { readonly name: string }
      readonly cycle?: readonly { readonly name: string }[]
    }[]
    readonly ruleSetUsed: {
      readonly forbidden: readonly { readonly name: string; readonly comment: string }[]
    }
  }
}

const fail = (message: string): never => {
  console.error(`directions: ${message}`)
  process.exit(1)
}

const cruise = (folders: readonly string[]): Report => {
  const run = spawnSync('depcruise', ['--output-type', 'json', ...folders], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  // The json reporter exits 0 whatever it found; anything else is a run that did not finish.
  if (run.status !== 0) fail(`dependency-cruiser failed: ${run.stderr}${run.error?.message ?? ''}`)
  return JSON.parse(run.stdout) as Report
}

const { modules, summary } = cruise(
  ['src', 'test', 'bench', 'examples', 'tools'].filter((folder) => existsSync(folder)),
)

const seen = new Set(modules.map((module) => module.source))
const unseen = globSync('src/**/*.ts').filter((file) => !seen.has(file))
if (unseen.length > 0) fail(`not cruised: ${unseen.join(', ')}`)
const cruised = modules.filter((module) => module.source.startsWith('src/')).length
if (cruised === 0) fail('no module of src was cruised, so nothing was checked')
if (summary.totalDependenciesCruised === 0) fail('no import was seen, so nothing was checked')

const law = new Map(summary.ruleSetUsed.forbidden.map((rule) => [rule.name, rule.comment]))
const targets = new Map<string, string[]>()
for (const { rule, from, to, cycle } of summary.violations) {
  const breach = `${from}\n  ${rule.name}: ${law.get(rule.name) ?? ''}`
  const path = cycle === undefined ? to : cycle.map((module) => module.name).join(' -> ')
  targets.set(breach, [...(targets.get(breach) ?? []), path])
}
for (const [breach, paths] of targets) console.error(`${breach}\n  -> ${paths.join(', ')}`)
if (summary.violations.length > 0) fail(`${String(summary.violations.length)} violations`)
console.log(
  `directions: ${String(cruised)} modules of src, ${String(summary.totalDependenciesCruised)} imports, none upwards`,
)
