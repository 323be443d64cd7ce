/** One of many processes on the same scopes: it reconciles or decides without pause until told to stop; two of them apply. */
import { setTimeout as pause } from 'node:timers/promises'
import { defaultLimits } from '../../src/domain/config.ts'
import { create, defineDecider, refuse, remove } from '../../src/domain/decider.ts'
import { openEngine } from '../../src/foreword.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { testConfig } from '../support/settings.ts'

export interface Setting {
  readonly role: 'reconciler' | 'decider'
  readonly index: number
  readonly url: string
  readonly cloud: string
  readonly scopes: readonly string[]
  readonly cores_max: number
  readonly traits: Parameters<typeof simulatedCloud>[0]['traits']
}

const cores = { s: 1, m: 2 } as const

/** Makes or removes one machine; the cores of all together are never more than there are. */
const scale = defineDecider({
  name: 'scale',
  version: 1,
  read: (q, input: { readonly name: string; readonly size: 's' | 'm'; readonly max: number }) => ({
    vm: q.get('vm', input.name),
    used: q.counter('cores'),
  }),
  decide: ({ vm, used }, { name, size, max }) => {
    if (vm !== null) return remove('vm', name)
    if (used + cores[size] > max) return refuse('no cores left')
    return create('vm', name, { size }, { counters: { cores: cores[size] } })
  },
})

const setting = JSON.parse(process.argv[2] ?? '') as Setting
const { role, index, url, scopes } = setting
const providers = simulatedCloud({
  url: setting.cloud,
  ...(setting.traits === undefined ? {} : { traits: setting.traits }),
})
const engine = openEngine({
  url,
  config: testConfig(url, {
    providers,
    deciders: [scale],
    // Fifteen processes share a hundred connections.
    limits: { ...defaultLimits, pool_connections_max: 1, sweep_interval_ms: 200 },
  }),
  secrets: String,
  logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  version: 'test',
})
const applies = role === 'reconciler' && index < 2
const worker = applies
  ? await engine.startWorker((reason) => {
      throw new Error(`the worker died: ${reason}`)
    })
  : null

const told = { stop: false }
process.on('message', () => {
  told.stop = true
})

const any = <A>(all: readonly A[]): A => all[Math.floor(Math.random() * all.length)] as A

let turns = 0
while (!told.stop) {
  if (role === 'reconciler') {
    // Two of the scopes: each is several processes' business.
    const scope = scopes[(index + (turns % 2)) % scopes.length] ?? ''
    await engine.reconcile({ scope, actor: `reconciler-${index}` })
  } else {
    const input = {
      name: `vm-${Math.floor(Math.random() * 24)}`,
      size: any(['s', 'm'] as const),
      max: setting.cores_max,
    }
    await engine.decide(scale, { scope: any(scopes), input, actor: `decider-${index}` })
    await pause(20 * Math.random())
  }
  turns += 1
}
await worker?.stop()
await engine.close()
process.send?.({ turns })
process.disconnect()
