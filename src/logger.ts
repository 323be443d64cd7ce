/** JSON lines on stderr: fields by allowlist, secrets by none. */
import pino from 'pino'
import { ForewordError } from './domain/errors.ts'
import { withoutSecrets } from './domain/hidden-secrets.ts'
import type { Logger } from './domain/ports.ts'

const levels = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof levels)[number]

/** What `FOREWORD_LOG_LEVEL` says; `warn` where it says nothing. */
export const logLevelOf = (env: Readonly<Record<string, string | undefined>>): LogLevel => {
  const given = env['FOREWORD_LOG_LEVEL'] ?? ''
  const level = given === '' ? 'warn' : levels.find((known) => known === given.toLowerCase())
  if (level !== undefined) return level
  throw new ForewordError(`there is no level ${JSON.stringify(given)} of the log`, {
    where: 'FOREWORD_LOG_LEVEL',
    remedy: `write ${levels.join(', ')}`,
    exit_code: 2,
  })
}

/** Fields that may be logged. Anything else could carry a state, a header, a secret. */
const loggable: ReadonlySet<string> = new Set([
  'error',
  'decision',
  'decider',
  'result',
  'intent',
  'intents',
  'epoch',
  'taken',
  'step',
  'from',
  'kind',
  'scope',
  'resource',
  'worker',
  'schedule',
])

/** Of an error only what it says; its properties may hold a request with its headers. */
const told = (value: unknown): unknown => {
  if (value instanceof Error) return { name: value.name, message: withoutSecrets(value.message) }
  return typeof value === 'string' ? withoutSecrets(value) : value
}

const allowed = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([field]) => loggable.has(field))
      .map(([field, value]) => [field, told(value)]),
  )

export const createLogger = (options: { readonly level: LogLevel }): Logger => {
  const log = pino({ level: options.level, base: { pid: process.pid } }, pino.destination(2))
  return {
    debug: (fields, message) => {
      log.debug(allowed(fields), withoutSecrets(message))
    },
    info: (fields, message) => {
      log.info(allowed(fields), withoutSecrets(message))
    },
    warn: (fields, message) => {
      log.warn(allowed(fields), withoutSecrets(message))
    },
    error: (fields, message) => {
      log.error(allowed(fields), withoutSecrets(message))
    },
  }
}
