/** docs/reference/config.md and typescript.md, from the compiler. */
import path from 'node:path'
import ts from 'typescript'
import { defaultLimits } from '../src/domain/config.ts'
import { cell, codeCell, type Reference } from './docs-text.ts'

const root = path.resolve(import.meta.dirname, '..')

const open = () => {
  const at = path.join(root, 'tsconfig.json')
  const read = ts.readConfigFile(at, (file) => ts.sys.readFile(file)) as { config: object }
  const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, root)
  const entry = path.join(root, 'src/index.ts')
  const program = ts.createProgram([entry], options)
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(entry)
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error('src/index.ts exports nothing')
  const exported = checker
    .getExportsOfModule(module)
    .map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { checker, exported }
}

let opened: ReturnType<typeof open> | undefined
const compiler = (): ReturnType<typeof open> => (opened ??= open())

const saysOf = (symbol: ts.Symbol): string =>
  ts.displayPartsToString(symbol.getDocumentationComment(compiler().checker))

const declarationOf = (symbol: ts.Symbol): ts.Declaration | undefined =>
  symbol.valueDeclaration ?? symbol.declarations?.[0]

/** As it is written; of a value, its type, since what it does is nobody's promise. */
const signatureOf = (name: string, symbol: ts.Symbol): string => {
  const { checker } = compiler()
  const declaration = declarationOf(symbol)
  if (declaration === undefined) throw new Error(`${name} is declared nowhere`)
  if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) {
    return declaration.getText()
  }
  if (ts.isClassDeclaration(declaration)) {
    const [base] = declaration.heritageClauses ?? []
    return `class ${name}${base === undefined ? '' : ` ${base.getText()}`}`
  }
  const type = checker.getTypeOfSymbolAtLocation(symbol, declaration)
  return `const ${name}: ${checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)}`
}

export const typescriptReference = (): Reference => {
  const { exported } = compiler()
  const unsaid = exported
    .filter(({ symbol }) => saysOf(symbol) === '')
    .map(({ name }) => `${name} (src/index.ts)`)
  const text = exported
    .map(({ name, symbol }) => {
      const code = `\`\`\`ts\n${signatureOf(name, symbol)}\n\`\`\`\n\n`
      return `## ${name}\n\n${saysOf(symbol)}\n\n${code}`
    })
    .join('')
  return {
    text: `# TypeScript\n\nWhat \`import { … } from 'foreword'\` has; everything else may change.\n\n${text}`,
    unsaid,
  }
}

/** A type by its parts, lists and either-ors seen through. */
const partsOf = (type: ts.Type): readonly ts.Symbol[] => {
  const { checker } = compiler()
  const types = type.isUnion() ? type.types : [type]
  return types.flatMap((one) => {
    const element = checker.isArrayType(one)
      ? checker.getTypeArguments(one as ts.TypeReference)[0]
      : one
    const shaped = ts.TypeFlags.Object | ts.TypeFlags.Intersection
    if (element === undefined || !(element.flags & shaped)) return []
    return checker.getPropertiesOfType(element)
  })
}

const seen_through = new Set(['schedules', 'policies', 'limits', 'web', 'window'])

interface Key {
  readonly at: string
  readonly type: string
  readonly says: string
}

const keysOf = (type: ts.Type, before: string): readonly Key[] => {
  const { checker } = compiler()
  return partsOf(type).flatMap((property) => {
    const declaration = declarationOf(property)
    if (declaration === undefined) return []
    const its = checker.getTypeOfSymbolAtLocation(property, declaration)
    const at = `${before}${property.name}`
    const key = { at, type: checker.typeToString(its), says: saysOf(property) }
    const deeper = seen_through.has(property.name) && before.split('.').length < 3
    const list = key.type.endsWith('[]')
    const under = deeper ? keysOf(its, `${at}${list ? '[]' : ''}.`) : []
    return [key, ...under]
  })
}

const defaultOf = (at: string): string => {
  const limit = Object.entries(defaultLimits).find(([name]) => at === `limits.${name}`)
  return limit === undefined ? '' : ` Default ${String(limit[1])}.`
}

export const configReference = (): Reference => {
  const { checker, exported } = compiler()
  const input = exported.find(({ name }) => name === 'ConfigInput')
  if (input === undefined) throw new Error('ConfigInput is not exported')
  const all = keysOf(checker.getDeclaredTypeOfSymbol(input.symbol), '')
  // Of "one or a list" the keys come twice.
  const keys = [...new Map(all.map((key) => [key.at, key])).values()]
  const unsaid = keys.filter(({ says }) => says === '').map(({ at }) => `${at} (configuration)`)
  const rows = keys.map(
    ({ at, type, says }) =>
      `| ${codeCell(at)} | ${codeCell(type)} | ${cell(says)}${defaultOf(at)} |\n`,
  )
  return {
    text:
      `# Configuration\n\n\`foreword.config.ts\` exports \`defineConfig({ … })\` by default. Every key has a default.\n\n` +
      `| key | type | |\n| --- | --- | --- |\n${rows.join('')}`,
    unsaid,
  }
}
