/** What resources of all files have to do with each other: duplicates, needs, references, cycles. */
import * as E from 'fp-ts/lib/Either.js'
import { formatPath, type Key, type StackResource } from '../domain/codec/codec.ts'
import { nearest } from '../domain/codec/nearest.ts'
import { topologicalOrder } from '../domain/graph.ts'
import { needsOf, parseResourceKey, referencesOf, resourceKey } from '../domain/reference.ts'
import type { StackProblem, YamlDocument } from './stack-yaml.ts'

/** Whether a resource is known already, though no file has it. */
export type Known = (scope: string, kind: string, name: string) => boolean | Promise<boolean>

/** A resource, and where it stands. */
export interface PlacedResource {
  readonly scope: string
  readonly resource: StackResource
  readonly file: string
  readonly keys: readonly Key[]
  readonly place: YamlDocument['place']
}

const problemAt = (
  at: PlacedResource,
  keys: readonly Key[],
  message: string,
  remedy: string,
): StackProblem => {
  const all = [...at.keys, ...keys]
  return { file: at.file, ...at.place(all), path: formatPath(all), message, remedy }
}

const lineOf = (at: PlacedResource): string => `${at.file}:${at.place(at.keys).line}`

type Scopes = ReadonlyMap<string, ReadonlyMap<string, PlacedResource>>

const byScope = (
  resources: readonly PlacedResource[],
): { readonly scopes: Scopes; readonly problems: readonly StackProblem[] } => {
  const scopes = new Map<string, Map<string, PlacedResource>>()
  const problems: StackProblem[] = []
  for (const placed of resources) {
    const keyed = scopes.get(placed.scope) ?? new Map<string, PlacedResource>()
    scopes.set(placed.scope, keyed)
    const key = resourceKey(placed.resource)
    const first = keyed.get(key)
    if (first === undefined) keyed.set(key, placed)
    else {
      const message = `${key} in ${placed.scope} is there already, at ${lineOf(first)}`
      problems.push(problemAt(placed, ['name'], message, 'rename or remove one of the two'))
    }
  }
  return { scopes, problems }
}

/** A name that something else has from now on, or that two would be renamed from: no order of steps comes to that. */
const renameProblems = (scopes: Scopes): readonly StackProblem[] => {
  const problems: StackProblem[] = []
  for (const keyed of scopes.values()) {
    const taken = new Map<string, PlacedResource>()
    for (const placed of keyed.values()) {
      const { kind, name, renamed_from } = placed.resource
      if (renamed_from === undefined || renamed_from === name) continue
      const from = resourceKey({ kind, name: renamed_from })
      const [there, other] = [keyed.get(from), taken.get(from)]
      taken.set(from, placed)
      const first = there ?? other
      if (first === undefined) continue
      const message =
        there === undefined
          ? `${from} is renamed to ${other?.resource.name ?? ''} already, at ${lineOf(first)}`
          : `${from} is in the files as well, at ${lineOf(first)}`
      const remedy =
        there === undefined
          ? 'it can have one new name only'
          : 'take renamed_from out, or rename one after the other'
      problems.push(problemAt(placed, ['renamed_from'], message, remedy))
    }
  }
  return problems
}

interface Mention {
  readonly key: string
  readonly keys: readonly Key[]
  readonly how: 'needs' | 'refers to'
}

const mentionsOf = ({ needs, spec }: StackResource): readonly Mention[] => [
  ...needs.map((key, at) => ({ key, keys: ['needs', at], how: 'needs' as const })),
  ...referencesOf(spec).map((ref) => ({
    key: resourceKey(ref),
    keys: ['spec', ...ref.keys, 'ref'],
    how: 'refers to' as const,
  })),
]

/** Suggestions compare with every name there is; this many are enough to see what went wrong. */
const suggestions_max = 100

const lostMentions = async (scopes: Scopes, known: Known): Promise<readonly StackProblem[]> => {
  const problems: StackProblem[] = []
  for (const [scope, keyed] of scopes) {
    const answers = new Map<string, boolean>()
    for (const placed of keyed.values())
      for (const { key, keys, how } of mentionsOf(placed.resource)) {
        if (keyed.has(key)) continue
        const { kind, name } = parseResourceKey(key)
        const there = answers.get(key) ?? (await known(scope, kind, name))
        answers.set(key, there)
        if (there) continue
        const near = problems.length < suggestions_max ? nearest(key, [...keyed.keys()]) : undefined
        const hint = near === undefined ? '' : `, or did you mean ${near}?`
        const message = `${how} ${key}, which is neither in the files nor known in ${scope}`
        problems.push(problemAt(placed, keys, message, `add it to a stack file${hint}`))
      }
  }
  return problems
}

const cycles = (scopes: Scopes): readonly StackProblem[] =>
  [...scopes.values()].flatMap((keyed) => {
    const nodes = [...keyed].map(([id, { resource }]) => ({ id, needs: needsOf(resource) }))
    const order = topologicalOrder(nodes)
    if (E.isRight(order)) return []
    const members = order.left.flatMap((id) => keyed.get(id) ?? [])
    const [first] = members
    if (first === undefined) return []
    const ring = [...members, first].map((at) => `${resourceKey(at.resource)} (${lineOf(at)})`)
    const message = `resources need each other in a cycle: ${ring.join(' -> ')}`
    return [problemAt(first, [], message, 'take one of these needs or references out')]
  })

/** All that is wrong between resources of all files, each of which is right by itself. */
export const relationProblems = async (
  resources: readonly PlacedResource[],
  known: Known,
): Promise<readonly StackProblem[]> => {
  const { scopes, problems } = byScope(resources)
  return [
    ...problems,
    ...renameProblems(scopes),
    ...(await lostMentions(scopes, known)),
    ...cycles(scopes),
  ]
}
