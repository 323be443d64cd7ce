/** `npm run check`, the one door: every step in turn, cheapest first; stops at the first that fails and names it. */
import { spawnSync } from 'node:child_process'

const steps = [
  'check:format',
  'check:types',
  'check:directions',
  'check:dead',
  'check:sql',
  'check:lint',
  'test',
]

for (const step of steps) {
  console.log(`== ${step}`)
  const started = performance.now()
  const { status, error } = spawnSync('npm', ['run', '--silent', step], { stdio: 'inherit' })
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  if (status !== 0) {
    console.error(`check failed at ${step} (npm run ${step}) after ${seconds} s`, error ?? '')
    process.exit(1)
  }
  console.log(`== ${step} passed in ${seconds} s`)
}
console.log('check passed')
