/** Finds `foreword.config.*`, runs it and decodes what it exports. */
import * as E from 'fp-ts/lib/Either.js'
import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, extname, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Problem } from '../domain/codec/errors.ts'
import { decodeConfig, type DecodedConfig } from '../domain/codec/config.ts'
import type { Config } from '../domain/config.ts'
import { ForewordError } from '../domain/errors.ts'

/** Looked for in this order; more than one is an error, since nobody could tell which one counts. */
const config_names = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'].map(
  (ending) => `foreword.config${ending}`,
)

type Environment = Readonly<Record<string, string | undefined>>

/** What to tell somebody whose configuration knows no provider for what they want. */
export const no_providers_remedy =
  "make foreword.config.ts with `import { defineConfig } from 'foreword'` and " +
  '`export default defineConfig({ providers: [...] })`'

const wrongUsage = (what: string, remedy: string): ForewordError =>
  new ForewordError(what, { remedy, exit_code: 2 })

/** A pipe would be waited for, whoever never writes into it; a socket cannot be read. */
const isFile = (path: string, file: string): string => {
  const found = statSync(file)
  if (found.isDirectory())
    throw wrongUsage(
      `${path}: is a directory`,
      `name the file in it, e.g. ${path}/foreword.config.ts`,
    )
  if (found.isFIFO() || found.isSocket())
    throw wrongUsage(`${path}: is no file`, 'write the configuration into one')
  return file
}

const findConfig = (path: string | undefined, cwd: string): string | undefined => {
  if (path !== undefined) {
    const file = resolve(cwd, path)
    if (!existsSync(file)) throw wrongUsage(`${path}: there is no such file`, 'name a config file')
    return isFile(path, file)
  }
  const found = config_names.filter((name) => existsSync(resolve(cwd, name)))
  if (found.length > 1)
    throw wrongUsage(`there are several configs: ${found.join(', ')}`, 'keep one, or name one')
  return found[0] === undefined ? undefined : isFile(found[0], resolve(cwd, found[0]))
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''

/** Frames in here say where foreword noticed, not where its user went wrong. */
const own_folder = resolve(import.meta.dirname, '..') + sep

/** The first place outside of Node, packages and foreword that a stack names. */
const placeOf = (
  error: Error,
  config: string,
): { readonly file: string; readonly line: string } | undefined => {
  for (const row of (error.stack ?? '').split('\n')) {
    const [, place, line] =
      /(?:^|[\s(])(file:\/\/\/\S+?|(?:[A-Za-z]:)?[/\\][^:()]+):(\d+)(?::\d+)?\)?$/.exec(row) ?? []
    if (place === undefined || line === undefined) continue
    const file = place.startsWith('file:') ? fileURLToPath(place) : place
    // What awaits the import is not what went wrong in it.
    const other = /node_modules|^\s+at async /.test(row) || file.startsWith(own_folder)
    if (file === config || !other) return { file, line }
  }
  return undefined
}

/** Which of the two ways of modules a file is read by is said by its ending, or by package.json. */
const remedyOf = ({ message }: Error): string =>
  /import statement outside a module|Unexpected token 'export'/.test(message)
    ? 'call it foreword.config.mts or .mjs, or write "type": "module" into package.json'
    : /(require|module|exports) is not defined/.test(message)
      ? 'call it foreword.config.cjs, or write `import` and `export default`'
      : 'correct the file'

const loadError = (shown: string, file: string, cwd: string, cause: unknown): ForewordError => {
  const error = cause instanceof Error ? cause : new Error(String(cause), { cause })
  const ran = cause instanceof Error && extname(file) !== '.json'
  const place = ran ? placeOf(error, file) : undefined
  const inside = place === undefined || place.file === file
  const at = inside ? shown : relative(cwd, place.file)
  const line = place === undefined ? '' : `:${place.line}`
  const missing = /Cannot find package '([^']+)'/.exec(error.message)?.[1]
  // A provider's declaration that is refused says itself how it is put right.
  const told = error instanceof ForewordError && error.remedy !== '' ? error.remedy : undefined
  const remedy = missing === undefined ? (told ?? remedyOf(error)) : `npm install ${missing}`
  const kind = error.name === 'Error' || error.name === 'ForewordError' ? '' : `${error.name}: `
  return new ForewordError(`${at}${line}: ${kind}${firstLine(error.message)}`, {
    ...(inside ? {} : { where: `imported by ${shown}` }),
    remedy,
    cause,
  })
}

const readExport = async (file: string): Promise<unknown> => {
  if (extname(file) === '.json') {
    const text = await readFile(file, 'utf8')
    return JSON.parse(text.replace(/^\ufeff/, '')) as unknown
  }
  // What a configuration prints as it is read (dotenv does) would stand before what was asked for, JSON above all.
  const { log, info, debug } = console
  console.log = console.info = console.debug = console.error
  try {
    const module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown }
    return await module.default
  } finally {
    Object.assign(console, { log, info, debug })
  }
}

const exportOf = async (shown: string, file: string, cwd: string): Promise<unknown> => {
  let value: unknown
  try {
    value = await readExport(file)
  } catch (error) {
    throw loadError(shown, file, cwd, error)
  }
  if (value !== undefined) return value
  throw new ForewordError(`${shown}: has no default export`, {
    remedy: 'write `export default defineConfig({ ... })`',
  })
}

/** Problems told in one line; the others are named by their places. */
const others_shown_max = 5

const problemError = (shown: string, problems: readonly Problem[]): ForewordError => {
  const [first, ...others] = problems
  const named = others.slice(0, others_shown_max).map(({ path }) => path || 'the whole')
  const left = others.length - named.length
  const more = [...named, ...(left > 0 ? [`${left} more`] : [])].join(', ')
  const path = first?.path === '' ? '' : ` ${first?.path ?? ''}:`
  return new ForewordError(`${shown}:${path} ${first?.message ?? 'is wrong'}`, {
    remedy: `${first?.remedy ?? 'correct it'}${more === '' ? '' : `; also wrong: ${more}`}`,
  })
}

const decode = (shown: string, value: unknown): DecodedConfig => {
  const decoded = decodeConfig(value)
  if (E.isLeft(decoded)) throw problemError(shown, decoded.left)
  return decoded.right
}

/** The first of these variables that is set; an empty one is unset. */
const variable = (env: Environment, names: readonly string[]): readonly [string, string] | [] => {
  for (const name of names) {
    const value = env[name]
    if (value !== undefined && value !== '') return [name, value]
  }
  return []
}

const databaseFrom = (env: Environment): string | undefined => {
  const [name, database] = variable(env, ['FOREWORD_DATABASE_URL', 'DATABASE_URL'])
  if (database === undefined || E.isRight(decodeConfig({ database }))) return database
  throw new ForewordError(`${name}: is not a postgres:// URL`, {
    remedy: 'write postgres://USER@HOST:PORT/DATABASE, or unset it for the embedded Postgres',
  })
}

/**
 * The configuration in `path`, or in `foreword.config.ts` (or .mts, .cts, .js, .mjs, .cjs, .json) in `cwd`, or else the
 * defaults. Throws a ForewordError of one line that names the file, the path in it and the remedy:
 * exit code 2 where the file itself was named wrongly, 1 where its contents are wrong.
 */
export const loadConfig = async (
  path: string | undefined,
  cwd: string,
  env: Environment = process.env,
): Promise<Config> => {
  const file = findConfig(path, cwd)
  const shown = file === undefined ? 'foreword.config.ts' : relative(cwd, file) || file
  const value = file === undefined ? {} : await exportOf(shown, file, cwd)
  const decoded = decode(shown, value)
  const [, elsewhere = '.foreword'] = variable(env, ['FOREWORD_DIRECTORY'])
  const directory =
    decoded.directory === undefined
      ? resolve(cwd, elsewhere)
      : resolve(file === undefined ? cwd : dirname(file), decoded.directory)
  const retention =
    decoded.retention?.to === undefined
      ? decoded.retention
      : {
          ...decoded.retention,
          to: resolve(file === undefined ? cwd : dirname(file), decoded.retention.to),
        }
  const config = {
    ...decoded,
    database: decoded.database ?? databaseFrom(env),
    directory,
    retention,
  }
  for (const part of [config.providers, config.deciders, config.schedules, config.policies])
    Object.freeze(part)
  Object.freeze(config.limits)
  Object.freeze(config.web)
  Object.freeze(config.metrics)
  return Object.freeze(config)
}
