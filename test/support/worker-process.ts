/**
 * A worker as a process of its own, to be killed: `node worker-process.ts DATABASE_URL CLOUD_URL [TRAITS [TRAP]]`.
 * Tells once it lives. Where it comes by the fail point TRAP it kills itself.
 */
import { armFailPoints } from '../../src/domain/fail-point.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { openEngine } from '../../src/foreword.ts'
import { createLogger } from '../../src/logger.ts'
import { follow } from './follow.ts'
import { quick, testConfig } from './settings.ts'

const [url = '', cloud = '', traits = '{}', trap] = process.argv.slice(2)
armFailPoints((point) => {
  if (point === trap) process.kill(process.pid, 'SIGKILL')
})
const providers = simulatedCloud({
  url: cloud,
  traits: { ...quick, ...(JSON.parse(traits) as object) },
})
const engine = openEngine({
  url,
  config: testConfig(url, { providers, deciders: [follow] }),
  secrets: String,
  logger: createLogger({ level: 'silent' }),
  version: 'test',
})
const worker = await engine.startWorker((reason) => {
  console.error(reason)
  process.exit(1)
})
process.once('SIGTERM', () => {
  void worker
    .stop()
    .then(() => engine.close())
    .then(() => {
      process.exit(0)
    })
})
console.log('alive')
