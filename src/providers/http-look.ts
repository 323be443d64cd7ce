/** Looking through a declared REST resource: read, find by key, list. */
import * as E from 'fp-ts/lib/Either.js'
import { isJsonObject, type Json } from '../domain/json.ts'
import type { Call, Listed, ListLook, Look, Provider, Sighting } from '../domain/provider.ts'
import { canonical } from './http-codec.ts'
import type { HttpDeclaration, HttpItems, HttpList } from './http-declaration.ts'
import type { Answer, Ask } from './http-request.ts'
import { at, needsExternalId, pickExact, textAt } from './http-template.ts'
import { unknownAfter, type Rules } from './http-verdict.ts'
import { OutcomeUnknown } from './transport.ts'

export interface Looking<Spec, State> {
  readonly declaration: HttpDeclaration<Spec, State>
  readonly provider_state: Provider<Spec, State>['state']
  readonly stateOf: (body: { readonly [key: string]: Json }) => Json
  readonly ask: Ask
}

/** An empty one names nothing. */
export const idOf = (item: Json | undefined, path: string | undefined): string | undefined => {
  const found = path === undefined ? undefined : textAt(item, path)
  return found === '' ? undefined : found
}

const conditionOf = (
  item: Json,
  ready: HttpDeclaration<unknown>['ready'],
): Sighting['condition'] | 'gone' => {
  const found = ready === undefined ? undefined : at(item, ready.path)
  if (ready === undefined || found === undefined) return 'ready'
  // As text, like the status of an operation: many an API says `ready: false`, or 3.
  const status = typeof found === 'string' ? found : JSON.stringify(found)
  if (ready.gone?.includes(status) === true) return 'gone'
  if (ready.pending?.includes(status) === true) return 'pending'
  return ready.failed?.includes(status) === true ? 'failed' : 'ready'
}

/** One resource of an answer as a sighting; null: it is shown as gone. Throws where it is not what was declared. */
const sightingOf = <Spec, State>(
  looking: Looking<Spec, State>,
  item: Json | undefined,
  label: string,
): Sighting | null => {
  const { declaration, provider_state, stateOf } = looking
  if (!isJsonObject(item))
    throw new OutcomeUnknown(`${label}: the answer shows no ${declaration.kind}`)
  const condition = conditionOf(item, declaration.ready)
  if (condition === 'gone') return null
  const state = canonical(provider_state, stateOf(item))
  if (E.isLeft(state)) {
    throw new OutcomeUnknown(`${label}: the state does not fit its codec: ${state.left}`)
  }
  const external_id = idOf(item, declaration.id)
  const revision = idOf(item, declaration.revision)
  if (declaration.id !== undefined && external_id === undefined) {
    throw new OutcomeUnknown(`${label}: the answer has no id at ${declaration.id}`)
  }
  return {
    state: state.right,
    ...(external_id === undefined ? {} : { external_id }),
    ...(declaration.outputs === undefined ? {} : { outputs: pickExact(item, declaration.outputs) }),
    ...(revision === undefined ? {} : { revision }),
    ...(condition === undefined ? {} : { condition }),
  }
}

/** Throws unless the answer can be believed; false: it says that there is none. */
const shows = ({ codes = {} }: Pick<Rules, 'codes'>, answer: Answer): boolean => {
  const { status } = answer.reply
  if (status >= 200 && status < 300) return true
  // A declared code decides alone: a 404 for a wrong path must not pass for an absent resource.
  const declared = answer.code === undefined ? undefined : codes[answer.code]
  const absent = declared === undefined ? status === 404 || status === 410 : declared === 'gone'
  if (absent) return false
  throw unknownAfter(answer.reply, refusalOf(answer))
}

/** `POST /v1/vms: 409 quota_exceeded: no cores left` */
export const refusalOf = ({ label, reply, code, message }: Answer): string =>
  [`${label}: ${reply.status}${code === undefined ? '' : ` ${code}`}`, message]
    .filter((part) => part !== '')
    .join(': ')

const itemsOf = (answer: Answer, path: string | undefined): readonly Json[] => {
  const items = at(answer.body, path ?? '')
  // So Go writes a list that has nothing in it.
  if (items === null) return []
  if (Array.isArray(items)) return items as readonly Json[]
  throw new OutcomeUnknown(`${answer.label}: the answer has no list at ${path ?? 'its top'}`)
}

/** The only one, or null. Several under one name cannot be told apart, and guessing would act on another's. */
const only = (sightings: readonly Sighting[], what: string): Sighting | null => {
  if (sightings.length <= 1) return sightings[0] ?? null
  const ids = sightings.slice(0, 5).map(({ external_id }) => external_id ?? '?')
  throw new Error(`${what}: ${sightings.length} of them, ids ${ids.join(', ')}; remove all but one`)
}

/** All pages of a list, one request at a time. */
const pages = async function* <Spec, State>(
  looking: Looking<Spec, State>,
  endpoint: HttpList | HttpItems,
  look: Look & Pick<ListLook, 'from' | 'turn'>,
): AsyncGenerator<readonly [Answer, readonly Json[], string | undefined]> {
  const next = 'next' in endpoint ? endpoint.next : undefined
  const seen = new Set<string>()
  let query = endpoint.query ?? {}
  let page: string | undefined
  let token = look.from
  for (let first = true; ; first = false) {
    if (next !== undefined && token !== undefined) {
      if ('url' in next) page = token
      else query = { ...query, [next.query]: token }
    }
    if (!first) await look.turn?.()
    const options = page === undefined ? {} : { page }
    const answer: Answer = await looking.ask({ ...endpoint, query }, look, options)
    if (!shows(looking.declaration, answer)) return
    yield [answer, itemsOf(answer, endpoint.items), token]
    const following =
      next === undefined ? '' : textAt(answer.body, 'url' in next ? next.url : next.cursor)
    if (next === undefined || following === undefined || following === '') return
    // A page that names itself as the next would be listed for ever.
    if (seen.has(following))
      throw new OutcomeUnknown(`${answer.label}: the list goes round in a circle`)
    seen.add(following)
    token = 'url' in next ? pageOf(following, answer) : following
  }
}

/** Path and query only: the credentials go to the declared origin, whatever an answer asks for. */
export const pageOf = (url: string, { label, path }: Answer): string => {
  const parsed = URL.parse(url, `http://same.invalid${path}`)
  if (parsed === null) throw new OutcomeUnknown(`${label}: the next page is no URL`)
  return `${parsed.pathname}${parsed.search}`
}

const byName = async <Spec, State>(
  looking: Looking<Spec, State>,
  endpoint: HttpItems,
  look: Look,
): Promise<Sighting | null> => {
  const found: Sighting[] = []
  for await (const [answer, items] of pages(looking, endpoint, look)) {
    for (const item of items) {
      if (at(item, endpoint.name ?? 'name') !== look.name) continue
      const sighting = sightingOf(looking, item, answer.label)
      if (sighting !== null) found.push(sighting)
    }
  }
  return only(found, `${looking.declaration.kind}/${look.name} is ambiguous`)
}

/** What the API shows; by name where no id is known yet. Throws where it cannot tell. */
export const reader =
  <Spec, State>(looking: Looking<Spec, State>) =>
  async (look: Look): Promise<Sighting | null> => {
    const { declaration, ask } = looking
    if (look.external_id === null && needsExternalId(declaration.read.path)) {
      const endpoint = declaration.read_by_name ?? declaration.list
      if (endpoint !== undefined) return byName(looking, endpoint, look)
      throw new Error(
        `${declaration.kind}/${look.name}: its id is not known, and nothing declares how to look by name`,
      )
    }
    const answer = await ask(declaration.read, look)
    if (!shows(declaration, answer)) return null
    return sightingOf(looking, at(answer.body, declaration.item ?? ''), answer.label)
  }

/** What the call with this key left behind. */
export const finder =
  <Spec, State>(looking: Looking<Spec, State>) =>
  async (call: Call<Spec>): Promise<Sighting | null> => {
    const endpoint = looking.declaration.find
    if (endpoint === undefined) throw new Error('nothing declares how to find by key')
    const { key } = endpoint
    const found: Sighting[] = []
    for await (const [answer, items] of pages(looking, endpoint, call)) {
      for (const item of items) {
        if (key !== undefined && at(item, key) !== call.idempotency_key) continue
        const sighting = sightingOf(looking, item, answer.label)
        if (sighting !== null) found.push(sighting)
      }
    }
    return only(found, `${looking.declaration.kind} with key ${call.idempotency_key} is ambiguous`)
  }

/** All of the kind in a scope, page after page. */
export const lister = <Spec, State>(looking: Looking<Spec, State>, endpoint: HttpList) =>
  async function* (look: ListLook): AsyncGenerator<Listed> {
    const nameless: Look & ListLook = { ...look, name: '', external_id: null, outputs: {} }
    for await (const [answer, items, page] of pages(looking, endpoint, nameless)) {
      for (const item of items) {
        const name = at(item, endpoint.name ?? 'name')
        const sighting = sightingOf(looking, item, answer.label)
        if (sighting === null || typeof name !== 'string') continue
        yield { ...sighting, name, ...(page === undefined ? {} : { page }) }
      }
    }
  }
