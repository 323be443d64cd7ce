/**
 * The docs hold: every command in them is run, page by page, each in a folder and on a database of its own, and its
 * output compared with the one that is shown; TypeScript is compiled; what is skipped says why (test/docs/page.ts).
 *
 * FOREWORD_DOCS=docs/cli.md runs one page.
 */
import { readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { compilerSays } from './compiled.ts'
import { parsePage, repository, type Page } from './page.ts'
import { runPage, type Treated } from './run-page.ts'
import { missingFor, openWorld } from './world.ts'

const side_by_side = 3

const pagesOf = async (): Promise<readonly Page[]> => {
  const only = process.env['FOREWORD_DOCS']
  // Not docs/reference: it is made from the code, and held to it by reference.test.ts.
  const found = await readdir(path.join(repository, 'docs'))
  const names = [
    'README.md',
    ...found.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ]
  return Promise.all(
    names
      .filter((name) => only === undefined || name === only)
      .toSorted()
      .map(async (name) => parsePage(name, await readFile(path.join(repository, name), 'utf8'))),
  )
}

const countsOf = (treated: readonly Treated[]): string => {
  const count = (treatment: string): number =>
    treated.filter((one) => one.treatment === treatment).length
  return ['run', 'checked', 'elsewhere', 'skipped'].map((it) => `${count(it)} ${it}`).join(', ')
}

const pages = await pagesOf()
const all: Treated[] = []

t.test('TypeScript in the docs compiles against what is exported', async (t) => {
  const { count, wrong } = compilerSays(pages)
  t.same(wrong, [], wrong.join('\n'))
  t.comment(`${count} blocks of TypeScript compiled`)
})

t.test('every command in the docs does what is shown', { jobs: side_by_side }, async (t) => {
  for (const page of pages) {
    void t.test(page.name, { buffered: true }, async (t) => {
      const missing = missingFor(page)
      if (missing !== undefined) {
        t.comment(`${page.name}: left out, ${missing} is not installed`)
        return
      }
      const started = performance.now()
      const treated = page.parts.length === 0 ? [] : await runPage(await openWorld(t, page), page)
      all.push(...treated)
      for (const { line, wrong } of treated)
        t.ok(wrong.length === 0, [`${page.name}:${line} holds`, ...wrong].join('\n'))
      for (const { line, treatment, why } of treated)
        if (treatment === 'skipped') t.comment(`skipped ${page.name}:${line}: ${why}`)
      const seconds = ((performance.now() - started) / 1_000).toFixed(1)
      t.comment(`${page.name}: ${countsOf(treated)}, ${seconds} s`)
    })
  }
})

t.test('nothing is left out silently', async (t) => {
  t.comment(`blocks of the docs: ${countsOf(all)}`)
  t.ok(all.length > 0)
})
