/**
 * Plans in files. A plan holds while what it was made from is as it was: the generations of what is wanted, the
 * versions of what it would change, and the decision itself, which is made anew and must come to the same.
 * Whatever else moves meanwhile does not matter to it.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { formatErrors, Json as JsonCodec, StackResource } from '../domain/codec/codec.ts'
import { Kind, Name, Scope, strictObject, wholeNumber } from '../domain/codec/parts.ts'
import { sameState } from '../domain/diff.ts'
import { ForewordError } from '../domain/errors.ts'
import { isJsonObject, type Json } from '../domain/json.ts'
import { resourceKey } from '../domain/reference.ts'
import type { PlannedChange } from '../reconcile/plan-converge.ts'
import type { Seals } from '../store/plan-store.ts'
import type { StackPlan } from './plan-stack.ts'
import { renamedIn, type WantedStack } from './wanting.ts'

/** Of the file's format: another one is refused. */
const format_version = 1

const Premise = strictObject(
  { kind: Kind, name: Name, generation: t.union([wholeNumber(0), t.null]) },
  { version: t.union([wholeNumber(0), t.null]) },
)

const SavedStack = strictObject(
  {
    scope: Scope,
    stack: Name,
    resources: t.readonlyArray(StackResource),
    premises: t.readonlyArray(Premise),
    changes: t.readonlyArray(JsonCodec),
    adopted: t.readonlyArray(t.string),
  },
  {},
)
export type SavedStack = t.TypeOf<typeof SavedStack>

const SavedPlan = strictObject(
  {
    foreword_plan: wholeNumber(0),
    id: t.string,
    made_at: t.string,
    made_by: t.string,
    files: t.readonlyArray(t.string),
    database: t.string,
    prune: t.boolean,
    take_over: t.boolean,
    stacks: t.readonlyArray(SavedStack),
    seal: t.string,
  },
  {},
)
export type SavedPlan = t.TypeOf<typeof SavedPlan>

const keyOf = (change: PlannedChange): string => resourceKey(change)

/** A change without what is only told of it: what is compared is what would be done. */
const deedOf = (change: PlannedChange): Json => ({
  kind: change.kind,
  name: change.name,
  verb: change.verb,
  after: change.after,
  create_first: change.create_first !== undefined,
})

export const versionIn = (plan: StackPlan, key: string): number | null => {
  const held = plan.before.get(key)
  return held === undefined || held.state === null ? null : held.version
}

const renamedFrom = (
  { renamed }: WantedStack,
  kind: string,
  name: string,
): { renamed_from?: string } => {
  const from = renamed.find((one) => one.kind === kind && one.to === name)?.from
  return from === undefined ? {} : { renamed_from: from }
}

const savedStack = (wanted: WantedStack, plan: StackPlan): SavedStack => {
  const moving = new Set(plan.changes.map(keyOf))
  return {
    scope: wanted.scope,
    stack: wanted.stack,
    resources: wanted.rows.map(({ kind, name, needs, labels, counters, lifecycle = {}, spec }) => ({
      ...renamedFrom(wanted, kind, name),
      kind,
      name,
      needs,
      labels,
      counters,
      lifecycle,
      spec,
    })),
    premises: plan.considered.map(({ kind, name }) => {
      const key = resourceKey({ kind, name })
      const generation = plan.generations.get(key) ?? null
      return moving.has(key)
        ? { kind, name, generation, version: versionIn(plan, key) }
        : { kind, name, generation }
    }),
    changes: plan.changes.map(deedOf),
    adopted: plan.adopted.map(resourceKey),
  }
}

/** The same text for the same plan, however its file is laid out. */
const sealedText = (plan: object): string =>
  JSON.stringify({ ...plan, seal: '' }, (_key, value: unknown) =>
    isJsonObject(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : value,
  )

export interface PlanFile {
  readonly made_by: string
  readonly files: readonly string[]
  readonly prune: boolean
  readonly take_over: boolean
  readonly planned: readonly { readonly wanted: WantedStack; readonly plan: StackPlan }[]
}

/** Written beside and moved into place: a file that is there is whole. */
export const writePlan = async (path: string, of: PlanFile, seals: Seals): Promise<void> => {
  const { planned, ...about } = of
  const plan: SavedPlan = {
    foreword_plan: format_version,
    id: randomUUID(),
    made_at: new Date().toISOString(),
    ...about,
    database: seals.database,
    stacks: planned.map(({ wanted, plan }) => savedStack(wanted, plan)),
    seal: '',
  }
  const sealed = { ...plan, seal: seals.seal(sealedText(plan)) }
  const beside = `${path}.${process.pid}.tmp`
  try {
    // What is wanted may be nobody else's business.
    await writeFile(beside, `${JSON.stringify(sealed, null, 2)}\n`, { mode: 0o600 })
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw new ForewordError(
      `the plan cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      {
        where: path,
        remedy: 'name a file that can be written',
      },
    )
  }
}

const unusable = (path: string, what: string, remedy = 'plan again'): ForewordError =>
  new ForewordError(what, { where: path, remedy })

const parsed = async (path: string): Promise<unknown> => {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw unusable(
      path,
      `the plan cannot be read: ${reason}`,
      'name a file that `plan --out` wrote',
    )
  }
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw unusable(path, 'it is no plan: it is not JSON', 'name a file that `plan --out` wrote')
  }
}

const formatOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'foreword_plan' in value
    ? value.foreword_plan
    : undefined

/** A plan that this database has sealed. Throws a ForewordError for any other. */
export const readPlan = async (path: string, seals: Seals): Promise<SavedPlan> => {
  const value = await parsed(path)
  const format = formatOf(value)
  if (format === undefined) {
    throw unusable(
      path,
      'it is no plan',
      'name a file that `plan --out` wrote; `apply -f` takes stack files',
    )
  }
  if (format !== format_version) {
    throw unusable(
      path,
      `it is a plan of format ${JSON.stringify(format)}, and this foreword reads ${format_version}`,
    )
  }
  const decoded = SavedPlan.decode(value)
  if (E.isLeft(decoded)) {
    const [problem] = formatErrors(decoded.left)
    throw unusable(path, `it is no whole plan: ${problem?.path ?? ''}: ${problem?.message ?? ''}`)
  }
  const plan = decoded.right
  if (plan.database !== seals.database) throw unusable(path, 'it is a plan for another database')
  if (plan.seal !== seals.seal(sealedText(value as object))) {
    throw unusable(path, 'it was changed since it was planned')
  }
  return plan
}

/** What a saved stack wants, as the files would have said it. */
export const wantedIn = ({ scope, stack, resources }: SavedStack): WantedStack => ({
  scope,
  stack,
  rows: resources.map(({ renamed_from: _, ...resource }) => ({ scope, stack, ...resource })),
  renamed: renamedIn(resources),
})

const told = (version: number | null): string =>
  version === null ? 'absent' : `at version ${version}`

const generationTold = (generation: number | null): string =>
  generation === null ? 'not wanted' : `generation ${generation}`

/** The first premise that does not hold any more; null: all do. */
export const movedPremise = (saved: SavedStack, now: StackPlan): string | null => {
  const known = new Set(saved.premises.map(resourceKey))
  const added = now.considered.map(resourceKey).find((key) => !known.has(key))
  if (added !== undefined) return `${added} is wanted by stack ${saved.stack} since`
  for (const { kind, name, generation, version } of saved.premises) {
    const key = resourceKey({ kind, name })
    const generation_now = now.generations.get(key) ?? null
    if (generation_now !== generation) {
      return `what is wanted of ${key} was ${generationTold(generation)}, and is ${generationTold(generation_now)}`
    }
    if (version === undefined) continue
    const version_now = versionIn(now, key)
    if (version_now !== version) return `${key} was ${told(version)}, and is ${told(version_now)}`
  }
  const adopted = now.adopted.map(resourceKey)
  const other = [...adopted, ...saved.adopted].find(
    (key) => !adopted.includes(key) || !saved.adopted.includes(key),
  )
  if (other !== undefined) return `${other} was to be adopted or not, and now it is the other way`
  return otherDeed(saved, now)
}

const otherDeed = (saved: SavedStack, now: StackPlan): string | null => {
  const deeds = now.changes.map(deedOf)
  const keyed = (all: readonly Json[]) =>
    new Map(all.map((deed) => [resourceKey(deed as unknown as PlannedChange), deed]))
  const [then_by, now_by] = [keyed(saved.changes), keyed(deeds)]
  for (const key of new Set([...then_by.keys(), ...now_by.keys()])) {
    const [was, is] = [then_by.get(key), now_by.get(key)]
    if (sameState(was, is)) continue
    const verbOf = (deed: Json | undefined): string =>
      deed === undefined ? 'nothing' : (deed as unknown as PlannedChange).verb
    return `${verbOf(was)} of ${key} was planned, and ${verbOf(is)}${was !== undefined && is !== undefined && verbOf(was) === verbOf(is) ? ', but otherwise,' : ''} would be done now`
  }
  return null
}
