/** A decider's intents, checked, as the changes that the log will record. */
import * as E from 'fp-ts/lib/Either.js'
import { formatErrors, Json as JsonCodec } from '../domain/codec/codec.ts'
import type { Policy } from '../domain/config.ts'
import type { Counters, IntentDraft } from '../domain/decider.ts'
import { topologicalOrder } from '../domain/graph.ts'
import type { Json } from '../domain/json.ts'
import { policiesOf } from '../domain/policy.ts'
import { isKind, isName, isResourceKey, wrongWithLabels } from '../domain/names.ts'
import type { Change, ResourceName } from '../domain/ports.ts'
import type { AnyProvider } from '../domain/provider.ts'
import { parseResourceKey, referencesOf, resourceKey } from '../domain/reference.ts'

export interface Invalid {
  readonly reason: string
  readonly remedy: string
  readonly sqlstate: string
}

/** A state larger than this would be carried by every reader of the resource. */
const state_bytes_max = 256 * 1024
/** One decision writes at most this many intents: more would lock too much of everyone else's world. */
const intents_max = 1_000

export interface ChangeRules {
  /** Providers by kind; empty: any kind goes, whoever applies must know it. */
  readonly providers: ReadonlyMap<string, AnyProvider>
  readonly policies: readonly Policy[]
}

const invalid = (sqlstate: string, reason: string, remedy: string): E.Either<Invalid, never> =>
  E.left({ sqlstate, reason, remedy })

const verbs: ReadonlySet<string> = new Set(['create', 'update', 'delete'])

const checkKind = (draft: IntentDraft, rules: ChangeRules): E.Either<Invalid, null> => {
  const provider = rules.providers.get(draft.kind)
  if (provider === undefined && rules.providers.size > 0) {
    const known = [...rules.providers.keys()].toSorted().join(', ')
    return invalid('FW021', `${resourceKey(draft)}: unknown kind`, `known kinds: ${known}`)
  }
  if (['replace', 'rename'].includes(draft.verb) && draft.replace !== undefined)
    return E.right(null)
  if (
    !verbs.has(draft.verb) &&
    provider !== undefined &&
    !Object.hasOwn(provider.calls ?? {}, draft.verb)
  ) {
    const calls = Object.keys(provider.calls ?? {}).toSorted()
    return invalid(
      'FW022',
      `${resourceKey(draft)}: unknown verb ${draft.verb}`,
      `known verbs: ${[...verbs, ...calls].join(', ')}`,
    )
  }
  return E.right(null)
}

/** The state as the provider's codec writes it, so that equal states are equal text; references stay. */
const canonicalState = (draft: IntentDraft, rules: ChangeRules): E.Either<Invalid, Json> => {
  if (draft.verb === 'delete') return E.right(null)
  const json = JsonCodec.decode(draft.state)
  if (E.isLeft(json) || draft.state === null) {
    const problem = E.isLeft(json) ? formatErrors(json.left)[0] : undefined
    const place = [resourceKey(draft), problem?.path].filter(Boolean).join(' ')
    return invalid(
      'FW020',
      `${place}: ${problem?.message ?? 'a state of null means absent'}`,
      problem?.remedy ?? 'use remove() to intend that it shall be no more',
    )
  }
  if (Buffer.byteLength(JSON.stringify(json.right)) > state_bytes_max) {
    return invalid(
      'FW023',
      `${resourceKey(draft)}: its state is larger than ${state_bytes_max} bytes`,
      'keep the bulk elsewhere and refer to it',
    )
  }
  const provider = rules.providers.get(draft.kind)
  if (provider === undefined || referencesOf(json.right).length > 0) return E.right(json.right)
  const spec = provider.spec.decode(json.right)
  if (E.isRight(spec)) return E.right(provider.spec.encode(spec.right))
  const problem = formatErrors(spec.left)[0]
  return invalid(
    'FW020',
    `${resourceKey(draft)} ${problem?.path ?? ''}: ${problem?.message ?? 'wrong state'}`,
    problem?.remedy ?? 'see the kind’s spec',
  )
}

const checkCounters = (draft: IntentDraft): E.Either<Invalid, Counters | null> => {
  const given: unknown = draft.counters ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) {
    return invalid(
      'FW024',
      `${resourceKey(draft)}: its counters are no object of whole numbers`,
      'like { counters: { cores: 4 } }',
    )
  }
  const wrong = Object.entries(draft.counters ?? {}).find(([, n]) => !Number.isSafeInteger(n))
  return wrong === undefined
    ? E.right(draft.counters ?? null)
    : invalid(
        'FW024',
        `${resourceKey(draft)}: counter ${wrong[0]} is ${String(wrong[1])}`,
        'counters are whole numbers',
      )
}

const args_bytes_max = 64 * 1024

/** What an own verb is called with. Undefined: with nothing. */
const checkArgs = (draft: IntentDraft): E.Either<Invalid, Json | undefined> => {
  const { args } = draft
  if (args === undefined) return E.right(undefined)
  if (verbs.has(draft.verb)) {
    const remedy = "only a provider's own verbs are called with args"
    return invalid('FW028', `${resourceKey(draft)}: args of ${draft.verb}`, remedy)
  }
  const json = JsonCodec.decode(args)
  if (E.isLeft(json)) {
    const problem = formatErrors(json.left)[0]
    const remedy = problem?.remedy ?? 'give JSON'
    return invalid('FW020', `${resourceKey(draft)}: args: ${problem?.message ?? ''}`, remedy)
  }
  return Buffer.byteLength(JSON.stringify(json.right)) > args_bytes_max
    ? invalid(
        'FW023',
        `${resourceKey(draft)}: its args are larger than ${args_bytes_max} bytes`,
        'keep the bulk elsewhere and refer to it',
      )
    : E.right(json.right)
}

/** Names, labels and needs, as far as nobody else looks at them. */
const checkNames = (draft: IntentDraft, scope: unknown): Invalid | null => {
  const shown = JSON.stringify(resourceKey(draft).slice(0, 80))
  if (!isName(scope) || !isKind(draft.kind) || !isName(draft.name)) {
    const place = isName(scope) ? shown : `the scope of ${shown}`
    return {
      sqlstate: 'FW025',
      reason: `${place} is not a name`,
      remedy: 'scope, kind and name: 1 to 512 characters, no control characters, a kind no slash',
    }
  }
  const { labels, counters, needs, verb }: { readonly [K in keyof IntentDraft]?: unknown } = draft
  const odd_labels = (labels ?? null) === null ? null : wrongWithLabels(labels)
  if (odd_labels !== null) {
    const remedy = 'labels are texts: { port: String(port) }'
    return { sqlstate: 'FW028', reason: `${resourceKey(draft)}: ${odd_labels}`, remedy }
  }
  const given = [...Object.keys(counters ?? {}), String(verb)]
  const odd_name = given.find((text) => !isName(text))
  if (odd_name !== undefined) {
    return {
      sqlstate: 'FW025',
      reason: `${resourceKey(draft)}: ${JSON.stringify(odd_name.slice(0, 80))} is not a name`,
      remedy: 'verbs and metrics: 1 to 512 characters, no control characters',
    }
  }
  if ((needs ?? null) === null || (Array.isArray(needs) && needs.every(isResourceKey))) return null
  const reason = `${resourceKey(draft)}: its needs are no list of KIND/NAME`
  return { sqlstate: 'FW028', reason, remedy: "like { needs: ['dns_zone/example.org.'] }" }
}

const changeOf = (
  draft: IntentDraft,
  scope: string,
  rules: ChangeRules,
): E.Either<Invalid, Change> => {
  const at = { scope: draft.scope ?? scope, kind: draft.kind, name: draft.name }
  const odd = checkNames(draft, at.scope)
  if (odd !== null) return E.left(odd)
  const kind = checkKind(draft, rules)
  if (E.isLeft(kind)) return kind
  const state = canonicalState(draft, rules)
  if (E.isLeft(state)) return state
  const counters = checkCounters(draft)
  if (E.isLeft(counters)) return counters
  const args = checkArgs(draft)
  if (E.isLeft(args)) return args
  const policies = policiesOf(rules.policies, at)
  const destroys = draft.verb === 'delete' || draft.verb === 'replace'
  if (destroys && policies.some((policy) => policy.prevent_destroy === true)) {
    return invalid('FW026', `${resourceKey(at)} is protected by prevent_destroy`, 'lift the policy')
  }
  const initialOf = (...of: readonly string[]): Change['initial'] =>
    policies.some(({ approve }) => of.some((verb) => approve?.includes(verb) === true))
      ? 'awaiting_approval'
      : 'pending'
  const named = (keys: readonly string[]): readonly ResourceName[] =>
    keys.map((key) => ({ scope: at.scope, ...parseResourceKey(key) }))
  return E.right({
    ...at,
    verb: draft.verb,
    state: state.right,
    labels: draft.labels ?? null,
    counters: counters.right,
    needs: named(draft.needs ?? []),
    // The second half of a replacement, which comes after the first, or is it.
    initial: draft.replace === undefined ? initialOf(draft.verb) : initialOf('create', 'replace'),
    ...(draft.replace === undefined
      ? {}
      : {
          replace: {
            ...draft.replace,
            first_needs: named(draft.replace.first_needs),
            first_initial: initialOf('delete', 'replace'),
          },
        }),
    ...(args.right === undefined || args.right === null ? {} : { args: args.right }),
  })
}

/** What was seen, as changes: facts are not checked against anybody's rules. */
export const observedChanges = (drafts: readonly IntentDraft[], scope: string): readonly Change[] =>
  drafts.map((draft) => ({
    scope: draft.scope ?? scope,
    kind: draft.kind,
    name: draft.name,
    verb: draft.verb,
    state: draft.state,
    labels: null,
    counters: draft.counters ?? null,
    needs: [],
    initial: 'pending',
  }))

/** Intents that need each other in a circle would each wait for the next, for ever. */
const inOrder = (changes: readonly Change[]): E.Either<Invalid, readonly Change[]> => {
  if (changes.every((c) => c.needs.length === 0)) return E.right(changes)
  const idOf = (at: ResourceName): string => JSON.stringify([at.scope, at.kind, at.name])
  const order = topologicalOrder(
    changes.map((change) => ({ id: idOf(change), needs: change.needs.map(idOf), change })),
  )
  if (E.isRight(order)) return E.right(changes)
  const circle = order.left.slice(0, 5).map((id) => (JSON.parse(id) as string[]).slice(1).join('/'))
  return invalid(
    'FW033',
    `intents need each other in a circle: ${circle.join(', ')}`,
    'each would wait for the next: leave out one of the needs',
  )
}

/** All changes of a decision, or the first thing that is wrong with them. */
export const changesOf = (
  drafts: readonly IntentDraft[],
  scope: string,
  rules: ChangeRules,
): E.Either<Invalid, readonly Change[]> => {
  if (drafts.length > intents_max) {
    return invalid(
      'FW027',
      `${drafts.length} intents in one decision, ${intents_max} at most`,
      'split it into several decisions',
    )
  }
  const changes: Change[] = []
  const seen = new Set<string>()
  for (const draft of drafts) {
    const change = changeOf(draft, scope, rules)
    if (E.isLeft(change)) return change
    const key = JSON.stringify([change.right.scope, resourceKey(change.right)])
    if (seen.has(key)) {
      return invalid(
        'FW013',
        `${resourceKey(draft)} is written twice by one decision`,
        'intend one change for each resource',
      )
    }
    seen.add(key)
    changes.push(change.right)
  }
  return inOrder(changes)
}
