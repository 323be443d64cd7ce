/** The one thing that is changed here: a person's ruling, sent by a form. */
import type { Context } from 'hono'
import type { WebReads, WebRulings } from '../domain/web-story-ports.ts'
import type { WebEnv } from './guard.ts'
import { inTime } from './live.ts'
import { intentMain } from './intent.ts'
import { missing, type Page } from './pages.ts'
import { intentLink } from './parts.ts'
import { isConfirmed, requestOf, type Said } from './ruling-form.ts'

/** Several times what the longest note takes. */
const form_max_bytes = 64 * 1024

export interface RuleOptions {
  readonly reads: WebReads
  readonly rulings: WebRulings
  readonly person: string
}

export type Answer =
  | { readonly type: 'ruled'; readonly to: string }
  | {
      readonly type: 'page'
      readonly page: Omit<Page, 'status'>
      readonly status: 400 | 404 | 409 | 413 | 415 | 422
    }

const broken = (says: string, then: string, status: 400 | 413 | 415): Answer => ({
  type: 'page',
  page: missing(says, then),
  status,
})

/** The form again, with what was typed, and why it did not do. */
const again = async (
  { reads, person }: RuleOptions,
  intent: number,
  said: Said,
  status: 409 | 422,
): Promise<Answer> => {
  const story = await inTime(reads.intent(intent))
  if (story === null) {
    return { type: 'page', page: missing('There is no such intent', said.remedy), status: 404 }
  }
  return {
    type: 'page',
    page: { title: said.problem, main: intentMain(story, person, { said }) },
    status,
  }
}

const bodyOf = async (context: Context<WebEnv>): Promise<URLSearchParams | Answer> => {
  const type = (context.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    return broken(
      'This is no form',
      'Send it as application/x-www-form-urlencoded, as the page does.',
      415,
    )
  }
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of (context.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    parts.push(part)
    size += part.byteLength
    if (size > form_max_bytes) return broken('The form is too long', 'Say it in fewer words.', 413)
  }
  return new URLSearchParams(Buffer.concat(parts).toString('utf8'))
}

export const answerRuling = async (
  context: Context<WebEnv>,
  options: RuleOptions,
): Promise<Answer> => {
  const form = await bodyOf(context)
  if (!(form instanceof URLSearchParams)) return form
  const request = requestOf(form)
  if (request === null) {
    return broken(
      'The form is not whole',
      'It needs an intent and a ruling: send it from the page.',
      400,
    )
  }
  const said = (problem: string, remedy: string): Said => ({
    problem,
    remedy,
    fields: Object.fromEntries(form),
  })
  const story = await inTime(options.reads.intent(request.intent))
  if (story === null || story.intent.cause !== 'intent') {
    return {
      type: 'page',
      page: missing('There is no such intent', 'See the doubts.'),
      status: 404,
    }
  }
  if (!isConfirmed(form.get('confirm') ?? '', request.ruling, story.intent.name)) {
    const remedy = `Type ${story.intent.name}, or ${request.ruling}, into the last field. Nothing was changed.`
    return again(options, request.intent, said('It is not confirmed', remedy), 422)
  }
  const result = await options.rulings.rule(request)
  if (result.type === 'refused') {
    return again(
      options,
      request.intent,
      said(result.why, `${result.remedy} Nothing was changed.`),
      409,
    )
  }
  return { type: 'ruled', to: `${intentLink(request.intent)}&ruled=${request.ruling}` }
}
