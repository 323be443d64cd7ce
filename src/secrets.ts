/** Secrets become values here, when a call is made, and nowhere else. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ForewordError } from './domain/errors.ts'
import { rememberSecret } from './domain/hidden-secrets.ts'
import type { Secrets } from './domain/provider.ts'

const secret_bytes_max = 64 * 1024

const code = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

const readSecret = (name: string, path: string): string => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    // Only the code: the message of a reader must never carry what it read.
    throw new ForewordError(`the secret's file cannot be read (${code(error)})`, {
      where: name,
      remedy: 'make it readable for the process that runs the worker',
    })
  }
  if (text.length > secret_bytes_max)
    throw new ForewordError(`the secret's file is larger than ${secret_bytes_max} bytes`, {
      where: name,
      remedy: 'name the file that holds the secret and nothing else',
    })
  return text.replace(/\r?\n$/, '')
}

/**
 * Resolves references from this environment and from files, relative ones from `directory` on. Both
 * are read anew each time, so that a secret can be rotated under a running worker. Throws a
 * ForewordError that names the reference, never the value: nothing was sent then, provided that the
 * provider resolves its secrets before it sends.
 */
export const resolveSecret =
  (env: Readonly<Record<string, string | undefined>>, directory: string = process.cwd()): Secrets =>
  (reference) => {
    if (typeof reference === 'string') return reference
    const { name } = reference
    if (reference.secret === 'env') {
      const value = Object.hasOwn(env, name) ? env[name] : undefined
      if (value !== undefined && value !== '') return rememberSecret(value)
      throw new ForewordError(
        `the secret's environment variable is ${value === undefined ? 'not set' : 'empty'}`,
        { where: name, remedy: `set ${name} for the process that runs the worker` },
      )
    }
    const value = readSecret(name, resolve(directory, name))
    if (value !== '') return rememberSecret(value)
    throw new ForewordError("the secret's file is empty", {
      where: name,
      remedy: 'write the secret into it',
    })
  }
