/** From a declaration and a call to one request and its answer. */
import { isJsonObject, type Json } from '../domain/json.ts'
import {
  isStateVerb,
  notSent,
  type Call,
  type Look,
  type Secret,
  type Secrets,
} from '../domain/provider.ts'
import {
  parseBaseUrl,
  templatesOfHeader,
  type BaseUrl,
  type Headers,
  type HeaderValue,
  type HttpCall,
  type HttpDeclaration,
  type HttpLook,
} from './http-declaration.ts'
import { parseJson } from './http-json.ts'
import { fill, fillPath, needsCall, textAt } from './http-template.ts'
import { hidden } from './hide.ts'
import { OutcomeUnknown, send, type Reply } from './transport.ts'

export interface Answer {
  readonly reply: Reply
  /** The body; undefined where it is empty or, in a refusal, no JSON. */
  readonly body: Json | undefined
  /** Error code and text of a refusal, secrets hidden. */
  readonly code: string | undefined
  readonly message: string
  /** `POST /v1/vms`: what messages begin with. */
  readonly label: string
  /** Path and query that were asked for. */
  readonly path: string
}

/** Resolves references and remembers what came out, so that no message shows it. */
class Resolver {
  readonly #secrets: Secrets
  readonly values: string[] = []

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  resolve(reference: Secret): string {
    let value: string
    try {
      value = this.#secrets(reference)
    } catch {
      // Nothing was sent; and whoever sets the secret wants the intent to go on by itself.
      throw notSent(`the secret ${reference.secret} ${reference.name} cannot be read`)
    }
    this.values.push(value)
    return value
  }
}

const headerOf = (value: HeaderValue, of: Look | Call, resolver: Resolver): string => {
  if (typeof value === 'string') return fill(value, of)
  if ('literal' in value) {
    resolver.values.push(value.literal)
    return value.literal
  }
  const parts = 'secret' in value ? [value] : value
  return parts
    .map((part) => (typeof part === 'string' ? fill(part, of) : resolver.resolve(part)))
    .join('')
}

const isCall = (of: Look | Call): of is Call => 'idempotency_key' in of

/** A declared header, what can be known of it before a call. */
interface Header {
  readonly name: string
  readonly value: HeaderValue
  /** It carries the key, which a look has none of: looks are sent without. */
  readonly calls_only: boolean
}

const headersIn = (declared: Headers | undefined): readonly Header[] =>
  Object.entries(declared ?? {}).map(([name, value]) => ({
    name: name.toLowerCase(),
    value,
    calls_only: templatesOfHeader(value).some(needsCall),
  }))

/** The headers of a declaration and of one of its endpoints, in the order in which the later ones win. */
const headersOfEndpoints = ({ headers, idempotency, generation }: Wire) => {
  const keys: Headers = {
    ...(idempotency === undefined ? {} : { [idempotency.header]: '{idempotency_key}' }),
    ...(generation === undefined ? {} : { [generation.header]: '{generation}' }),
  }
  const shared = [...headersIn(headers), ...headersIn(keys)]
  const known = new WeakMap<HttpLook, readonly Header[]>()
  return (endpoint: HttpLook): readonly Header[] => {
    const before = known.get(endpoint)
    if (before !== undefined) return before
    const all = [...shared, ...headersIn(endpoint.headers)]
    known.set(endpoint, all)
    return all
  }
}

const addHeaders = (
  to: Record<string, string>,
  declared: readonly Header[],
  of: Look | Call,
  resolver: Resolver,
): void => {
  const is_call = isCall(of)
  for (const { name, value, calls_only } of declared) {
    if (is_call || !calls_only) to[name] = headerOf(value, of, resolver)
  }
}

const queryOf = (query: HttpLook['query'], of: Look | Call): string => {
  const entries = Object.entries(query ?? {}).map(([name, value]): [string, string] => [
    name,
    fill(value, of),
  ])
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries).toString()}`
}

/** The body of a call as declared; undefined: none. */
export const bodyOf = <Spec, State>(
  declaration: HttpDeclaration<Spec, State>,
  endpoint: HttpCall<Spec>,
  call: Call<Spec>,
): Json | undefined => {
  const { body } = endpoint
  if (typeof body === 'function') return body(call)
  if (body === 'none') return undefined
  if (body === 'args') return call.args ?? null
  const has_args = (call.args ?? null) !== null && !isStateVerb(call.verb)
  if (body === undefined && has_args) return call.args
  if (body === undefined && endpoint.method === 'DELETE') return undefined
  const spec = declaration.spec.encode(call.spec)
  return body === 'spec' || !isJsonObject(spec) ? spec : { name: call.name, ...spec }
}

export type Ask = (
  endpoint: HttpLook,
  of: Look | Call,
  options?: {
    readonly body?: Json | undefined
    /** Path and query of another page, instead of the endpoint's own. */
    readonly page?: string
  },
) => Promise<Answer>

/** The parts of a declaration that say how to talk to its API at all. */
export type Wire = Pick<
  HttpDeclaration<unknown>,
  | 'kind'
  | 'base_url'
  | 'headers'
  | 'idempotency'
  | 'generation'
  | 'code'
  | 'message'
  | 'connections'
  | 'body_bytes_max'
>

/** Sends what an endpoint declares. Throws NotSent, RequestInvalid, TemplateUnfilled (nothing was sent) or OutcomeUnknown. */
export const asker = (
  declaration: Wire,
  traits: { readonly call_timeout_ms: number; readonly concurrency: number },
): Ask => {
  const { base_url } = declaration
  const parsed = (url: string): BaseUrl => parseBaseUrl(url, `provider of ${declaration.kind}`)
  const fixed = typeof base_url === 'string' ? parsed(base_url) : null
  const headersOf = headersOfEndpoints(declaration)
  return async (endpoint, of, options = {}) => {
    const resolver = new Resolver(of.secrets)
    const base = fixed ?? parsed(resolver.resolve(base_url as Secret))
    if (base.authorization !== undefined) resolver.values.push(base.authorization.slice(6))
    const path = fillPath(endpoint.path, of)
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(base.authorization === undefined ? {} : { authorization: base.authorization }),
    }
    addHeaders(headers, headersOf(endpoint), of, resolver)
    const method = endpoint.method ?? 'GET'
    const target = options.page ?? `${base.path}${path}${queryOf(endpoint.query, of)}`
    const reply = await send({
      method,
      origin: base.origin,
      path: target,
      headers,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      signal: of.signal,
      timeout_ms: traits.call_timeout_ms,
      connections: declaration.connections ?? traits.concurrency,
      ...(declaration.body_bytes_max === undefined
        ? {}
        : { body_bytes_max: declaration.body_bytes_max }),
      hide: resolver.values,
    })
    const label = hidden(`${method} ${path}`, resolver.values)
    return { ...answerOf(reply, declaration, label, resolver.values), path: target }
  }
}

const answerOf = (
  reply: Reply,
  paths: { readonly code?: string; readonly message?: string },
  label: string,
  hide: readonly string[],
): Omit<Answer, 'path'> => {
  const json = reply.body.trim() === '' ? { json: undefined } : parseJson(reply.body)
  const done = reply.status >= 200 && reply.status < 300
  if (json === null && done) {
    throw new OutcomeUnknown(`${label}: the answer to ${reply.status} is no JSON`)
  }
  const body = json?.json
  const message =
    textAt(body, paths.message ?? 'error.message') ?? (json === null ? reply.body : '')
  return {
    reply,
    body,
    code: done ? undefined : textAt(body, paths.code ?? 'error.code'),
    message: done ? '' : hidden(message, hide),
    label,
  }
}
