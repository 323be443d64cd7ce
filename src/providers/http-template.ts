/** Path templates and dotted paths: the two little notations of a declared REST resource. */
import { ForewordError } from '../domain/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import type { Call, Look } from '../domain/provider.ts'
import { exactText } from './http-json.ts'

/** What a template may name. The last three exist in calls only, not in looks. */
const look_variables = ['external_id', 'name', 'scope']
const call_variables = ['idempotency_key', 'generation', 'verb']

const slot = /\{([a-z_][a-z0-9_.]*)\}/gi

/** Names in braces of a template, in order. */
const variablesOf = (template: string): readonly string[] =>
  [...template.matchAll(slot)].map((match) => match[1] ?? '')

/** Whether a template can only be filled for a call, because it names what a look does not have. */
export const needsCall = (template: string): boolean =>
  variablesOf(template).some((variable) => call_variables.includes(variable))

export const needsExternalId = (template: string): boolean =>
  variablesOf(template).includes('external_id')

/** Throws at declaration time for a name in braces that nothing will ever fill. */
export const checkTemplate = (
  template: string,
  where: string,
  more: readonly string[] = [],
): void => {
  for (const variable of variablesOf(template)) {
    const known = [...look_variables, ...call_variables, ...more].includes(variable)
    if (known || variable.startsWith('outputs.')) continue
    throw new ForewordError(`{${variable}} is no variable of a template`, {
      where,
      remedy: `use ${[...look_variables, ...call_variables].map((v) => `{${v}}`).join(', ')} or {outputs.…}`,
    })
  }
}

/** A template that cannot be filled. It is found before anything is sent. */
export class TemplateUnfilled extends Error {
  override readonly name = 'TemplateUnfilled'
}

const valueOf = (variable: string, of: Look | Call): string => {
  if (variable.startsWith('outputs.')) {
    return textAt(of.outputs, variable.slice('outputs.'.length)) ?? ''
  }
  const value = (of as unknown as Record<string, unknown>)[variable]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Fills a template; an empty value is refused, since `/vms/` + nothing is the path of all of them. */
export const fill = (template: string, of: Look | Call): string =>
  template.replace(slot, (_, variable: string) => {
    const value = valueOf(variable, of)
    if (value === '') throw new TemplateUnfilled(`{${variable}} is not known`)
    return value
  })

/** Fills a path template: each value becomes one path segment, whatever characters it has. */
export const fillPath = (template: string, of: Look | Call): string =>
  template.replace(slot, (_, variable: string) => {
    const value = valueOf(variable, of)
    if (value === '') throw new TemplateUnfilled(`{${variable}} is not known`)
    // Servers and proxies resolve dots even when they are encoded, and then it is another path.
    if (/^\.{1,2}$/.test(value)) throw new TemplateUnfilled(`{${variable}} is ${value}`)
    return encodeURIComponent(value)
  })

/** The value at a dotted path (`server.addresses.0.addr`), undefined where there is none. '' is the value itself. */
export const at = (value: Json | undefined, path: string): Json | undefined => {
  if (path === '') return value
  let here: Json | undefined = value
  for (const step of path.split('.')) {
    if (Array.isArray(here)) here = (here as readonly Json[])[Number(step)]
    else if (isJsonObject(here) && Object.hasOwn(here, step)) here = here[step]
    else return undefined
  }
  return here
}

/** The text or number at a path, as text: of a number all of its digits. */
export const textAt = (value: Json | undefined, path: string): string | undefined => {
  const found = at(value, path)
  if (typeof found === 'string') return found
  return typeof found === 'number' ? (exactAt(value, path) ?? String(found)) : undefined
}

const exactAt = (value: Json | undefined, path: string): string | undefined => {
  const steps = path.split('.')
  const key = steps.pop() ?? ''
  return exactText(steps.length === 0 ? value : at(value, steps.join('.')), key)
}

/** Names of what is picked, each with its dotted path. */
export type Paths = readonly string[] | { readonly [name: string]: string }

const picked = (paths: Paths, read: (path: string) => Json | undefined): JsonObject => {
  const named = Array.isArray(paths)
    ? (paths as readonly string[]).map((path) => [path.split('.').at(-1) ?? path, path] as const)
    : Object.entries(paths as { readonly [name: string]: string })
  return Object.fromEntries(
    named.flatMap(([name, path]) => {
      const found = read(path)
      return found === undefined ? [] : [[name, found] as const]
    }),
  )
}

/** Picks values by their paths; what is not there is left out. */
export const pick = (value: Json | undefined, paths: Paths): JsonObject =>
  picked(paths, (path) => at(value, path))

/** Picks what others will refer to: a number with more digits than numbers can hold is given as its text. */
export const pickExact = (value: Json | undefined, paths: Paths): JsonObject =>
  picked(paths, (path) => exactAt(value, path) ?? at(value, path))
