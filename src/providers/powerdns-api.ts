/** The HTTP API of one PowerDNS Authoritative server, as far as zones and record sets need it. */
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import {
  notSent,
  NotSent,
  rejected,
  type Call,
  type Look,
  type Outcome,
  type Secret,
} from '../domain/provider.ts'
import { refusalOf } from './http-look.ts'
import { asker, type Answer, type Ask } from './http-request.ts'
import { at, textAt } from './http-template.ts'
import { retryOf, unknownAfter, verdictOf } from './http-verdict.ts'

/** A zone of a hundred thousand record sets comes as one answer. */
const body_bytes_max = 128 * 1024 * 1024
export const call_timeout_ms = 30_000
/** SQL backends write one at a time; more would only queue there. */
export const concurrency = 8

export interface Server {
  readonly url: string | Secret
  readonly api_key: string | Secret
  /** Default `localhost`, which every stand-alone server calls itself. */
  readonly server_id?: string
}

export interface Api {
  readonly ask: Ask
  /** Path of the server's zones. */
  readonly zones: string
  /** Path of the server's own settings. */
  readonly config: string
}

const pathOf = (server: Server): string =>
  `/api/v1/servers/${encodeURIComponent(server.server_id ?? 'localhost')}`

export const powerdnsApi = (server: Server): Api => ({
  ask: asker(
    {
      kind: 'powerdns',
      base_url: server.url,
      headers: {
        'x-api-key':
          typeof server.api_key === 'string' ? { literal: server.api_key } : server.api_key,
      },
      message: 'error',
      body_bytes_max,
    },
    { call_timeout_ms, concurrency },
  ),
  zones: `${pathOf(server)}/zones`,
  config: `${pathOf(server)}/config`,
})

/** Path of a zone. PowerDNS escapes by `=2F` what a path cannot hold. */
export const zonePath = (api: Api, zone: string): string => {
  const id = zone === '.' ? '=2E' : zone.replace(/[^A-Za-z0-9._-]/g, escaped)
  return `${api.zones}/${id}`
}

const escaped = (char: string): string =>
  [...Buffer.from(char)]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')

export const isDone = ({ reply }: Answer): boolean => reply.status >= 200 && reply.status < 300

/** What a refused write means. Throws where nobody can tell. */
export const refused = (answer: Answer, call: Call): Outcome => {
  const { status } = answer.reply
  const verdict = verdictOf({ verb: call.verb, status, code: undefined }, {})
  if (verdict === 'rejected') return rejected(refusalOf(answer))
  if (verdict !== 'retry') throw unknownAfter(answer.reply, refusalOf(answer))
  return rejected(refusalOf(answer), retryOf(answer.reply, call.now))
}

/** GET; undefined: the server says that there is none. Throws where it cannot tell. */
export const get = async (
  api: Api,
  path: string,
  look: Look,
  query: { readonly [name: string]: string } = {},
): Promise<Json | undefined> => {
  const answer = await api.ask({ path, query: literal(query) }, look)
  // 422: the name can be no zone's or record set's at all, so there is none.
  if (answer.reply.status === 404 || answer.reply.status === 422) return undefined
  if (!isDone(answer) || answer.body === undefined) {
    throw unknownAfter(answer.reply, refusalOf(answer))
  }
  return answer.body
}

// Queries are templates; a brace in a name would be taken for one, and no DNS name needs it.
const literal = (query: { readonly [name: string]: string }): { readonly [name: string]: string } =>
  Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, value.replaceAll('{', '%7B')]),
  )

/** A look that a write needs beforehand: if it fails, the write was not sent. */
export const beforehand = async <A>(look: () => Promise<A>): Promise<A> => {
  try {
    return await look()
  } catch (error) {
    if (error instanceof NotSent) throw error
    throw notSent(`a look beforehand failed: ${error instanceof Error ? error.message : '?'}`)
  }
}

/** One record set as the API shows it. */
export interface RRset {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly records: readonly { readonly content: string; readonly disabled: boolean }[]
  readonly comments: readonly string[]
}

const objectsAt = (value: Json, path: string): readonly JsonObject[] => {
  const found = at(value, path)
  return Array.isArray(found) ? (found as readonly Json[]).filter(isJsonObject) : []
}

/**
 * Record sets of a zone's answer. PowerDNS 4.7 adds the comments of all others to an answer that was
 * asked for one, as sets without records: those are none.
 */
export const rrsetsOf = (zone: Json): readonly RRset[] =>
  objectsAt(zone, 'rrsets').flatMap((rrset) => {
    const records = objectsAt(rrset, 'records').map(({ content, disabled }) => ({
      content: textAt(content, '') ?? '',
      disabled: disabled === true,
    }))
    if (records.length === 0) return []
    return [
      {
        name: (textAt(rrset, 'name') ?? '').toLowerCase(),
        type: textAt(rrset, 'type') ?? '',
        ttl: Number(rrset['ttl']),
        records,
        comments: objectsAt(rrset, 'comments').map(({ content }) => textAt(content, '') ?? ''),
      },
    ]
  })

/** The comment that makes an effect findable. */
export const commentOf = (call: Call, account: string): JsonObject => ({
  content: `foreword intent=${call.idempotency_key} generation=${call.generation}`,
  account,
})

/** Whether a record set carries the comment of this call. */
export const isOf = (rrset: RRset | undefined, call: Call): boolean =>
  rrset?.comments.some((comment) =>
    comment.split(' ').includes(`intent=${call.idempotency_key}`),
  ) === true
