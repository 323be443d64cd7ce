/**
 * Who may ask. Loopback is no authentication: every page in every browser on this machine can send
 * requests here, and with a rebound DNS name it could even read the answers.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { getCookie, setCookie } from 'hono/cookie'
import type { Context, MiddlewareHandler } from 'hono'
import { enterPage, plainPage } from './document.ts'

export interface WebEnv {
  readonly Bindings: HttpBindings
  readonly Variables: { nonce: string }
}

export interface GuardOptions {
  /** Known once the server listens. */
  readonly port: () => number
  readonly token: string
  readonly version: string
  /** Paths that need no token: they tell nothing but counts. */
  readonly open: readonly string[]
  /** Paths that may be posted to, by our own pages only. */
  readonly changing: readonly string[]
}

/** Equal without telling by its time how much of it was right. */
export const same = (given: string, right: string): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(right))
}

const policyOf = (nonce: string): string =>
  [
    `default-src 'none'`,
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `img-src data:`,
    `frame-ancestors 'none'`,
  ].join('; ')

/** Set on every answer, refusals and errors included. */
export const protect: MiddlewareHandler<WebEnv> = async (context, next) => {
  const nonce = randomBytes(16).toString('base64')
  context.set('nonce', nonce)
  await next()
  context.header('Content-Security-Policy', policyOf(nonce))
  context.header('X-Content-Type-Options', 'nosniff')
  // Not `no-referrer`: with that a browser says `Origin: null` of our own forms too.
  context.header('Referrer-Policy', 'same-origin')
  context.header('Cross-Origin-Resource-Policy', 'same-origin')
  context.header('Cross-Origin-Opener-Policy', 'same-origin')
  context.header('Cache-Control', 'no-store')
}

export const hostsOf = (port: number): ReadonlySet<string> =>
  new Set(
    ['127.0.0.1', 'localhost', '[::1]'].flatMap((host) =>
      port === 80 ? [host, `${host}:80`] : [`${host}:${port}`],
    ),
  )

/** Of the request as it came, whatever URL it spells out in its first line. */
const isForUs = (context: Context<WebEnv>, port: number): boolean =>
  hostsOf(port).has((context.env.incoming.headers.host ?? '').toLowerCase())

/**
 * Whether a change comes from a page of ours. A browser names the origin of every POST, and no page can make it
 * name another one; whoever names none is no browser of the person who opened the link.
 */
const isOurs = (context: Context<WebEnv>, port: number): boolean => {
  const { origin, host, 'sec-fetch-site': site } = context.env.incoming.headers
  const from = (origin ?? '').toLowerCase()
  return (
    from === `http://${(host ?? '').toLowerCase()}` &&
    hostsOf(port).has(from.slice('http://'.length)) &&
    ['same-origin', undefined].includes(typeof site === 'string' ? site : undefined)
  )
}

/** The methods that a path answers to. */
const methodsOf = (path: string, changing: readonly string[]): readonly string[] =>
  changing.includes(path) ? ['POST'] : ['GET', 'HEAD']

const bearerOf = (context: Context<WebEnv>): string =>
  /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1] ?? ''

/** Lets through what is for this server, only reads or is a form of ours, and comes from who has the link. */
export const guard = (options: GuardOptions): MiddlewareHandler<WebEnv> => {
  // Not the token: whoever sees the cookie has not got the link that makes new ones.
  const session = randomBytes(24).toString('base64url')
  // Cookies do not know ports: two databases' pages on one machine must not share a name.
  const cookie = () => `foreword_${options.port()}`
  return async (context, next) => {
    const { version, token } = options
    const { path, method } = context.req
    const frame = { version, nonce: context.get('nonce'), path }
    if (!isForUs(context, options.port())) {
      return context.text('foreword: this host name is not mine\n', 421)
    }
    const methods = methodsOf(path, options.changing)
    if (!methods.includes(method)) {
      return context.text(`foreword: only ${methods.join(', ')} here\n`, 405, {
        Allow: methods.join(', '),
      })
    }
    if (method === 'POST' && !isOurs(context, options.port())) {
      return context.text('foreword: this form was not sent from a page of mine\n', 403)
    }
    const given = path === '/' ? context.req.query('token') : undefined
    if (given !== undefined && same(given, token)) {
      setCookie(context, cookie(), session, { httpOnly: true, sameSite: 'Strict', path: '/' })
      return context.html(enterPage(frame))
    }
    const known =
      same(getCookie(context, cookie()) ?? '', session) || same(bearerOf(context), token)
    if (known || options.open.includes(path)) return next()
    return context.html(
      plainPage(
        frame,
        'Open the link that foreword up prints',
        'It carries a token that is new with every start; this browser has none, or an old one.',
      ),
      401,
    )
  }
}
