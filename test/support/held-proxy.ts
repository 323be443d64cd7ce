/** A proxy in front of an HTTP API that keeps what is written there waiting until the test lets it through. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface HeldProxy {
  readonly url: string
  /** Requests that wait. */
  readonly held: () => number
  readonly release: () => void
}

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

export const heldProxy = async (t: Teardown, target: string): Promise<HeldProxy> => {
  const waiting: (() => void)[] = []
  const server = createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const { method = 'GET', url = '/', headers } = request
      const body = await text(request)
      if (method !== 'GET') await new Promise<void>((resolve) => waiting.push(resolve))
      const account = String(headers['x-account'])
      const answer = await fetch(`${target}${url}`, {
        method,
        headers: {
          'content-type': 'application/json',
          'x-account': account,
          ...(headers['x-intent'] === undefined ? {} : { 'x-intent': String(headers['x-intent']) }),
        },
        ...(body === '' ? {} : { body }),
      })
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(await answer.text())
    }
    pass().catch(() => request.socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held: () => waiting.length,
    release: () => {
      for (const go of waiting.splice(0)) go()
    },
  }
}
