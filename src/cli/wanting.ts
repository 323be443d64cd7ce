/** Stack files as desired rows, and what wanting them would change: what `plan` and `apply` share. */
import * as E from 'fp-ts/lib/Either.js'
import type { StackResource, Stack } from '../domain/codec.ts'
import type { Config } from '../domain/config.ts'
import { ForewordError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import type { DesiredRow } from '../domain/reconcile-ports.ts'
import type { AnyProvider } from '../domain/provider.ts'
import { needsOf, referencesOf, resourceKey } from '../domain/reference.ts'
import type { Engine } from '../foreword.ts'
import type { PlannedChange } from '../reconcile/converge.ts'
import { planConverge } from '../reconcile/run-converge.ts'
import type { Context } from './context.ts'
import { harmless } from './print.ts'
import { openSession, type Session } from './session.ts'
import { readStacks, renderProblem } from './stack-file.ts'

/** What the files ask for in one scope under one owner's name. */
export interface WantedStack {
  readonly scope: string
  readonly stack: string
  readonly rows: readonly Omit<DesiredRow, 'generation' | 'resource'>[]
}

export interface Before {
  readonly state: Json
  readonly labels: Readonly<Record<string, string>>
}

export interface StackPlan {
  readonly scope: string
  readonly stack: string
  readonly changes: readonly PlannedChange[]
  readonly unchanged: number
  /** `KIND/NAME` of what is assumed to be there. */
  readonly before: ReadonlyMap<string, Before>
  readonly labels: ReadonlyMap<string, Before['labels']>
  /** Rows of the stack that the files do not name. */
  readonly left_out: readonly DesiredRow[]
  /** `KIND/NAME` of what another stack wants so far. */
  readonly taken_over: readonly string[]
}

/** As the provider's codec writes it, so that equal specs are equal text; references stay as they are. */
const canonical = (resource: StackResource, provider: AnyProvider | undefined): Json => {
  if (provider === undefined || referencesOf(resource.spec).length > 0) return resource.spec
  const decoded = provider.spec.decode(resource.spec)
  return E.isRight(decoded) ? provider.spec.encode(decoded.right) : resource.spec
}

const wantedOf = (stack: Stack, providers: ReadonlyMap<string, AnyProvider>): WantedStack => ({
  scope: stack.scope,
  stack: stack.stack,
  rows: stack.resources.map((resource) => ({
    scope: stack.scope,
    stack: stack.stack,
    kind: resource.kind,
    name: resource.name,
    spec: canonical(resource, providers.get(resource.kind)),
    labels: resource.labels,
    counters: resource.counters,
    needs: needsOf(resource),
  })),
})

interface Reading {
  readonly session: Session
  readonly wanted: readonly WantedStack[]
}

/**
 * Reads the files, and opens the session when they are right (or need to be compared with the
 * database). Null: they are wrong; every problem was told, and nothing was written.
 */
export const readWanted = async (
  context: Context,
  config: Config,
  files: readonly string[],
): Promise<Reading | null> => {
  let opened: Promise<Session> | undefined
  const session = (): Promise<Session> => (opened ??= openSession(context, { config }))
  const known = async (scope: string, kind: string, name: string): Promise<boolean> => {
    const { sql } = (await session()).engine
    const rows = await sql`
      select 1
      from foreword.resource r
      where
        r.scope = ${scope}
        and r.kind = ${kind}
        and r.name = ${name}
        and (r.desired is not null or r.assumed is not null)`
    return rows.length > 0
  }
  const stacks = await readStacks(files, config.providers, { known })
  if (E.isLeft(stacks)) {
    for (const problem of stacks.left) context.complain(`foreword: ${renderProblem(problem)}`)
    return null
  }
  const providers = new Map(config.providers.map((provider) => [provider.kind, provider]))
  return {
    session: await session(),
    wanted: stacks.right.map((stack) => wantedOf(stack, providers)),
  }
}

const readBefore = async (
  engine: Engine,
  scope: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Before>> => {
  const rows = await engine.sql<
    { kind: string; name: string; assumed: Json; labels: Before['labels'] }[]
  >`
    select r.kind, r.name, r.assumed, r.labels
    from foreword.resource r
    where
      r.scope = ${scope}
      and r.assumed is not null
      and r.kind || '/' || r.name = any (${[...keys]}::text[])`
  return new Map(rows.map((row) => [resourceKey(row), { state: row.assumed, labels: row.labels }]))
}

/** What shall stay must not lose what it needs. */
const refuseToPruneNeeded = (
  wanted: WantedStack,
  desired: readonly DesiredRow[],
  pruned: readonly DesiredRow[],
): void => {
  const going = new Set(pruned.map(resourceKey))
  const named = new Set(wanted.rows.map(resourceKey))
  const staying = desired.filter(
    (row) => row.spec !== null && !going.has(resourceKey(row)) && !named.has(resourceKey(row)),
  )
  for (const row of [...wanted.rows, ...staying]) {
    const lost = row.needs.find((need) => going.has(need))
    if (lost === undefined) continue
    throw new ForewordError(harmless(`--prune would delete ${lost}, which is needed`), {
      where: harmless(`by ${resourceKey(row)} of stack ${row.stack} in ${row.scope}`),
      remedy: `keep ${harmless(lost)} in the files, or take the need away`,
    })
  }
}

/** Nothing is written: the decision is made in a READ ONLY transaction. */
export const planStack = async (
  engine: Engine,
  wanted: WantedStack,
  prune: boolean,
): Promise<StackPlan> => {
  const { scope, stack } = wanted
  const desired = await engine.reconcileDeps.store.desired({ scope })
  const named = new Set(wanted.rows.map(resourceKey))
  const rest = desired.filter((row) => row.stack === stack && !named.has(resourceKey(row)))
  const left_out = rest.filter((row) => row.spec !== null)
  if (prune) refuseToPruneNeeded(wanted, desired, left_out)
  const others = rest.map((row) => (prune ? { ...row, spec: null } : row))
  const items = [...wanted.rows, ...others]
  const before = await readBefore(engine, scope, items.map(resourceKey))
  const assumed = new Map([...before].map(([key, { state }]) => [key, state]))
  const changes = await planConverge(engine.reconcileDeps)(scope, items, assumed)
  const changed = new Set(changes.map(resourceKey))
  return {
    scope,
    stack,
    changes,
    unchanged: items.filter((item) => item.spec !== null && !changed.has(resourceKey(item))).length,
    before,
    labels: new Map(items.map((item) => [resourceKey(item), item.labels])),
    left_out,
    taken_over: desired
      .filter((row) => row.stack !== stack && row.spec !== null && named.has(resourceKey(row)))
      .map(resourceKey),
  }
}
