/** `node bench/worker.ts URL STUB [held]`: a worker on the stub, a process of its own. Prints when it lives. */
import { defaultLimits } from '../src/domain/config.ts'
import { openEngine } from '../src/foreword.ts'
import { createLogger } from '../src/logger.ts'
import { stubProvider } from './apply-unit.ts'

const [url = '', stub = '', held] = process.argv.slice(2)
const provider =
  held === 'held' ? stubProvider(stub, { idempotency: 'lookup' }, true) : stubProvider(stub)
const engine = openEngine({
  url,
  config: {
    database: url,
    directory: '',
    providers: [provider],
    deciders: [],
    schedules: [],
    policies: [],
    limits: defaultLimits,
    web: { port: 0 },
  },
  secrets: String,
  logger: createLogger({ level: 'warn' }),
  version: 'bench',
})
await engine.startWorker((reason) => {
  throw new Error(reason)
})
process.once('disconnect', () => {
  process.exit(0)
})
console.log('alive')
