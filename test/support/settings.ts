import { defaultLimits, type Config } from '../../src/domain/config.ts'
import type { Traits } from '../../src/domain/provider.ts'

/** A whole configuration on a database; sweeps come quickly. */
export const testConfig = (url: string, over: Partial<Config> = {}): Config => ({
  database: url,
  directory: '',
  providers: [],
  deciders: [],
  schedules: [],
  policies: [],
  limits: { ...defaultLimits, sweep_interval_ms: 200 },
  web: { port: 0 },
  ...over,
})

/** Quick traits for a calm cloud. */
export const quick: Partial<Traits> = { settle_ms: 50, sightings: 1, call_timeout_ms: 2_000 }
