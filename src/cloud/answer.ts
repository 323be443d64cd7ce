/** What the cloud answers, before it is put on the wire. */
import type { Json, JsonObject } from '../domain/json.ts'

export interface Answer {
  readonly status: number
  /** null: no body at all. */
  readonly body: Json
  readonly headers: { readonly [name: string]: string }
}

export const answer = (
  status: number,
  body: Json = null,
  headers: { readonly [name: string]: string } = {},
): Answer => ({ status, body, headers })

/** A refusal: nothing happened. `details` says which field, metric or id. */
export const refusal = (
  status: number,
  code: string,
  message: string,
  details: JsonObject = {},
  headers: { readonly [name: string]: string } = {},
): Answer => ({ status, body: { error: { code, message, ...details } }, headers })

export const notFound = (kind: string, id: string): Answer =>
  refusal(404, 'not_found', `there is no ${kind}/${id}`)
