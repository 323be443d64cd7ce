/** Stack files as desired rows: what `plan` and `apply` share. */
import * as E from 'fp-ts/lib/Either.js'
import type { StackResource, Stack } from '../domain/codec/codec.ts'
import type { Config } from '../domain/config.ts'
import type { Json } from '../domain/json.ts'
import type { DesiredRow } from '../domain/reconcile-ports.ts'
import type { AnyProvider } from '../domain/provider.ts'
import { needsOf, referencesOf } from '../domain/reference.ts'
import type { Renaming } from '../reconcile/rename.ts'
import type { Context } from './context.ts'
import { plural } from './print.ts'
import { openSession, type Session } from './session.ts'
import { warnOfSpellings } from './spelling-warning.ts'
import { readStacks, renderProblem } from './stack-file.ts'

/** One slip in a template is wrong thousands of times: whoever mends the first has mended them all. */
const problems_told_max = 50

/** What the files ask for in one scope under one owner's name. */
export interface WantedStack {
  readonly scope: string
  readonly stack: string
  readonly rows: readonly Omit<DesiredRow, 'generation' | 'resource'>[]
  /** What has had another name so far. */
  readonly renamed: readonly Renaming[]
}

/** As the provider's codec writes it, so that equal specs are equal text; references stay as they are. */
const canonical = (resource: StackResource, provider: AnyProvider | undefined): Json => {
  if (provider === undefined || referencesOf(resource.spec).length > 0) return resource.spec
  const decoded = provider.spec.decode(resource.spec)
  return E.isRight(decoded) ? provider.spec.encode(decoded.right) : resource.spec
}

export const renamedIn = (
  resources: readonly Pick<StackResource, 'kind' | 'name' | 'renamed_from'>[],
): readonly Renaming[] =>
  resources.flatMap(({ kind, name, renamed_from: from }) =>
    from === undefined || from === name ? [] : [{ kind, from, to: name }],
  )

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
    lifecycle: resource.lifecycle,
  })),
  renamed: renamedIn(stack.resources),
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
    for (const problem of stacks.left.slice(0, problems_told_max)) {
      context.complain(`foreword: ${renderProblem(problem)}`)
    }
    const more = stacks.left.length - problems_told_max
    if (more > 0) context.complain(`foreword: … and ${plural(more, 'more problem')}`)
    return null
  }
  const providers = new Map(config.providers.map((provider) => [provider.kind, provider]))
  const wanted = stacks.right.map((stack) => wantedOf(stack, providers))
  const opened_session = await session()
  await warnOfSpellings(context, opened_session.engine.sql, wanted)
  return { session: opened_session, wanted }
}
