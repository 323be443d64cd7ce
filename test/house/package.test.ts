/**
 * What npm would publish: built, packed, installed in an empty folder and used from there, as by
 * somebody who has nothing of this repository.
 */
import { execFile, type ExecFileException } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { testDatabase } from '../support/database.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const tsc = path.join(repository, 'node_modules/typescript/bin/tsc')

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The environment of a user's shell: nothing of the npm that runs these tests, our Node first. */
const shell = (extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { HOME, TMPDIR } = process.env
  const bin = path.dirname(process.execPath)
  return {
    HOME,
    TMPDIR,
    PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    NO_COLOR: '1',
    ...extra,
  }
}

const run = (
  cwd: string,
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): Promise<Run> =>
  new Promise((resolve, reject) => {
    const [program, ...args] = command
    const done = (error: ExecFileException | null, stdout: string, stderr: string): void => {
      if (error !== null && typeof error.code !== 'number')
        reject(new Error(program, { cause: error }))
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    }
    execFile(program, args, { cwd, env: shell(env), encoding: 'utf8' }, done)
  })

const mustRun = async (cwd: string, command: readonly [string, ...string[]]): Promise<Run> => {
  const result = await run(cwd, command)
  if (result.code !== 0) {
    throw new Error(`${command.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`)
  }
  return result
}

interface Manifest {
  readonly files: readonly string[]
  readonly bin: { readonly foreword: string }
}

/** Builds into a copy of what is published: the checkout's own dist/ is its owner's. */
const pack = async (folder: string): Promise<string> => {
  const stage = path.join(folder, 'stage')
  const manifest = JSON.parse(
    await readFile(path.join(repository, 'package.json'), 'utf8'),
  ) as Manifest
  const present = new Set(await readdir(repository))
  for (const name of ['package.json', 'LICENSE', ...manifest.files]) {
    if (name === 'dist' || !present.has(name)) continue
    await cp(path.join(repository, name), path.join(stage, name), { recursive: true })
  }
  const dist = path.join(stage, 'dist')
  const project = path.join(repository, 'tsconfig.build.json')
  await mustRun(repository, [process.execPath, tsc, '-p', project, '--outDir', dist])
  await chmod(path.join(stage, manifest.bin.foreword), 0o755)
  await mustRun(stage, ['npm', 'pack', '--ignore-scripts', '--pack-destination', folder])
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')
  return path.join(folder, tarball)
}

const config = `
import { applied, defineConfig, defaultTraits, type Provider } from 'foreword'
import * as t from 'io-ts'

const spec = t.strict({ size: t.string })
const box: Provider<t.TypeOf<typeof spec>, t.TypeOf<typeof spec>> = {
  kind: 'box',
  spec,
  state: spec,
  traits: { ...defaultTraits, idempotency: 'natural' },
  create: async (call) => applied(call.spec),
  update: async (call) => applied(call.spec),
  delete: async () => applied(null),
  read: async () => null,
}
export default defineConfig({ providers: [box] })
`
const stack = `
scope: acme/prod
resources:
  - kind: box
    name: one
    spec: { size: m }
`
const decider = `
import { connect, create, defineDecider, refuse } from 'foreword'

export const addBox = defineDecider({
  name: 'add-box',
  version: 1,
  read: (q) => ({ boxes: q.find('box', { role: 'web' }) }),
  decide: ({ boxes }, input: { max: number }) =>
    boxes.length >= input.max ? refuse('full') : create('box', 'two', { size: 'm' }),
})
console.log(typeof connect, addBox.name)
`
/** Were the types lost on the way, everything would be `any`, and this would be no error any more. */
const misuse = `
import { defineDecider, refuse } from 'foreword'

// @ts-expect-error -- a name is a string.
export const nameless = defineDecider({ name: 3, version: 1, read: () => ({}), decide: () => refuse('') })
`

/** Whoever makes a library of it emits declarations: each type that an export is made of must have a name. */
const named = `
import * as foreword from 'foreword'

export const { accepted, act, applied, call, conformance, connect, create, defaultTraits, defineConfig } = foreword
export const { defineDecider, httpProvider, notSent, powerdns, refuse, rejected, remove } = foreword
export const { secret, simulatedCloud, unknown, update } = foreword
export const made = async () => {
  const { decide, settled, observe, metrics, sql } = await connect()
  return { decide, settled, observe, metrics, sql }
}
export const laws = (harness: foreword.Harness) => conformance(simulatedCloud({ url: 'http://h' })[0]!, harness)
`

const consumer = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: 'declared',
    types: ['node'],
    lib: ['es2024', 'esnext.disposable', 'dom'],
    allowImportingTsExtensions: true,
    // As careful as anybody is. What postgres.js shows needs the types of Node: those of this repository.
    skipLibCheck: false,
    typeRoots: [path.join(repository, 'node_modules/@types')],
  },
  files: ['decider.ts', 'misuse.ts', 'named.ts', 'foreword.config.ts'],
}

/** An empty folder of a user's with the package in it. */
const install = async (folder: string, tarball: string): Promise<string> => {
  const home = path.join(folder, 'home')
  await mkdir(home)
  const files = {
    'package.json': JSON.stringify({ private: true, type: 'module' }),
    'tsconfig.json': JSON.stringify(consumer),
    'foreword.config.ts': config,
    'stack.yaml': stack,
    'decider.ts': decider,
    'misuse.ts': misuse,
    'named.ts': named,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(home, name), text)
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  await mustRun(home, ['npm', 'install', tarball, ...quietly])
  return home
}

const folder = await mkdtemp(path.join(tmpdir(), 'foreword-package-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const tarball = await pack(folder)
const home = await install(folder, tarball)
const foreword = path.join(home, 'node_modules/.bin/foreword')

t.test('the package holds what runs and what explains it, and nothing else', async (t) => {
  const { stdout } = await mustRun(folder, ['tar', '-tzf', tarball])
  const names = stdout.trim().split('\n')
  for (const name of ['dist/main.js', 'dist/index.d.ts', 'LICENSE', 'README.md', 'CHANGELOG.md']) {
    t.ok(names.includes(`package/${name}`), `${name} is packed`)
  }
  for (const room of ['migrations', 'sql']) {
    const released = (await readdir(path.join(repository, room))).map(
      (name) => `package/${room}/${name}`,
    )
    t.strictSame(
      released.filter((name) => !names.includes(name)),
      [],
      `all of ${room} is packed`,
    )
  }
  const strangers = names.filter((name) =>
    /^package\/(src|test|bench|tools|node_modules)\//.test(name),
  )
  t.strictSame(strangers, [])
})

t.test('foreword --help says how it is used', async (t) => {
  const { code, stdout, stderr } = await run(home, [foreword, '--help'])
  t.equal(code, 0, stderr)
  for (const word of ['Usage: foreword', 'apply', 'plan', 'status', 'why']) t.match(stdout, word)
})

t.test(
  'foreword plan reads a configuration in TypeScript and a stack, and tells what would change',
  async (t) => {
    const { url } = await testDatabase(t, { migrated: false })
    const env = { DATABASE_URL: url }
    const migrated = await run(home, [foreword, 'migrate'], env)
    t.equal(migrated.code, 0, migrated.stderr)
    const plan = await run(home, [foreword, 'plan', '-f', 'stack.yaml'], env)
    t.equal(plan.code, 0, plan.stderr)
    t.match(plan.stdout, 'box/one')
    t.match(plan.stdout, /create/)
    const detailed = [foreword, 'plan', '-f', 'stack.yaml', '--detailed-exitcode'] as const
    t.equal((await run(home, detailed, env)).code, 2, 'changes are an exit code of their own')
  },
)

t.test('a decider of a user imports the package, and runs', async (t) => {
  const { code, stdout, stderr } = await run(home, [process.execPath, 'decider.ts'])
  t.equal(code, 0, stderr)
  t.equal(stdout, 'function add-box\n')
})

t.test('the types that are published check the code of a user', async (t) => {
  const { code, stdout } = await run(home, [process.execPath, tsc, '-p', 'tsconfig.json'])
  t.equal(code, 0, stdout)
})

t.test(
  'a Node that is too old is told so, by the command and by what programs import',
  async (t) => {
    const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })`
    const preload = `data:text/javascript,${encodeURIComponent(old)}`
    const told = /foreword: Node 20\.19\.0 is too old, .*; install Node 22\.19 or later/
    const command = await run(home, [process.execPath, '--import', preload, foreword, '--version'])
    t.equal(command.code, 1)
    t.match(command.stderr, new RegExp(`^${told.source}\\n$`))
    const library = await run(home, [process.execPath, '--import', preload, 'decider.ts'])
    t.equal(library.code, 1)
    t.match(library.stderr, told)
  },
)
