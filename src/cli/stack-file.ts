/** Stack files: read, parsed, decoded, checked, merged. Everything that is wrong is told with its place. */
import * as E from 'fp-ts/lib/Either.js'
import { realpath } from 'node:fs/promises'
import { droppedKeysOf, unknownKeysOf } from '../domain/codec/dropped.ts'
import { leavesOf, show, type Key, type Leaf } from '../domain/codec/errors.ts'
import { nearestFirst } from '../domain/codec/nearest.ts'
import { formatPath, Stack, type StackResource } from '../domain/codec/codec.ts'
import type { AnyProvider } from '../domain/provider.ts'
import { malformedReferencesOf, referencesOf } from '../domain/reference.ts'
import { no_providers_remedy } from './config-file.ts'
import { relationProblems, type Known, type PlacedResource } from './stack-relations.ts'
import { readSource } from './stack-source.ts'
import { parseYaml, type StackProblem, type YamlDocument } from './stack-yaml.ts'

export type { StackProblem } from './stack-yaml.ts'

export interface ReadStacksOptions {
  /** Whether a resource that is in none of the files is known already: then it may be needed and referred to. */
  readonly known?: Known
  /** What `-` reads. */
  readonly stdin?: AsyncIterable<unknown>
}

type Providers = ReadonlyMap<string, AnyProvider>

interface FileReading {
  readonly problems: readonly StackProblem[]
  readonly stacks: readonly Stack[]
  readonly resources: readonly PlacedResource[]
}

/** Whether one path lies on the way to the other. */
const related = (a: readonly Key[], b: readonly Key[]): boolean =>
  a.slice(0, b.length).every((key, at) => key === b[at])

const decodeSpec = (resource: StackResource, provider: AnyProvider): readonly Leaf[] => {
  const refs = referencesOf(resource.spec)
  try {
    const decoded = provider.spec.decode(resource.spec)
    if (E.isRight(decoded)) {
      const kept = provider.spec.encode(decoded.right)
      return droppedKeysOf(provider.spec, resource.spec, kept)
    }
    const unresolved = (keys: readonly Key[]): boolean =>
      refs.some((ref) => related(keys, ref.keys))
    const wrong = leavesOf(decoded.left, unresolved)
    return refs.length === 0 ? wrong : [...wrong, ...unknownKeysOf(provider.spec, resource.spec)]
  } catch (error) {
    // A codec of somebody's own may choke on a reference where it wants a text; the call decides then.
    if (refs.length > 0) return []
    const reason = error instanceof Error ? error.message : String(error)
    const message = `the codec of kind ${resource.kind} threw: ${reason}`
    return [{ keys: [], path: '', at: 'value', message, remedy: 'correct the provider' }]
  }
}

type Wrong = Pick<Leaf, 'keys' | 'message' | 'remedy' | 'at'>

const specProblems = (resource: StackResource, providers: Providers): readonly Wrong[] => {
  const provider = providers.get(resource.kind)
  if (provider === undefined) {
    const kinds = nearestFirst(resource.kind, [...providers.keys()])
    const message = `no provider for the kind ${show(resource.kind)}`
    const remedy = kinds.length === 0 ? no_providers_remedy : `known kinds: ${kinds.join(', ')}`
    return [{ keys: ['kind'], at: 'value', message, remedy }]
  }
  const malformed = malformedReferencesOf(resource.spec).map(({ keys, reason }) => ({
    keys: ['spec', ...keys, 'ref'],
    at: 'value' as const,
    message: reason,
    remedy: 'write it as in { ref: ip/web-1#address }, or #id for the external id',
  }))
  if (malformed.length > 0) return malformed
  return decodeSpec(resource, provider).map((leaf) => ({ ...leaf, keys: ['spec', ...leaf.keys] }))
}

const readDocument = (file: string, doc: YamlDocument, providers: Providers): FileReading => {
  const problemAt = ({ keys, at, message, remedy }: Wrong): StackProblem => ({
    file,
    ...doc.place(keys, at),
    path: formatPath(keys),
    message,
    remedy,
  })
  const decoded = Stack.decode(doc.value)
  if (E.isLeft(decoded))
    return { problems: leavesOf(decoded.left).map(problemAt), stacks: [], resources: [] }
  const stack = decoded.right
  const problems = stack.resources.flatMap((resource, index) =>
    specProblems(resource, providers).map((wrong) =>
      problemAt({ ...wrong, keys: ['resources', index, ...wrong.keys] }),
    ),
  )
  const resources = stack.resources.map((resource, index) => ({
    scope: stack.scope,
    resource,
    file,
    keys: ['resources', index],
    place: doc.place,
  }))
  return { problems, stacks: [stack], resources }
}

const readFile = async (
  path: string,
  providers: Providers,
  stdin: AsyncIterable<unknown>,
): Promise<FileReading> => {
  const file = path === '-' ? 'stdin' : path
  const failed = (problems: readonly Omit<StackProblem, 'file'>[]): FileReading => ({
    problems: problems.map((problem) => ({ file, ...problem })),
    stacks: [],
    resources: [],
  })
  const text = await readSource(path, stdin)
  if (E.isLeft(text)) return failed([{ column: 1, path: '', ...text.left }])
  const { problems, documents } = parseYaml(text.right)
  return joined([failed(problems), ...documents.map((doc) => readDocument(file, doc, providers))])
}

const joined = (readings: readonly FileReading[]): FileReading => ({
  problems: readings.flatMap(({ problems }) => problems),
  stacks: readings.flatMap(({ stacks }) => stacks),
  resources: readings.flatMap(({ resources }) => resources),
})

/** Documents of one owner in one scope are one stack, in the order in which they were read. */
const merged = (stacks: readonly Stack[]): readonly Stack[] => {
  const owners = new Map<string, Stack>()
  for (const stack of stacks) {
    const owner = JSON.stringify([stack.scope, stack.stack])
    const before = owners.get(owner)?.resources ?? []
    owners.set(owner, { ...stack, resources: [...before, ...stack.resources] })
  }
  return [...owners.values()]
}

/** A file that is named twice is read once: it says the same thing both times. */
const distinct = async (paths: readonly string[]): Promise<readonly string[]> => {
  const seen = new Map<string, string>()
  for (const path of paths) {
    const real = path === '-' ? path : await realpath(path).catch(() => path)
    if (!seen.has(real)) seen.set(real, path)
  }
  return [...seen.values()]
}

/**
 * Reads stack files (`-`: standard input), YAML or JSON, several documents allowed. Right: one stack
 * for each owner and scope. Left: all that is wrong, in the order of the files. Relations between
 * resources are checked only when each resource by itself is right: half a stack lacks half its needs.
 */
export const readStacks = async (
  paths: readonly string[],
  providers: readonly AnyProvider[],
  options: ReadStacksOptions = {},
): Promise<E.Either<readonly StackProblem[], readonly Stack[]>> => {
  const kinds = new Map(providers.map((provider) => [provider.kind, provider]))
  const readings: FileReading[] = []
  for (const path of await distinct(paths))
    readings.push(await readFile(path, kinds, options.stdin ?? process.stdin))
  const { problems, stacks, resources } = joined(readings)
  const all =
    problems.length > 0
      ? problems
      : await relationProblems(resources, options.known ?? (() => false))
  return all.length > 0 ? E.left(all) : E.right(merged(stacks))
}

/** `file:line:column: path: message; remedy` on one line; what a terminal would obey is taken out. */
export const renderProblem = (problem: StackProblem): string => {
  const { file, line, column, path, message, remedy } = problem
  const text = `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}; ${remedy}`
  // Control characters and marks that turn the direction of writing.
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
}
