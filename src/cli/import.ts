/** `foreword import`: makes known what is there already, without touching it. */
import { stringify } from 'yaml'
import type { Json } from '../domain/json.ts'
import { Name } from '../domain/codec/parts.ts'
import { ForewordError } from '../domain/errors.ts'
import { resourceKey } from '../domain/reference.ts'
import type { Engine } from '../foreword.ts'
import {
  importFound,
  lookFor,
  providerOf,
  unseen,
  type Found,
  type Imported,
} from '../reconcile/adopt.ts'
import { listed } from '../reconcile/list.ts'
import { actorOf } from './actor.ts'
import type { Context } from './context.ts'
import { harmless, plural } from './print.ts'
import { scopeOf } from './scope.ts'
import { openSession } from './session.ts'

export interface ImportOptions {
  readonly scope?: string
  readonly externalId?: string
  readonly all?: boolean
}

const imports_per_decision = 100

const wrongUsage = (message: string, remedy: string): never => {
  throw new ForewordError(message, { remedy, exit_code: 2 })
}

const one = async (
  engine: Engine,
  scope: string,
  kind: string,
  name: string,
  external_id: string | null,
): Promise<Found> => {
  const at = { scope, kind, name }
  const sighting = await lookFor(engine.reconcileDeps, at, external_id)
  if (sighting !== null) return { ...at, sighting }
  throw new ForewordError(`${kind}/${name} does not exist`, {
    where: `scope ${scope}${external_id === null ? '' : `, external id ${external_id}`}`,
    remedy: 'check the name and the scope, or create it by a stack file',
  })
}

interface Listing {
  readonly found: readonly Found[]
  readonly passed_over: readonly { readonly name: string; readonly why: string }[]
}

/** All of a kind that nobody knows yet. What cannot be known under its own name is passed over, and told. */
const all = async (engine: Engine, scope: string, kind: string): Promise<Listing> => {
  const deps = engine.reconcileDeps
  const provider = providerOf(deps.providers, kind)
  if (provider.list === undefined) {
    throw new ForewordError(`the provider of ${kind} cannot list`, {
      remedy: `import one by one: foreword import ${kind} NAME`,
    })
  }
  const seen = new Map<string, Found>()
  const passed_over = new Map<string, string>()
  try {
    for await (const { name, page: _, ...sighting } of listed(deps, provider, scope)) {
      const before = seen.get(name)
      // A list that was gone on with shows its last page twice.
      const again = before !== undefined && before.sighting.external_id === sighting.external_id
      if (!Name.is(name)) passed_over.set(name, 'it is no name')
      else if (before !== undefined && !again) passed_over.set(name, 'there are several of it')
      else if (sighting.condition === 'pending') passed_over.set(name, 'it is not ready yet')
      else seen.set(name, { scope, kind, name, sighting })
    }
  } catch (error) {
    throw unseen(`all of ${kind}`, scope, error)
  }
  const ids = [...seen.values()].flatMap(({ sighting }) => sighting.external_id ?? [])
  const known = await deps.store.namesOf(scope, kind, ids)
  const named = await engine.sql<{ name: string }[]>`
    select r.name
    from foreword.resource r
    where r.scope = ${scope} and r.kind = ${kind} and (r.assumed is not null or r.version > 0)`
  const names = new Set(named.map(({ name }) => name))
  const found = [...seen.values()].filter(
    ({ name, sighting }) =>
      !names.has(name) && !known.has(sighting.external_id ?? '') && !passed_over.has(name),
  )
  return { found, passed_over: [...passed_over].map(([name, why]) => ({ name, why })) }
}

/** As a stack file would want what was imported: applied, it changes nothing. */
const snippetOf = (scope: string, imported: readonly Imported[]): string =>
  stringify({
    scope,
    resources: imported.map(({ kind, name, sighting }) => ({
      kind,
      name,
      spec: sighting.state,
    })),
  })

const tell = (context: Context, scope: string, imported: readonly Imported[]): void => {
  const { colors, say, out } = context
  for (const found of imported) {
    const { external_id } = found.sighting
    const id = external_id === undefined ? '' : colors.dim(` (${harmless(external_id)})`)
    say(`  ${colors.cyan('← import')} ${harmless(resourceKey(found))}${id}`)
  }
  say(
    `${colors.bold('Imported:')} ${plural(imported.length, 'resource')} in ${harmless(scope)}. ` +
      'As a stack file would want them:',
  )
  say()
  for (const line of snippetOf(scope, imported).trimEnd().split('\n')) out(harmless(line))
}

const jsonOf = (imported: readonly Imported[]): Json =>
  imported.map(({ scope, kind, name, version, sighting }) => ({
    scope,
    kind,
    name,
    version,
    state: sighting.state,
    external_id: sighting.external_id ?? null,
    outputs: sighting.outputs ?? {},
  }))

export const importing =
  (kind: string, name: string | undefined, options: ImportOptions) =>
  async (context: Context): Promise<number> => {
    if ((name === undefined) !== (options.all === true)) {
      wrongUsage('one name, or --all', 'foreword import KIND NAME, or foreword import KIND --all')
    }
    if (options.all === true && options.externalId !== undefined) {
      wrongUsage('--external-id is of one resource', 'leave it out, or name the resource')
    }
    if (name !== undefined && !Name.is(name)) {
      wrongUsage(
        `${JSON.stringify(name)} is no name`,
        'use 1 to 512 characters, none of them a control character',
      )
    }
    const { engine } = await openSession(context)
    providerOf(engine.providers, kind)
    const scope = await scopeOf(engine.sql, options.scope)
    const listing =
      name === undefined
        ? await all(engine, scope, kind)
        : {
            found: [await one(engine, scope, kind, name, options.externalId ?? null)],
            passed_over: [],
          }
    const by = { actor: actorOf(context.env), reason: `import ${kind} ${name ?? '--all'}` }
    const imported: Imported[] = []
    for (let i = 0; i < listing.found.length; i += imports_per_decision) {
      const part = listing.found.slice(i, i + imports_per_decision)
      imported.push(...(await importFound(engine.reconcileDeps, scope, part, by)))
    }
    for (const { name: passed, why } of listing.passed_over) {
      context.complain(`foreword: ${kind}/${harmless(passed)} was passed over: ${why}`)
    }
    if (context.options.json === true) context.json(jsonOf(imported))
    else if (imported.length === 0) context.say(`Nothing to import: all of ${kind} is known.`)
    else tell(context, scope, imported)
    return listing.passed_over.length > 0 ? 1 : 0
  }
