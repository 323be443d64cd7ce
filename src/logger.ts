import pino from 'pino'
import type { Logger } from './domain/ports.ts'

/** Fields that may be logged. Anything else could carry a state, a header, a secret. */
const loggable: ReadonlySet<string> = new Set([
  'error',
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
const allowed = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([field]) => loggable.has(field))
      .map(([field, value]) => [
        field,
        value instanceof Error ? { name: value.name, message: value.message } : value,
      ]),
  )

/** JSON lines on stderr, fields by allowlist. */
export const createLogger = (options: { readonly level: 'info' | 'warn' | 'silent' }): Logger => {
  const log = pino({ level: options.level, base: { pid: process.pid } }, pino.destination(2))
  return {
    info: (fields, message) => {
      log.info(allowed(fields), message)
    },
    warn: (fields, message) => {
      log.warn(allowed(fields), message)
    },
    error: (fields, message) => {
      log.error(allowed(fields), message)
    },
  }
}
