/**
 * The same race without foreword, as such code is often written: look at the quota, create, and try
 * again what failed. For comparison only; it has an account of its own at the cloud.
 */
import type { CloudClient } from './cloud.ts'
import { cores_per_vm } from './scale-out.ts'

const account = 'acme/unguarded'
const tries_max = 5

export interface Unguarded {
  readonly cores: number
  /** Vms that were made a second time since the first answer was lost. */
  readonly made_twice: number
}

const hasRoom = async (cloud: CloudClient, cores_max: number): Promise<boolean> => {
  const answer = await cloud.request(account, 'GET', '/v1/quotas').catch(() => null)
  if (answer?.ok !== true) return true
  const { cores } = (await answer.json()) as { readonly cores: { readonly used: number } }
  return cores.used + cores_per_vm <= cores_max
}

const createVm = async (cloud: CloudClient, name: string): Promise<void> => {
  for (let tries = 1; tries <= tries_max; tries++) {
    const body = { name, size: 'm' }
    const answer = await cloud.request(account, 'POST', '/v1/vms', body).catch(() => null)
    if (answer !== null && answer.status < 500 && answer.status !== 429) return
  }
}

export const raceUnguarded = async (
  cloud: CloudClient,
  { clients, asks, cores_max }: Readonly<Record<'clients' | 'asks' | 'cores_max', number>>,
): Promise<Unguarded> => {
  await cloud.setQuota(account, cores_max)
  const client = async (n: number): Promise<void> => {
    for (let i = 1; i <= asks; i++) {
      if (await hasRoom(cloud, cores_max)) await createVm(cloud, `web-${n}-${i}`)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)))
  const made = (await cloud.effects(account)).filter(({ verb }) => verb === 'create')
  const names = new Set(made.map(({ name }) => name))
  return { cores: await cloud.coresUsed(account), made_twice: made.length - names.size }
}
