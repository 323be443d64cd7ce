/** Declares a REST resource as a provider, without code for the common case. See docs/providers.md. */
import * as E from 'fp-ts/lib/Either.js'
import { ForewordError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import {
  applied,
  defaultTraits,
  notSent,
  NotSent,
  rejected,
  type Call,
  type Outcome,
  type Provider,
  type Traits,
} from '../domain/provider.ts'
import { canonical, overlaid, stateReader } from './http-codec.ts'
import { checkDeclaration, type HttpCall, type HttpDeclaration } from './http-declaration.ts'
import { finder, idOf, lister, reader, refusalOf, type Looking } from './http-look.ts'
import { acceptedOf, poller, statusesOf } from './http-operation.ts'
import { asker, bodyOf, type Answer } from './http-request.ts'
import { at, needsExternalId, pickExact, TemplateUnfilled } from './http-template.ts'
import { retryOf, unknownAfter, verdictOf } from './http-verdict.ts'
import { OutcomeUnknown, RequestInvalid } from './transport.ts'

export type { HttpDeclaration } from './http-declaration.ts'

/** The state after a call that was carried out: what was asked for, overlaid with what the answer shows. */
const stateAfter = <Spec, State>(
  looking: Looking<Spec, State>,
  call: Call<Spec>,
  item: Json | undefined,
): Json => {
  const { declaration, provider_state } = looking
  const asked = declaration.spec.encode(call.spec)
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return asked
  const shown = canonical(
    provider_state,
    overlaid(asked, looking.stateOf(item as { readonly [key: string]: Json })),
  )
  // The effect is certain and only its picture is odd (half built, say): reads will tell more.
  return E.isLeft(shown) ? asked : shown.right
}

const appliedOf = <Spec, State>(
  looking: Looking<Spec, State>,
  call: Call<Spec>,
  answer: Answer,
): Outcome => {
  const { declaration } = looking
  if (call.verb === 'delete') return applied(null)
  const item = at(answer.body, declaration.item ?? '')
  // What is made anew is another one: an id from before would be wrong.
  const known_as = call.verb === 'create' ? null : call.external_id
  return shownAs(looking, call, item, `${answer.label}: ${answer.reply.status}`, known_as)
}

const shownAs = <Spec, State>(
  looking: Looking<Spec, State>,
  call: Call<Spec>,
  item: Json | undefined,
  what: string,
  known_as: string | null,
): Outcome => {
  const { declaration } = looking
  const external_id = idOf(item, declaration.id) ?? known_as ?? undefined
  if (declaration.id !== undefined && external_id === undefined) {
    throw new OutcomeUnknown(`${what} without an id at ${declaration.id}`)
  }
  const outputs = { ...call.outputs, ...pickExact(item, declaration.outputs ?? []) }
  return applied(stateAfter(looking, call, item), {
    ...(external_id === undefined ? {} : { external_id }),
    outputs,
  })
}

/**
 * Done once, and nothing is there any more. That is what a delete wants, and what a token answers for a
 * call whose effect was removed since. By a status alone nobody can tell that of an update.
 */
const goneOf = <Spec, State>(
  looking: Looking<Spec, State>,
  call: Call<Spec>,
  answer: Answer,
): Outcome => {
  const { spec, codes } = looking.declaration
  if (call.verb === 'delete') return applied(null)
  const by_code = answer.code !== undefined && codes?.[answer.code] === 'gone'
  if (call.verb === 'create' || by_code) return applied(spec.encode(call.spec), { gone: true })
  throw new OutcomeUnknown(refusalOf(answer))
}

const outcomeOf = <Spec, State>(
  looking: Looking<Spec, State>,
  endpoint: HttpCall<Spec>,
  call: Call<Spec>,
  answer: Answer,
): Outcome => {
  const { declaration } = looking
  const { operation, statuses } = declaration
  const rules = { ...declaration, statuses: statusesOf(operation, endpoint, statuses) }
  const { status } = answer.reply
  const verdict = verdictOf({ verb: call.verb, status, code: answer.code }, rules)
  switch (verdict) {
    case 'applied':
      return appliedOf(looking, call, answer)
    case 'accepted':
      return acceptedOf(looking, call, answer)
    case 'gone':
      return goneOf(looking, call, answer)
    case 'rejected':
      return rejected(refusalOf(answer))
    case 'retry':
      return rejected(refusalOf(answer), retryOf(answer.reply, call.now))
    case 'unknown':
      throw unknownAfter(answer.reply, refusalOf(answer))
  }
}

/**
 * An effect whose answer never came has no id yet: it is looked up by name, before anything is sent.
 * A look that fails leaves the call unsent.
 */
const withId = async <Spec, State>(
  looking: Looking<Spec, State>,
  endpoint: HttpCall<Spec>,
  call: Call<Spec>,
): Promise<Call<Spec> | Outcome> => {
  if (call.external_id !== null || !needsExternalId(endpoint.path)) return call
  const missing = `${looking.declaration.kind}/${call.name} is not there`
  try {
    const sighting = await reader(looking)(call)
    if (sighting === null) return call.verb === 'delete' ? applied(null) : rejected(missing)
    return { ...call, external_id: sighting.external_id ?? null }
  } catch (error) {
    throw error instanceof NotSent ? error : notSent(`no id, and ${(error as Error).message}`)
  }
}

const caller =
  <Spec, State>(looking: Looking<Spec, State>, endpoint: HttpCall<Spec> | undefined) =>
  async (call: Call<Spec>): Promise<Outcome> => {
    const { declaration, ask } = looking
    if (endpoint === undefined) return rejected(`a ${declaration.kind} cannot be changed`)
    const known = await withId(looking, endpoint, call)
    if ('type' in known) return known
    try {
      const body = bodyOf(declaration, endpoint, known)
      return outcomeOf(looking, endpoint, known, await ask(endpoint, known, { body }))
    } catch (error) {
      // Neither was ever sent, nor can be the next time.
      if (error instanceof TemplateUnfilled || error instanceof RequestInvalid) {
        return rejected(`${declaration.kind}/${call.name}: ${error.message}`)
      }
      throw error
    }
  }

/** An account is had with an API: its host, where nothing else is said and the host is no secret. */
const traitsOf = ({
  base_url,
  traits,
}: Pick<HttpDeclaration<unknown>, 'base_url' | 'traits'>): Traits => ({
  ...defaultTraits,
  ...(typeof base_url === 'string' ? { account: new URL(base_url).host } : {}),
  ...traits,
})

/**
 * A provider for one REST resource. Throws a ForewordError when the declaration cannot work.
 * Its calls return `rejected` for what certainly did not happen, throw NotSent for what never left, and
 * throw for everything that nobody can know; messages never show a secret.
 */
export const httpProvider = <Spec, State = Spec>(
  declaration: HttpDeclaration<Spec, State>,
): Provider<Spec, State> => {
  checkDeclaration(declaration)
  const { kind, spec, operation } = declaration
  const traits = traitsOf(declaration)
  // Without a codec of its own the state is shaped like the spec: State defaults to Spec.
  const state = declaration.state_codec ?? (spec as unknown as Provider<Spec, State>['state'])
  const looking: Looking<Spec, State> = {
    declaration,
    provider_state: state,
    stateOf: stateReader(kind, state, declaration.state),
    ask: asker(declaration, traits),
  }
  for (const verb of ['create', 'update', 'delete']) {
    if (declaration.calls?.[verb] === undefined) continue
    throw new ForewordError(`${verb} is no call of one's own`, { where: `provider of ${kind}` })
  }
  const calls = Object.entries(declaration.calls ?? {}).map(
    ([verb, endpoint]) => [verb, caller(looking, endpoint)] as const,
  )
  return {
    kind,
    spec,
    state,
    traits,
    ...(declaration.names === undefined ? {} : { names: declaration.names }),
    ...(declaration.immutable === undefined ? {} : { immutable: declaration.immutable }),
    create: caller(looking, declaration.create),
    update: caller(looking, declaration.update),
    delete: caller(looking, declaration.delete),
    read: reader(looking),
    ...(declaration.find === undefined ? {} : { find: finder(looking) }),
    ...(operation === undefined
      ? {}
      : {
          poll: poller(looking, operation, (call, item) =>
            shownAs(looking, call, item, `${kind}/${call.name}: it is done`, call.external_id),
          ),
        }),
    ...(declaration.list === undefined ? {} : { list: lister(looking, declaration.list) }),
    ...(calls.length === 0 ? {} : { calls: Object.fromEntries(calls) }),
  }
}
