import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { startCloud } from '../../src/cloud/index.ts'

const root = new URL('../../', import.meta.url)

/** Runs after the example: the suite, as a user would. */
const suite = `
import { conformance } from './src/providers/conformance.ts'
const harness = {
  scope: 'acme/test',
  name: (n: number) => 'conformance-' + n,
  spec: (n: number) => ({ size: n === 0 ? 's' : 'l' }),
  bad_spec: { size: 7 },
  refused: { spec: { size: 'no-such-size' } },
  secrets: (reference: unknown) => (typeof reference === 'string' ? reference : 'a-secret-token'),
  dead: httpProvider({ ...declared!, base_url: 'http://127.0.0.1:9' }),
  names_are_unique: false,
}
for (const { law, check } of conformance(vm, harness)) {
  await check()
  console.log(law)
}
`

t.test('the declaration in docs/providers.md is a provider that keeps every law', async (t) => {
  const cloud = await startCloud({ faults: { lag_ms: 50, build_ms: 20, delete_ms: 20 } })
  t.teardown(() => cloud.close())
  const text = await readFile(new URL('docs/providers.md', root), 'utf8')
  const example = /```ts\n(.*?)```/s.exec(text)?.[1] ?? ''
  t.match(example, /httpProvider/)
  const imports = `
import { httpProvider as declare } from './src/providers/http.ts'
let declared: Parameters<typeof declare<{ size: string }>>[0] | undefined
const httpProvider = (of: NonNullable<typeof declared>) => declare((declared = of))
const secret = { env: (name: string) => ({ secret: 'env' as const, name }) }
`
  const code =
    example
      .replace(/^import .* from 'foreword'$/m, imports)
      .replace('http://127.0.0.1:7070', cloud.url) + suite
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '--eval', code],
    { cwd: root, timeout: 60_000 },
  )
  t.ok(stdout.trim().split('\n').length >= 9, stdout)
})
