/** The simulated cloud from outside: its API as a naive client uses it, and what only its owner sees. */
import type { JsonObject } from '../../src/index.ts'

export interface Ledger {
  readonly effects: number
  readonly max: number
  readonly repeated: Readonly<Record<string, number>>
  /** Effects by idempotency key. */
  readonly intents: Readonly<Record<string, number>>
}

export interface Effect {
  readonly verb: string
  readonly name: string
}

export interface CloudClient {
  readonly setFaults: (faults: JsonObject) => Promise<void>
  readonly setQuota: (account: string, cores: number) => Promise<void>
  readonly coresUsed: (account: string) => Promise<number>
  readonly ledger: (account: string) => Promise<Ledger>
  readonly effects: (account: string) => Promise<readonly Effect[]>
  /** A change by hand, past every client. */
  readonly drift: (account: string, name: string, change: JsonObject) => Promise<void>
  /** A bare request to the API, faults included. Rejects where the connection is cut. */
  readonly request: (
    account: string,
    method: string,
    route: string,
    body?: JsonObject,
  ) => Promise<Response>
}

interface Quotas {
  readonly cores: { readonly limit: number | null; readonly used: number }
}

interface State {
  readonly accounts: Readonly<Record<string, { readonly quotas: Quotas } | undefined>>
}

const timeout_ms = 10_000

export const cloudClient = (url: string): CloudClient => {
  const request: CloudClient['request'] = (account, method, route, body) =>
    fetch(`${url}${route}`, {
      method,
      headers: { 'x-account': account, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(timeout_ms),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  /** No fault touches what is under /admin, so anything but success is a mistake of ours. */
  const admin = async (method: string, route: string, body?: JsonObject): Promise<unknown> => {
    const answer = await request('', method, `/admin${route}`, body)
    if (!answer.ok) throw new Error(`${method} /admin${route}: ${await answer.text()}`)
    return answer.status === 204 ? null : await answer.json()
  }
  return {
    request,
    setFaults: async (faults) => {
      await admin('PUT', '/faults', faults)
    },
    setQuota: async (account, cores) => {
      // The API's own door, and so with its own faults: asked until it answers.
      for (let tries = 1; ; tries++) {
        const answer = await request(account, 'PUT', '/v1/quotas', { cores }).catch(() => null)
        if (answer?.ok === true) return
        if (tries === 20) throw new Error('the simulated cloud does not take a quota')
      }
    },
    coresUsed: async (account) => {
      const state = (await admin('GET', '/state')) as State
      return state.accounts[account]?.quotas.cores.used ?? 0
    },
    ledger: async (account) =>
      (await admin('GET', `/ledger/summary?account=${encodeURIComponent(account)}`)) as Ledger,
    effects: async (account) =>
      (await admin('GET', `/ledger?account=${encodeURIComponent(account)}`)) as readonly Effect[],
    drift: async (account, name, change) => {
      await admin('POST', '/drift', { account, kind: 'vms', name, ...change })
    },
  }
}
