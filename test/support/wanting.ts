/** Wanting in the scope `acme`, and what the simulated cloud has of it. */
import type { Cloud } from '../../src/cloud/index.ts'
import { audit } from '../../src/audit/audit.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import type { DesiredRow } from '../../src/domain/reconcile-ports.ts'
import type { Engine } from '../../src/foreword.ts'
import { runConverge, type Converged } from '../../src/reconcile/run-converge.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'

export const scope = 'acme'

export type Wanted = Omit<DesiredRow, 'generation' | 'resource'>

export const want = (
  kind: string,
  name: string,
  spec: Wanted['spec'],
  over: Partial<Wanted> = {},
): Wanted => ({
  scope,
  kind,
  name,
  stack: 'default',
  spec,
  labels: {},
  counters: {},
  needs: [],
  ...over,
})

/** Wants these and converges; with `prune` whatever else was wanted goes. */
export const apply = async (
  engine: Engine,
  rows: readonly Wanted[],
  options: { readonly prune?: boolean } = {},
): Promise<Converged> => {
  const { store } = engine.reconcileDeps
  await store.want(rows, 'test')
  if (options.prune === true) await store.unwantOthers(scope, 'default', rows, 'test')
  return runConverge(engine.reconcileDeps)({ scope })
}

const admin = async <A>(cloud: Cloud, path: string): Promise<A> =>
  (await (await fetch(`${cloud.url}/admin/${path}`)).json()) as A

export interface CloudThing extends JsonObject {
  readonly id: string
  readonly name: string
}

/** What is really there, by kind as the cloud calls it. */
export const thingsIn = async (
  cloud: Cloud,
): Promise<Readonly<Record<string, readonly CloudThing[]>>> => {
  const state = await admin<{ accounts: Record<string, Record<string, CloudThing[]>> }>(
    cloud,
    'state',
  )
  return state.accounts[scope] ?? {}
}

export interface Effect {
  readonly seq: number
  readonly verb: string
  readonly kind: string
  readonly name: string
  readonly id: string
  readonly intent: string | null
}

export const effectsIn = async (cloud: Cloud, after = 0): Promise<readonly Effect[]> =>
  admin<readonly Effect[]>(cloud, `ledger?after=${after}&limit=100000`)

/** `verb name` of each effect, in their order. */
export const toldEffects = async (cloud: Cloud, after = 0): Promise<readonly string[]> =>
  (await effectsIn(cloud, after)).map(({ verb, name }) => `${verb} ${name}`)

/** The laws of the log that are broken. */
export const brokenLaws = async (engine: Engine): Promise<readonly unknown[]> => {
  const { checks } = await audit(auditStore(engine.sql))
  return checks.filter(({ violated }) => violated > 0)
}
