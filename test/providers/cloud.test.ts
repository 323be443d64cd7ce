import t from 'tap'
import { startCloud, type FaultsInput } from '../../src/cloud/index.ts'
import type { Json } from '../../src/domain/json.ts'
import { NotSent, type AnyProvider } from '../../src/domain/provider.ts'
import { cloudKinds, simulatedCloud, type CloudKind } from '../../src/providers/cloud.ts'
import { conformance } from '../../src/providers/conformance.ts'
import { callOf, deadUrl, look, secrets } from './support.ts'

const providerOf = (providers: readonly AnyProvider[], kind: CloudKind): AnyProvider => {
  const found = providers.find((provider) => provider.kind === kind)
  if (found === undefined) throw new Error(`there is no ${kind}`)
  return found
}

const specs: { readonly [K in CloudKind]: (n: number) => Json } = {
  network: (n) => ({ cidr: `10.${n}.0.0/24` }),
  vm: (n) => ({ size: n === 0 ? 's' : 'l' }),
  ip: () => ({}),
  dns_record: (n) => ({ type: 'A', ttl: 60 + n, records: ['192.0.2.2', `192.0.2.${n}`] }),
}

const refused: { readonly [K in CloudKind]: Json } = {
  network: { cidr: 'everything' },
  vm: { size: 's', network: 'no-such-network' },
  ip: { network: 'no-such-network' },
  dns_record: { type: 'A', records: ['no address'] },
}

const worlds: readonly (readonly [string, FaultsInput, boolean])[] = [
  ['consistent', { build_ms: 30, delete_ms: 30 }, false],
  ['eventually consistent', { lag_ms: 150, replicas: 3, build_ms: 30, delete_ms: 30 }, false],
  ['with tokens', { lag_ms: 50, tokens: true }, true],
]

for (const [title, faults, tokens] of worlds) {
  t.test(`every kind of a cloud that is ${title} keeps every law`, async (t) => {
    const cloud = await startCloud({ faults })
    t.teardown(() => cloud.close())
    const traits = { settle_ms: 200 }
    const providers = simulatedCloud({ url: cloud.url, tokens, traits })
    const dead = simulatedCloud({ url: await deadUrl(), tokens, traits })
    const ledger = async (intent: string): Promise<number> => {
      const entries = (await (await fetch(`${cloud.url}/admin/ledger`)).json()) as {
        intent: string
      }[]
      return entries.filter((entry) => entry.intent === intent).length
    }
    for (const kind of cloudKinds) {
      t.test(kind, async (t) => {
        const harness = {
          scope: 'acme/prod',
          name: (n: number) => `${kind}-${n}`,
          spec: specs[kind],
          bad_spec: { size: 'xxl' },
          refused: { spec: refused[kind] },
          secrets,
          effects: ledger,
          dead: providerOf(dead, kind),
          names_are_unique: kind === 'dns_record',
          immutable: kind === 'network',
        }
        const provider = providerOf(providers, kind)
        for (const { law, check } of conformance(provider, harness)) t.test(law, check)
      })
    }
  })
}

t.test('the simulated cloud', async (t) => {
  const cloud = await startCloud()
  t.teardown(() => cloud.close())
  const providers = simulatedCloud({ url: cloud.url })
  const vm = providerOf(providers, 'vm')
  const set = async (path: string, body: Json) => {
    const answer = await fetch(`${cloud.url}${path}`, {
      method: 'PUT',
      headers: { 'x-account': 'acme/prod', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    t.ok(answer.ok, `PUT ${path}`)
  }

  t.test('an ip gives its address to a vm', async (t) => {
    const ip = await providerOf(providers, 'ip').create(callOf('create', {}, { name: 'ip-1' }))
    if (ip.type !== 'applied') throw new Error(JSON.stringify(ip))
    const address = ip.outputs?.['address']
    t.match(address, /^100\./)
    const spec = { size: 's', address }
    const outcome = await vm.create(callOf('create', spec, { idempotency_key: 'vm-key' }))
    t.match(outcome, { type: 'applied', state: spec, outputs: { address } })
  })

  t.test('a lost response leaves an effect that its key finds, and no NotSent', async (t) => {
    await set('/admin/faults', { match: [{ method: 'POST', fault: 'lose_response', n: 1 }] })
    const call = callOf('create', { size: 's' }, { name: 'lost', idempotency_key: 'lost-key' })
    const error = await vm.create(call).catch((thrown: unknown) => thrown)
    t.ok(error instanceof Error && !(error instanceof NotSent))
    t.match(await vm.find?.(call), { state: { size: 's' }, external_id: /^vm-/ })
  })

  t.test('without its id, a resource is updated and deleted by its name', async (t) => {
    await vm.create(callOf('create', { size: 's' }, { name: 'nameless', idempotency_key: 'n1' }))
    t.match(await vm.update(callOf('update', { size: 'm' }, { name: 'nameless' })), {
      type: 'applied',
      state: { size: 'm' },
      external_id: /^vm-/,
    })
    t.match(await vm.delete(callOf('delete', {}, { name: 'nameless' })), { type: 'applied' })
    t.equal(await vm.read(look({ name: 'nameless' })), null)
    t.match(await vm.update(callOf('update', { size: 'm' }, { name: 'nameless' })), {
      type: 'rejected',
    })
  })

  t.test('two of one name are told apart by nobody, and nothing is sent', async (t) => {
    for (const idempotency_key of ['t1', 't2']) {
      await vm.create(callOf('create', { size: 's' }, { name: 'twin', idempotency_key }))
    }
    await t.rejects(vm.read(look({ name: 'twin' })), /ambiguous.*2 of them/)
    await t.rejects(vm.delete(callOf('delete', {}, { name: 'twin' })), NotSent)
  })

  t.test('an exhausted quota is rejected for good, a throttle for a while', async (t) => {
    await set('/v1/quotas', { vms: 0 })
    const call = callOf('create', { size: 's' }, { name: 'more' })
    const outcome = await vm.create(call)
    t.match(outcome, { type: 'rejected', reason: /quota_exceeded/ })
    t.notOk('retry_after_ms' in outcome)
    await set('/admin/faults', { match: [{ fault: 'throttle', n: 1 }], retry_after_s: 7 })
    t.match(await vm.create(call), { type: 'rejected', retry_after_ms: 7_000 })
  })

  t.test('a verb of its own is an effect like any other', async (t) => {
    await set('/v1/quotas', { vms: null })
    const made = await vm.create(callOf('create', { size: 's' }, { name: 'boots' }))
    if (made.type !== 'applied') throw new Error(JSON.stringify(made))
    const { external_id = null } = made
    const outcome = await vm.calls?.['reboot']?.(
      callOf('reboot', { size: 's' }, { name: 'boots', external_id }),
    )
    t.match(outcome, { type: 'applied', state: { size: 's' }, outputs: { reboots: 1 } })
  })

  t.test('a list has every page', async (t) => {
    const network = providerOf(providers, 'network')
    for (let n = 0; n < 205; n++) {
      const over = { name: `net-${n}`, idempotency_key: `net-${n}` }
      await network.create(callOf('create', { cidr: '10.0.0.0/24' }, over))
    }
    const names = new Set<string>()
    for await (const { name } of network.list?.(look()) ?? []) names.add(name)
    t.equal(names.size, 205)
  })
})
