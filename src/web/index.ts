/** The page of `foreword up`: what the views say, for a browser on the same machine. */
import { randomBytes } from 'node:crypto'
import type { Logger } from '../domain/ports.ts'
import type { WebReads, WebRulings } from '../domain/web-story-ports.ts'
import { createApp } from './app.ts'
import { listen, loopback } from './listen.ts'

export interface WebOptions {
  readonly reads: WebReads
  readonly rulings: WebRulings
  /** Who rules, unless the form says otherwise. */
  readonly person: string
  /** 0: any free one. */
  readonly port: number
  readonly logger: Logger
  readonly version: string
  /** What the link carries; default: random, new with every start. */
  readonly token?: string
}

export interface Web {
  /** The link with the token: whoever has it may look. */
  readonly url: string
  readonly port: number
  /** Ends the streams, lets answers under way finish (at most a second), closes every connection. */
  close(): Promise<void>
}

/** Serves the page on loopback. Rejects with a ForewordError when the port is busy. */
export const startWeb = async (options: WebOptions): Promise<Web> => {
  const { logger, token = randomBytes(24).toString('base64url') } = options
  const closing = new AbortController()
  let bound = options.port
  const app = createApp({
    ...options,
    logger,
    token,
    port: () => bound,
    closing: closing.signal,
  })
  const { port, close } = await listen(app.fetch, {
    host: loopback,
    port: options.port,
    remedy: 'set web.port in foreword.config.ts or --port',
  })
  bound = port
  return {
    url: `http://${loopback}:${port}/?token=${encodeURIComponent(token)}`,
    port,
    close: async () => {
      closing.abort()
      await close()
    },
  }
}
