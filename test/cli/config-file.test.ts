import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/cli/config-file.ts'
import { resolveSecret } from '../../src/secrets.ts'
import { errorLine, ForewordError } from '../../src/domain/errors.ts'
import { secret } from '../../src/domain/define-config.ts'

type Files = { readonly [name: string]: string }

const failure = (error: unknown): ForewordError => {
  if (error instanceof ForewordError) return error
  throw error
}

let folders = 0

/** The one line that a person sees; '' when nothing is wrong. */
const line = async (t: Test, files: Files, path?: string, env: Files = {}): Promise<string> => {
  // A folder of its own each time: a module is loaded once per process and path.
  const name = `at-${++folders}`
  const folder = join(t.testdir({ [name]: files }), name)
  try {
    await loadConfig(path, folder, env)
    return ''
  } catch (error) {
    return errorLine(failure(error)).replaceAll(`${folder}/`, '')
  }
}
const config = (body: string): Files => ({ 'foreword.config.ts': `export default ${body}\n` })

t.test('no config at all is the defaults', async (t) => {
  const folder = t.testdir()
  const found = await loadConfig(undefined, folder, {})
  t.match(found, { database: undefined, directory: join(folder, '.foreword'), providers: [] })
  t.ok(Object.isFrozen(found) && Object.isFrozen(found.providers))
})

t.test('a config is found by its name, whatever it is written in', async (t) => {
  for (const name of ['foreword.config.ts', 'foreword.config.js', 'foreword.config.mjs']) {
    const files = {
      'package.json': '{"type":"module"}',
      [name]: 'export default { web: { port: 1 } }',
    }
    t.equal(
      (await loadConfig(undefined, t.testdir({ [name]: files }) + `/${name}`, {})).web.port,
      1,
      name,
    )
  }
  const json = t.testdir({ 'foreword.config.json': '\ufeff{"web":{"port":2}}' })
  t.equal((await loadConfig(undefined, json, {})).web.port, 2)
  const named = t.testdir({
    'mine.ts': 'const p: number = 3\nexport default Promise.resolve({ web: { port: p } })',
  })
  t.equal((await loadConfig('mine.ts', named, {})).web.port, 3)
})

t.test(
  'in a project of either way of modules a config is found, whatever its ending',
  async (t) => {
    const esm = 'export default { web: { port: 4 } }'
    const cjs = 'module.exports = { web: { port: 4 } }'
    for (const type of ['commonjs', 'module'])
      for (const [ending, text] of [
        ['mts', esm],
        ['mjs', esm],
        ['cts', cjs],
        ['cjs', cjs],
      ] as const) {
        const folder = t.testdir({
          'package.json': JSON.stringify({ type }),
          [`foreword.config.${ending}`]: text,
        })
        t.equal((await loadConfig(undefined, folder, {})).web.port, 4, `${ending} in ${type}`)
      }
    t.match(
      await line(t, {
        'package.json': '{"type":"commonjs"}',
        'foreword.config.ts': `import * as path from 'node:path'\nexport default { web: { port: path.sep.length } }`,
      }),
      /; call it foreword\.config\.mts or \.mjs, or write "type": "module"/,
    )
  },
)

t.test('two configs, none under a name, or a folder are wrong usage', async (t) => {
  const two = { 'foreword.config.ts': '', 'foreword.config.json': '{}' }
  t.match(await line(t, two), 'there are several configs: foreword.config.ts, foreword.config.json')
  t.match(await line(t, {}, 'none.ts'), 'foreword: none.ts: there is no such file; ')
  t.match(await line(t, {}, '.'), 'is a directory')
  const folder = t.testdir()
  execFileSync('mkfifo', [join(folder, 'foreword.config.mjs')])
  for (const name of [undefined, 'foreword.config.mjs'])
    t.match(await loadConfig(name, folder, {}).catch(failure), {
      message: 'foreword.config.mjs: is no file',
      exit_code: 2,
    })
  const wrongly = await loadConfig('none.ts', t.testdir(), {}).catch(failure)
  t.match(wrongly, { exit_code: 2 })
})

t.test('what is wrong in it is told with file, path and remedy on one line', async (t) => {
  const cron = config(`{ schedules: [{ name: 'a', cron: '61 * * * *', scope: 's' }] }`)
  t.equal(
    await line(t, cron),
    'foreword: foreword.config.ts: schedules[0].cron: "61 * * * *" is not a crontab line: ' +
      'minute 61 is not in 0-59; write five fields (minute hour day month weekday, UTC), as in */5 * * * *',
  )
  t.match(
    await line(t, config('{ limit: {}, web: { port: -1 } }')),
    /: limit: unknown key "limit".*also wrong: web\.port$/,
  )
  t.match(await line(t, config('5')), 'foreword.config.ts: expected an object, got 5')
  t.match(await line(t, config('null')), 'expected an object, got null')
  t.match(
    await line(t, { 'foreword.config.json': '{"__proto__": {"web": 1}}' }),
    'unknown key "__proto__"',
  )
  t.match(
    await line(t, { 'foreword.config.ts': 'export const config = {}' }),
    'has no default export',
  )
})

t.test('a config that does not run tells its line', async (t) => {
  t.match(
    await line(t, config('{\n  x: 1 2\n}')),
    /foreword\.config\.ts:2: SyntaxError: Expected ','/,
  )
  t.match(
    await line(t, { 'foreword.config.ts': '\nenum X {}\nexport default {}' }),
    /foreword\.config\.ts:2: .*enum/,
  )
  t.match(
    await line(t, { 'foreword.config.mjs': 'export default { x: 1 2 }' }),
    /foreword\.config\.mjs: SyntaxError: /,
  )
  t.match(
    await line(t, { 'foreword.config.ts': '\n\nthrow new Error("boom\\nmore")' }),
    'foreword.config.ts:3: boom; ',
  )
  t.match(await line(t, { 'foreword.config.ts': 'throw "plain"' }), 'foreword.config.ts: plain; ')
  t.match(
    await line(t, { 'foreword.config.ts': 'export default Promise.reject(new Error("late"))' }),
    'foreword.config.ts:1: late',
  )
  t.match(
    await line(t, { 'foreword.config.json': '{"a": }' }),
    /foreword\.config\.json: SyntaxError: /,
  )
  t.match(
    await line(t, { 'foreword.config.ts': 'import x from "no-such-package"\nexport default x' }),
    /Cannot find package 'no-such-package'.*; npm install no-such-package$/,
  )
  const imports = {
    'foreword.config.ts': 'import "./other.ts"\nexport default {}',
    'other.ts': '\nthrow new Error("there")',
  }
  t.match(await line(t, imports), 'other.ts:2: there, imported by foreword.config.ts; ')
})

t.test(
  'the database comes from the config, else from the environment, else is embedded',
  async (t) => {
    const folder = t.testdir(config(`{ database: 'postgres://a/b' }`))
    const env = { DATABASE_URL: 'postgres://c/d' }
    t.equal(
      (await loadConfig(undefined, folder, { DATABASE_URL: 'nonsense' })).database,
      'postgres://a/b',
    )
    const bare = t.testdir({ sub: {}, plain: {} })
    t.equal((await loadConfig(undefined, bare, env)).database, 'postgres://c/d')
    const both = { ...env, FOREWORD_DATABASE_URL: 'postgres://e/f' }
    t.equal((await loadConfig(undefined, bare, both)).database, 'postgres://e/f')
    t.equal((await loadConfig(undefined, bare, { DATABASE_URL: '' })).database, undefined)
    const bad = await line(t, {}, undefined, { DATABASE_URL: 'mysql://root:hunter2@x/y' })
    t.match(bad, 'DATABASE_URL: is not a postgres:// URL')
    t.notMatch(bad, 'hunter2')
    t.notMatch(await line(t, config(`{ database: 'x:hunter2@y' }`)), 'hunter2')
  },
)

t.test('the directory is told from the folder of the config on', async (t) => {
  const folder = t.testdir({ sub: { 'c.json': '{"directory": "state"}' } })
  t.equal((await loadConfig('sub/c.json', folder, {})).directory, join(folder, 'sub/state'))
  const env = { FOREWORD_DIRECTORY: 'else' }
  t.equal((await loadConfig(undefined, folder, env)).directory, join(folder, 'else'))
})

t.test('a secret is read when it is asked for, and never told', async (t) => {
  const folder = t.testdir({ token: 'hunter2\n', empty: '\n', large: 'x'.repeat(70_000) })
  const env: { [name: string]: string } = { TOKEN: 'hunter2', EMPTY: '' }
  const secrets = resolveSecret(env, folder)
  t.equal(secrets('plain'), 'plain')
  t.equal(secrets(secret.env('TOKEN')), 'hunter2')
  t.equal(secrets(secret.file('token')), 'hunter2')
  env['TOKEN'] = 'rotated'
  writeFileSync(join(folder, 'token'), 'rotated')
  t.equal(secrets(secret.env('TOKEN')), 'rotated')
  t.equal(secrets(secret.file(join(folder, 'token'))), 'rotated')
  const why = (reference: ReturnType<typeof secret.env>): string => {
    try {
      return secrets(reference)
    } catch (error) {
      return errorLine(failure(error))
    }
  }
  t.match(
    why(secret.env('NONE')),
    "foreword: the secret's environment variable is not set, NONE; set NONE",
  )
  t.match(why(secret.env('EMPTY')), 'is empty')
  t.match(why(secret.env('constructor')), 'is not set')
  t.match(why(secret.file('none')), 'cannot be read (ENOENT)')
  t.match(why(secret.file('.')), 'cannot be read (EISDIR)')
  t.match(why(secret.file('empty')), "the secret's file is empty")
  t.match(why(secret.file('large')), 'larger than 65536')
})
