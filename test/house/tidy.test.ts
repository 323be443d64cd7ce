/** Laws of the tree that no other tool checks. */
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const repository = path.resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(path.join(repository, file), 'utf8')
const files = (...patterns: string[]): readonly string[] =>
  globSync(patterns, { cwd: repository, exclude: ['**/node_modules/**', 'bench/peers/**'] }).sort()
const lines = (file: string): number => read(file).trimEnd().split('\n').length

const source = files('{src,bench,examples,tools}/**/*.ts')
const tests = files('test/**/*.ts')
const sql = files('{migrations,sql}/**/*.sql')
const prose = files('*.md', 'docs/**/*.md')
const everything = [...source, ...tests, ...sql, ...prose, ...files('.ci/*', '*.{json,js,cjs}')]

/** `file:line: text` of each line that breaks a law. */
const breaches = (among: readonly string[], law: RegExp): readonly string[] =>
  among.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((text, i) => (law.test(text) ? [`${file}:${String(i + 1)}: ${text.trim()}`] : [])),
  )

t.test('the laws below see the tree', async (t) => {
  t.ok(source.includes('src/domain/json.ts'))
  t.ok(tests.includes('test/house/tidy.test.ts'))
  t.ok(sql.length > 0)
  t.ok(everything.includes('.ci/run'))
})

t.test('a file can be read at one sitting', async (t) => {
  const tooLong = (among: readonly string[], lines_max: number): readonly string[] =>
    among.flatMap((file) => (lines(file) > lines_max ? [`${file}: ${lines(file)}`] : []))
  t.strictSame(tooLong(source, 300), [], 'of code 300 lines')
  t.strictSame(tooLong(tests, 600), [], 'of tests 600 lines')
})

t.test('every sql file opens with a comment that says what it is for', async (t) => {
  const silent = sql.filter((file) => !/^(--|\/\*)\s*\S/.test(read(file)))
  t.strictSame(silent, [])
})

t.test('what is left to do is an issue, not a comment', async (t) => {
  // Written so that this file does not find itself.
  const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`)
  t.strictSame(breaches(everything, marks), [])
})

t.test('nothing names a place on the machine where it was written', async (t) => {
  const places = new RegExp(
    ['/work' + '/', '\\.\\./sha' + 'red', '/ho' + 'me/\\w', '/Us' + 'ers/\\w'].join('|'),
  )
  t.strictSame(breaches(everything, places), [])
})

t.test('every file has a duty in its name', async (t) => {
  const vague = [...source, ...tests].filter((file) =>
    /^(utils?|helpers?|misc|common|stuff)\b/.test(path.basename(file)),
  )
  t.strictSame(vague, [])
})

t.test('file names are lower case with hyphens', async (t) => {
  const odd = [...source, ...tests].filter(
    (file) => !/^([a-z0-9]+(-[a-z0-9]+)*(\.test)?|foreword\.config)\.ts$/.test(path.basename(file)),
  )
  t.strictSame(odd, [])
})

t.test('a test file is one that npm test runs', async (t) => {
  const stray = source.filter((file) => file.endsWith('.test.ts'))
  t.strictSame(stray, [])
})

const architecture = existsSync(path.join(repository, 'ARCHITECTURE.md'))
t.test(
  'every room of src has its purpose in ARCHITECTURE.md',
  { skip: !architecture },
  async (t) => {
    const text = read('ARCHITECTURE.md')
    const rooms = readdirSync(path.join(repository, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `src/${entry.name}`)
    t.strictSame(
      rooms.filter((room) => !text.includes(room)),
      [],
    )
  },
)
