/** Operations of a REST API that answers "accepted": which one it is, and how it stands with it. */
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import {
  accepted,
  applied,
  rejected,
  unknown,
  type Call,
  type Outcome,
} from '../domain/provider.ts'
import type { HttpCall, HttpOperation } from './http-declaration.ts'
import { idOf, pageOf, reader, refusalOf, type Looking } from './http-look.ts'
import type { Answer } from './http-request.ts'
import { at, textAt } from './http-template.ts'
import { retryAfter, unknownAfter, type Rules } from './http-verdict.ts'
import { OutcomeUnknown } from './transport.ts'

/** Without a declaration of its own, the status for "accepted" means just that where operations are declared. */
export const statusesOf = (
  operation: HttpOperation | undefined,
  of: Pick<HttpCall, 'statuses'>,
  declared: Rules['statuses'],
): NonNullable<Rules['statuses']> => ({
  ...(operation === undefined ? {} : { 202: 'accepted' as const }),
  ...declared,
  ...of.statuses,
})

const headerOf = (answer: Answer, name: string): string | undefined => {
  const value = answer.reply.headers[name.toLowerCase()]
  return Array.isArray(value) ? value[0] : value
}

const asked = (answer: Answer, now: Date): { poll_after_ms?: number } =>
  headerOf(answer, 'retry-after') === undefined
    ? {}
    : { poll_after_ms: retryAfter(answer.reply, now) }

/** The operation that a call was answered with. One that nobody can ask for is as good as no answer. */
export const acceptedOf = <Spec, State>(
  { declaration }: Looking<Spec, State>,
  call: Call<Spec>,
  answer: Answer,
): Outcome => {
  const { operation: declared } = declaration
  if (declared === undefined)
    throw new OutcomeUnknown(`${answer.label}: accepted, and no operation is declared`)
  const { id } = declared
  const found = typeof id === 'string' ? textAt(answer.body, id) : headerOf(answer, id.header)
  if (found === undefined || found === '') {
    const where = typeof id === 'string' ? `at ${id}` : `in the header ${id.header}`
    throw new OutcomeUnknown(`${answer.label}: accepted, but no operation ${where}`)
  }
  const operation = declared.poll === undefined ? pageOf(found, answer) : found
  const external_id = idOf(at(answer.body, declaration.item ?? ''), declaration.id)
  return accepted(operation, {
    ...(external_id === undefined ? {} : { external_id }),
    ...asked(answer, call.now),
  })
}

/** What came of it once it is done: what the answer shows, or else what a read does. */
const doneOf = async <Spec, State>(
  looking: Looking<Spec, State>,
  call: Call<Spec>,
  answer: Answer,
  appliedOf: (call: Call<Spec>, item: JsonObject) => Outcome,
): Promise<Outcome> => {
  const { declaration } = looking
  if (call.verb === 'delete') return applied(null)
  const { result } = declaration.operation ?? {}
  const item = result === undefined ? undefined : at(answer.body, result)
  if (isJsonObject(item)) return appliedOf(call, item)
  const seen = await reader(looking)(call)
  const state = declaration.spec.encode(call.spec)
  if (seen === null) {
    // It shows late. Its id, where it has one, must be known by then.
    if (declaration.id === undefined || call.external_id !== null) return applied(state)
    throw new OutcomeUnknown(
      `${answer.label}: done, but ${declaration.kind}/${call.name} does not show yet`,
    )
  }
  return applied(seen.condition === 'pending' ? state : seen.state, {
    ...(seen.external_id === undefined ? {} : { external_id: seen.external_id }),
    outputs: { ...call.outputs, ...seen.outputs },
  })
}

const nameOf = (operation: Json): string =>
  typeof operation === 'string' ? operation : JSON.stringify(operation)

/** Asks for an operation. Throws where this cannot be told now. */
export const poller =
  <Spec, State>(
    looking: Looking<Spec, State>,
    declared: HttpOperation,
    appliedOf: (call: Call<Spec>, item: JsonObject) => Outcome,
  ) =>
  async (call: Call<Spec> & { readonly operation: Json }): Promise<Outcome> => {
    const name = nameOf(call.operation)
    const of: Call<Spec> & { readonly operation: string } = { ...call, operation: name }
    const path = name.replace(/\?.*$/s, '').replaceAll('{', '%7B')
    const answer =
      declared.poll === undefined
        ? await looking.ask({ path }, of, { page: name })
        : await looking.ask(declared.poll, of)
    const { status } = answer.reply
    if (status === 404 || status === 410) return unknown(`operation ${name} is not known any more`)
    // "See other": it is done, and what came of it is somewhere else.
    if (status === 303) return doneOf(looking, call, answer, appliedOf)
    if (status < 200 || status > 299) throw unknownAfter(answer.reply, refusalOf(answer))
    const found = declared.status === undefined ? undefined : at(answer.body, declared.status)
    const stands = typeof found === 'string' ? found : JSON.stringify(found ?? null)
    const why = textAt(answer.body, declared.error ?? 'error.message')
    const told = `operation ${name} is ${stands}${why === undefined ? '' : `: ${why}`}`
    if (declared.failed?.includes(stands) === true) return rejected(told)
    if (declared.unknown?.includes(stands) === true) return unknown(told)
    const is_done =
      declared.status === undefined ? status !== 202 : declared.done?.includes(stands) === true
    return is_done
      ? doneOf(looking, call, answer, appliedOf)
      : accepted(call.operation, asked(answer, call.now))
  }
