/** Configuration of the demo's processes. Yours would be a `foreword.config.ts` that names your APIs. */
import { defineConfig, simulatedCloud } from '../../src/index.ts'
import { scaleOut } from './scale-out.ts'

export default defineConfig({
  // `database` is left to FOREWORD_DATABASE_URL, which the demo sets to its own.
  providers: [
    simulatedCloud({
      url: process.env['FOREWORD_DEMO_CLOUD'] ?? 'http://127.0.0.1:7070',
      // Its reads lag by 300 ms: after twice that, what does not show is not there.
      traits: { settle_ms: 600, sightings: 2, call_timeout_ms: 3_000 },
    }),
  ],
  deciders: [scaleOut],
})
