/** What every process of a schedule is given, as one JSON argument, and the engine that it makes of it. */
import { defaultLimits, type Config } from '../../src/domain/config.ts'
import { openEngine, type Engine } from '../../src/foreword.ts'
import { secret } from '../../src/domain/define-config.ts'
import { createLogger } from '../../src/logger.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import type { AnyProvider } from '../../src/domain/provider.ts'
import { resolveSecret } from '../../src/secrets.ts'
import { deciders } from './deciders.ts'
import type { Job, Schedule } from './schedule.ts'

export const scope = 'acme'

/** Goes out with every request to the cloud, and must be found nowhere else. */
export const canary = {
  variable: 'TORTURE_SECRET',
  value: 'canary-d41d8cd98f00b204e9800998ecf8427e',
}

export interface Setting extends Pick<Schedule, 'kinds' | 'traits' | 'cores_max'> {
  readonly url: string
  readonly cloud: string
  readonly jumps: readonly { readonly at_ms: number; readonly by_ms: number }[]
  /** For a decider: what is left of its jobs. */
  readonly jobs: readonly Job[]
}

export const settingOf = (): Setting => JSON.parse(process.argv[2] ?? '{}') as Setting

/** Each kind by its own trait: those with tokens send them, the others do not. */
const providersOf = ({ cloud, kinds, traits }: Setting): readonly AnyProvider[] =>
  (['token', 'lookup', 'none'] as const).flatMap((idempotency) =>
    simulatedCloud({
      url: cloud,
      tokens: idempotency === 'token',
      traits: { ...traits, idempotency },
      headers: { 'X-Secret': secret.env(canary.variable) },
    }).filter(({ kind }) => kinds[kind as keyof typeof kinds] === idempotency),
  )

export const openSetting = (setting: Setting): Engine => {
  const config: Config = {
    database: setting.url,
    directory: '',
    providers: providersOf(setting),
    deciders: [...deciders.values()],
    schedules: [],
    policies: [],
    limits: { ...defaultLimits, pool_connections_max: 4, sweep_interval_ms: 200 },
    web: { port: 0 },
  }
  return openEngine({
    url: setting.url,
    config,
    secrets: resolveSecret(process.env),
    logger: createLogger({ level: 'info' }),
    version: 'torture',
  })
}
