/**
 * A worker as a process of its own, to be killed: `node worker-process.ts DATABASE_URL CLOUD_URL`.
 * Prints its id once it lives.
 */
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { openEngine } from '../../src/foreword.ts'
import { createLogger } from '../../src/logger.ts'
import { quick, testConfig } from './settings.ts'

const [url = '', cloud = '', traits = '{}'] = process.argv.slice(2)
const providers = simulatedCloud({
  url: cloud,
  traits: { ...quick, ...(JSON.parse(traits) as object) },
})
const engine = openEngine({
  url,
  config: testConfig(url, { providers }),
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
