/** Secrets become values here, when a call is made, and nowhere else. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ForewordError } from './domain/errors.ts'
import type { Secrets } from './domain/provider.ts'

const secret_bytes_max = 64 * 1024

/** Shorter ones would blank out half of an innocent message. */
const secret_length_min = 4
/** Rotated secrets leave old ones behind. */
const remembered_max = 1_000

/** What this process has resolved: never written anywhere, and kept out of what is. */
const known = new Set<string>()

const remember = (value: string): string => {
  if (value.length >= secret_length_min && known.size < remembered_max) known.add(value)
  return value
}

/** The text without any secret that this process has resolved, whoever wrote it in there. */
export const withoutSecrets = (text: string): string => {
  let out = text
  for (const value of [...known].toSorted((a, b) => b.length - a.length)) {
    for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) {
      out = out.replaceAll(form, '[hidden]')
    }
  }
  return out
}

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
      if (value !== undefined && value !== '') return remember(value)
      throw new ForewordError(
        `the secret's environment variable is ${value === undefined ? 'not set' : 'empty'}`,
        { where: name, remedy: `set ${name} for the process that runs the worker` },
      )
    }
    const value = readSecret(name, resolve(directory, name))
    if (value !== '') return remember(value)
    throw new ForewordError("the secret's file is empty", {
      where: name,
      remedy: 'write the secret into it',
    })
  }
