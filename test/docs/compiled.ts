/** TypeScript of the pages, as the compiler sees it: one program for all of them. */
import path from 'node:path'
import ts from 'typescript'
import { repository, type Block, type Page } from './page.ts'

interface Snippet {
  readonly file: string
  readonly where: string
  readonly text: string
}

const sourceOf = (block: Block): string => {
  const around = block.notes.get('around')?.body
  return around === undefined ? block.text : around.replace('//…', () => block.text)
}

/** Files that a page imports from each other are in one folder; nothing is written to disk. */
const snippetsOf = (page: Page): readonly Snippet[] =>
  page.parts.flatMap((part) => {
    if (part.type !== 'block' || part.language !== 'ts') return []
    if (part.notes.has('skip') || part.notes.has('equals')) return []
    const folder = path.join(repository, 'examples', `~${page.name.replace(/\W/g, '-')}`)
    const name = part.notes.get('file')?.rest ?? `block-${part.line}.ts`
    const text = `${sourceOf(part)}\nexport {}\n`
    return [{ file: path.join(folder, name), where: `${page.name}:${part.line}`, text }]
  })

const optionsOf = (): ts.CompilerOptions => {
  const at = path.join(repository, 'tsconfig.json')
  const read = ts.readConfigFile(at, (file) => ts.sys.readFile(file)) as { config: object }
  const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, repository)
  return { ...options, paths: { foreword: [path.join(repository, 'src/index.ts')] } }
}

/** What the compiler says of the pages' TypeScript, each with its page and line; and how much it saw. */
export const compilerSays = (
  pages: readonly Page[],
): { readonly count: number; readonly wrong: readonly string[] } => {
  const snippets = new Map(pages.flatMap(snippetsOf).map((snippet) => [snippet.file, snippet]))
  const options = optionsOf()
  const host = ts.createCompilerHost(options)
  const disk = ts.sys
  host.fileExists = (file) => snippets.has(file) || disk.fileExists(file)
  const folders = new Set([...snippets.keys()].map((file) => path.dirname(file)))
  host.directoryExists = (folder) => folders.has(folder) || disk.directoryExists(folder)
  host.readFile = (file) => snippets.get(file)?.text ?? disk.readFile(file)
  const program = ts.createProgram([...snippets.keys()], options, host)
  const wrong = [...snippets.values()].flatMap(({ file, where, text }) => {
    const source = program.getSourceFile(file)
    const found = ts.getPreEmitDiagnostics(program, source)
    return found.map(({ messageText, start = 0 }) => {
      const line = text.slice(0, start).split('\n').at(-1) ?? ''
      const rest = text.slice(start).split('\n')[0] ?? ''
      return `${where}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}\n    ${line}${rest}`
    })
  })
  return { count: snippets.size, wrong }
}
