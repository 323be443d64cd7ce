/** Whatever a command throws, as one line and an exit code. */
import { errorLine, ForewordError } from '../domain/errors.ts'
import { withoutSecrets } from '../domain/hidden-secrets.ts'
import { codeOf, connectionError } from '../store/connect.ts'
import { placeOf } from '../store/database-url.ts'
import { foreign_codes } from '../store/release-watch.ts'
import { harmless } from './print.ts'

export interface Failure {
  readonly line: string
  readonly exit_code: number
}

/** An error of the server, whichever client brought it: ours or the queue's. */
interface ServerError extends Error {
  readonly code: string
  readonly hint?: string
}

const isServerError = (error: unknown): error is ServerError =>
  error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test(codeOf(error))

const migrate_remedy = 'run `foreword migrate`'

const serverFailure = (error: ServerError, where: string): ForewordError => {
  const { code, message, hint, cause } = error
  const options = { where, cause }
  if (foreign_codes.has(code)) {
    const what = `the database is not of this version of foreword (${message})`
    return new ForewordError(what, { ...options, remedy: migrate_remedy })
  }
  if (code === '42501') {
    const remedy = 'connect as the user who ran `foreword migrate`, or grant it to this one'
    return new ForewordError(message, { ...options, remedy })
  }
  if (code.startsWith('FW')) {
    return new ForewordError(message, { ...options, remedy: hint ?? '' })
  }
  const remedy = hint ?? 'see the log of the server'
  return new ForewordError(`the database says: ${message} (SQLSTATE ${code})`, {
    ...options,
    remedy,
  })
}

/** The expected error that this one is; undefined: it is a bug. */
const expected = (error: unknown, url: string | undefined): ForewordError | undefined => {
  if (error instanceof ForewordError) return error
  const lost = url === undefined ? error : connectionError(url, error)
  if (lost instanceof ForewordError) return lost
  if (!isServerError(error)) return undefined
  return serverFailure(error, url === undefined ? '' : placeOf(url))
}

/** `url`: the database that was in use, for messages; its password is never told. */
export const failureOf = (
  error: unknown,
  url: string | undefined,
  env: NodeJS.ProcessEnv,
): Failure => {
  const known = expected(error, url)
  const debug = env['FOREWORD_DEBUG'] === '1'
  const stack = debug && error instanceof Error ? `\n${withoutSecrets(error.stack ?? '')}` : ''
  if (known !== undefined) {
    const line = harmless(withoutSecrets(errorLine(known)))
    return { line: `${line}${stack}`, exit_code: known.exit_code }
  }
  const message = withoutSecrets(error instanceof Error ? error.message : String(error))
  const line = `foreword: internal error: ${harmless(message)}, version ${process.version} of Node`
  const remedy = 'please report it with the log (FOREWORD_DEBUG=1 tells where it happened)'
  return { line: `${line}; ${remedy}${stack}`, exit_code: 1 }
}
