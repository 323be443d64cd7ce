/** The page of an engine, and requests to it over real sockets with whatever headers. */
import { request, type IncomingHttpHeaders } from 'node:http'
import type { Logger } from '../../src/domain/ports.ts'
import type { Sql } from '../../src/store/connect.ts'
import { webReads } from '../../src/store/web/reads.ts'
import { webRulings } from '../../src/store/web/rulings.ts'
import { startWeb, type Web, type WebOptions } from '../../src/web/index.ts'

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

export const silent: Logger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

export const pageOptions = (sql: Sql): WebOptions => ({
  reads: webReads(sql),
  rulings: webRulings(sql, () => undefined),
  person: 'ops@test',
  port: 0,
  logger: silent,
  version: '1.2.3',
})

export const webOn = async (
  t: Teardown,
  sql: Sql,
  over: Partial<WebOptions> = {},
): Promise<Web> => {
  const web = await startWeb({ ...pageOptions(sql), ...over })
  t.teardown(() => web.close())
  return web
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** `fetch` would not let us lie about the host. */
export const ask = async (web: Web, path: string, options: Asking = {}): Promise<Answer> => {
  const { body, ...given } = options
  const sent = request({ host: '127.0.0.1', port: web.port, path, agent: false, ...given })
  sent.end(body)
  return new Promise((resolve, reject) => {
    sent.once('error', reject)
    sent.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
  })
}

/** The header of who has followed the link. */
export type Visitor = Readonly<Record<string, string>> & { readonly cookie: string }

/** Follows the link as a browser does; the header that carries the cookie from then on. */
export const enter = async (web: Web): Promise<Visitor> => {
  const { headers } = await ask(web, new URL(web.url).pathname + new URL(web.url).search)
  return { cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' }
}

/** Sends a form as our own page does, but for what `headers` say otherwise. */
export const post = (
  web: Web,
  visitor: Partial<Visitor>,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  ask(web, '/rule', {
    method: 'POST',
    headers: {
      ...visitor,
      origin: `http://127.0.0.1:${web.port}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: new URLSearchParams(form).toString(),
  })

/** What the form of an intent on a page would send as it stands, hidden fields and defaults. */
export const formOn = (html: string, intent: number): Record<string, string> => {
  const from = html.indexOf(`id="rule-${intent}"`)
  const form = from < 0 ? '' : html.slice(from, html.indexOf('</form>', from))
  return Object.fromEntries(
    [...form.matchAll(/<input(?: type="hidden")?\s+name="(\w+)"\s+value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  )
}
