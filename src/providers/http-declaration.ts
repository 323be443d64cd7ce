/** The shape of a declared REST resource. Templates may name {external_id}, {name}, {scope}, {outputs.…} and,
 * in calls, {idempotency_key}, {generation}, {verb}. Paths are dotted: `server.addresses.0`. */
import type * as t from 'io-ts'
import { ForewordError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import type { Call, Secret, Traits } from '../domain/provider.ts'
import type { StateOf } from './http-codec.ts'
import { checkTemplate, type Paths } from './http-template.ts'
import type { Rules } from './http-verdict.ts'

/**
 * A template, a secret, or parts to be joined: `['Bearer ', secret.env('TOKEN')]`. A `literal` is sent as
 * it is, and hidden like a secret.
 */
export type HeaderValue =
  string | Secret | { readonly literal: string } | readonly (string | Secret)[]
export type Headers = { readonly [name: string]: HeaderValue }
export type Query = { readonly [name: string]: string }

export interface HttpLook {
  /** Default GET. */
  readonly method?: string
  readonly path: string
  readonly query?: Query
  readonly headers?: Headers
}

export interface HttpCall<Spec = unknown> extends HttpLook {
  readonly method: string
  /**
   * Default: `{ name, ...spec }`, nothing for DELETE, and for an own verb that is called with args just these.
   * `none`: no body.
   */
  readonly body?: 'none' | 'spec' | 'args' | ((call: Call<Spec>) => Json)
  /** What a status means for this call, before what it means for all. */
  readonly statuses?: Rules['statuses']
}

export interface HttpItems extends HttpLook {
  /** Path of the array in the answer; '' (default): the answer is the array. */
  readonly items?: string
  /** Path of the resource's name in an item. Default `name`. */
  readonly name?: string
}

export interface HttpFind extends HttpItems {
  /** Path of the idempotency key in an item: checked, since many an API ignores a filter it does not know. */
  readonly key?: string
}

export interface HttpList extends HttpItems {
  /** How the next page is asked for: a cursor of the answer goes into a query parameter, or the answer has the URL. */
  readonly next?:
    { readonly cursor: string; readonly query: string } | { readonly url: string } | undefined
}

export interface HttpReady {
  /** Path of the status in the resource; a number or a boolean counts as its text (`'false'`). */
  readonly path: string
  readonly pending?: readonly string[]
  readonly failed?: readonly string[]
  /** Values that stand for absence: some APIs show what they have deleted for an hour. */
  readonly gone?: readonly string[]
}

/** How an API tells of what it accepts (202) and does later. */
export interface HttpOperation {
  /** Where the answer names the operation: a path in the body, or a header (`location`). */
  readonly id: string | { readonly header: string }
  /** How it is asked for, `{operation}` standing for the id. Absent: the id is its URL. */
  readonly poll?: HttpLook
  /** Path of its status in the answer to that. Absent: it is done once the answer is 2xx and no 202. */
  readonly status?: string
  /** Values of the status, as texts: it is done; it failed, and certainly nothing came of it; nobody knows what. */
  readonly done?: readonly string[]
  readonly failed?: readonly string[]
  readonly unknown?: readonly string[]
  /** Path of the text that says why. Default `error.message`. */
  readonly error?: string
  /** Path of the resource in the answer once it is done. Absent: it is read. */
  readonly result?: string
}

/** A REST resource as it is declared. */
export interface HttpDeclaration<Spec, State = Spec> extends Rules {
  readonly kind: string
  readonly spec: t.Type<Spec, Json>
  /** Codec of what is read. Default: the spec's. Make it looser than the spec where the world may be odder. */
  readonly state_codec?: t.Type<State, Json>
  readonly base_url: string | Secret
  readonly headers?: Headers
  readonly traits?: Partial<Traits>
  readonly create: HttpCall<Spec>
  readonly read: HttpLook
  /** Absent: the kind cannot be changed, an update is rejected. */
  readonly update?: HttpCall<Spec>
  readonly delete: HttpCall<Spec>
  /** Actions that are not states: reboot, rotate. */
  readonly calls?: { readonly [verb: string]: HttpCall<Spec> }
  /** Where calls carry their idempotency key. `headers` with {idempotency_key} do the same for others. */
  readonly idempotency?: { readonly header: string }
  /** Where calls carry the resource's version, for APIs that refuse an older one. */
  readonly generation?: { readonly header: string }
  /** Path of the resource inside an answer: `server` for `{"server": {…}}`. Default: the answer is the resource. */
  readonly item?: string
  /** Path of the external id in the resource. Absent: the name is the id. */
  readonly id?: string
  /** Where the state is in the resource. Default: the codec's keys, as far as they are there. */
  readonly state?: StateOf
  readonly outputs?: Paths
  /** `free`: the API allows two of one name, and tells them apart by `id`. Default: `unique`. */
  readonly names?: 'free' | 'unique'
  /** Path patterns of the spec that no update can change: a change there replaces the resource. */
  readonly immutable?: readonly string[]
  /** Path of the API's own version of the resource. */
  readonly revision?: string
  readonly ready?: HttpReady
  /** Where a call may be answered "accepted". A 202 is, unless declared otherwise. */
  readonly operation?: HttpOperation
  readonly read_by_name?: HttpItems
  readonly find?: HttpFind
  readonly list?: HttpList
  /** Path of the error code in the body of a refusal. Default `error.code`. */
  readonly code?: string
  /** Path of the text for people there. Default `error.message`. */
  readonly message?: string
  /** Sockets per origin. Default: the trait `concurrency` of the first declaration that uses it. */
  readonly connections?: number
  readonly body_bytes_max?: number
}

const templatesOf = (look: HttpLook): readonly string[] => [
  look.path,
  ...Object.values(look.query ?? {}),
  ...Object.values(look.headers ?? {}).flatMap(templatesOfHeader),
]

export const templatesOfHeader = (value: HeaderValue): readonly string[] => {
  if (typeof value === 'string') return [value]
  return (Array.isArray(value) ? (value as readonly (string | Secret)[]) : []).filter(
    (part) => typeof part === 'string',
  )
}

/** Throws a ForewordError for what can be known to be wrong before the first call. */
export const checkDeclaration = <Spec, State>(of: HttpDeclaration<Spec, State>): void => {
  const where = `provider of ${of.kind}`
  const looks = [of.create, of.read, of.update, of.delete, ...Object.values(of.calls ?? {})]
  for (const look of [...looks, of.read_by_name, of.find, of.list]) {
    if (look === undefined) continue
    for (const template of templatesOf(look)) checkTemplate(template, where)
    if (look.path.startsWith('/') && !/[?#\s]/.test(look.path)) continue
    throw new ForewordError(`path ${look.path} does not start with / or has ?, # or a space`, {
      where,
      remedy: 'write the path only; what follows a ? belongs into `query`',
    })
  }
  for (const value of Object.values(of.headers ?? {})) {
    for (const template of templatesOfHeader(value)) checkTemplate(template, where)
  }
  checkOperation(of.operation, where)
  if (typeof of.base_url === 'string') parseBaseUrl(of.base_url, where)
  const { idempotency, token_valid_ms } = of.traits ?? {}
  if (idempotency === 'lookup' && of.find === undefined && of.id !== undefined) {
    throw new ForewordError('idempotency is lookup, but nothing can be looked up by its key', {
      where,
      remedy: 'declare `find`, or idempotency none',
    })
  }
  if (of.names === 'free' && of.id === undefined) {
    throw new ForewordError('names are free, but nothing else tells two of one name apart', {
      where,
      remedy: 'declare `id`, or leave `names` out',
    })
  }
  if (idempotency === 'token' && (token_valid_ms === undefined || token_valid_ms <= 0)) {
    throw new ForewordError('idempotency is token, but not how long a token is remembered', {
      where,
      remedy: 'declare the trait token_valid_ms',
    })
  }
}

const checkOperation = (of: HttpOperation | undefined, where: string): void => {
  if (of === undefined) return
  if (of.status !== undefined && (of.done ?? []).length === 0) {
    throw new ForewordError('an operation has a status, and nothing says which means done', {
      where,
      remedy: "declare done: ['DONE'], or leave status away where a 2xx means done",
    })
  }
  const { poll } = of
  if (poll === undefined) return
  for (const template of templatesOf(poll)) checkTemplate(template, where, ['operation'])
  if (templatesOf(poll).some((template) => template.includes('{operation}'))) return
  throw new ForewordError('how to poll names no {operation}', {
    where,
    remedy:
      "write poll: { path: '/operations/{operation}' }, or leave it away where the id is a URL",
  })
}

export interface BaseUrl {
  readonly origin: string
  readonly path: string
  /** The authorization header that credentials in the URL stand for. */
  readonly authorization: string | undefined
}

export const parseBaseUrl = (text: string, where: string): BaseUrl => {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ForewordError('base_url is no http or https URL', { where })
  }
  const { username, password } = url
  const userinfo = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const basic = `Basic ${Buffer.from(userinfo).toString('base64')}`
  return {
    origin: url.origin,
    path: url.pathname.replace(/\/+$/, ''),
    authorization: username === '' && password === '' ? undefined : basic,
  }
}
