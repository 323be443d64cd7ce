/** The jobs of a schedule: ordinary automation over a few vms with their addresses and names. */
import { call, create, defineDecider, refuse, remove, update } from '../../src/domain/decider.ts'
import type { AnyDecider } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'

export interface JobInput {
  readonly job: string
  readonly n: number
  readonly cores_max: number
}

export const cores = { s: 1, m: 2, l: 4 } as const
export type Size = keyof typeof cores

const sizeOf = (state: Json): Size => (state as { readonly size: Size }).size
const ttlOf = (state: Json): number => (state as { readonly ttl: number }).ttl

const vm = (n: number) => `vm-${n}`
const ip = (n: number) => `ip-${n}`
const record = (n: number) => `vm-${n}.example.`

/** A vm with an address and a name, if its name is free and there is room: absence, a counter, a predicate. */
const provision = defineDecider({
  name: 'provision',
  version: 1,
  read: (q, { n }: JobInput) => ({
    vm: q.get('vm', vm(n)),
    ip: q.get('ip', ip(n)),
    record: q.get('dns_record', record(n)),
    used: q.counter('cores'),
    web: q.find('vm', { role: 'web' }),
  }),
  decide: ({ vm: there, ip: address, record: name, used, web }, { n, cores_max }) => {
    if (there !== null || address !== null || name !== null) return refuse('it is there')
    if (used + cores.s > cores_max || web.length >= 5) return refuse('no room')
    const key = `ip/${ip(n)}`
    return [
      create('ip', ip(n), {}),
      create(
        'vm',
        vm(n),
        { size: 's', ip: { ref: `${key}#id` } },
        { needs: [key], labels: { role: 'web' }, counters: { cores: cores.s } },
      ),
      create(
        'dns_record',
        record(n),
        { type: 'A', ttl: 60, records: [{ ref: `${key}#address` }] },
        { needs: [`vm/${vm(n)}`, key] },
      ),
    ]
  },
})

/** A write that depends on what it read: each run makes the next size. */
const resize = defineDecider({
  name: 'resize',
  version: 1,
  read: (q, { n }: JobInput) => ({ vm: q.get('vm', vm(n)), used: q.counter('cores') }),
  decide: ({ vm: there, used }, { n, cores_max }) => {
    if (there === null) return refuse('it is not there')
    const before = sizeOf(there.state)
    const size = ({ s: 'm', m: 'l', l: 's' } as const)[before]
    if (used - cores[before] + cores[size] > cores_max) return refuse('no room')
    const state = { ...(there.state as { readonly [key: string]: Json }), size }
    return update('vm', vm(n), state, { counters: { cores: cores[size] } })
  },
})

const retire = defineDecider({
  name: 'retire',
  version: 1,
  read: (q, { n }: JobInput) => ({
    vm: q.get('vm', vm(n)),
    ip: q.get('ip', ip(n)),
    record: q.get('dns_record', record(n)),
  }),
  decide: ({ vm: there, ip: address, record: name }, { n }) => [
    ...(name === null ? [] : [remove('dns_record', record(n))]),
    ...(there === null ? [] : [remove('vm', vm(n), { needs: [`dns_record/${record(n)}`] })]),
    ...(address === null ? [] : [remove('ip', ip(n), { needs: [`vm/${vm(n)}`] })]),
  ],
})

/** No state: done twice it is wrong, and no read of a state can tell. */
const reboot = defineDecider({
  name: 'reboot',
  version: 1,
  read: (q, { n }: JobInput) => ({ vm: q.get('vm', vm(n)) }),
  decide: ({ vm: there }, { n }) =>
    there === null ? refuse('it is not there') : call('vm', vm(n), 'reboot', there.state),
})

/** One more than it read, so that a lost or doubled decision shows in the sum. */
const point = defineDecider({
  name: 'point',
  version: 1,
  read: (q, { n }: JobInput) => ({ record: q.get('dns_record', record(n)) }),
  decide: ({ record: there }, { n }) =>
    there === null
      ? create('dns_record', record(n), { type: 'A', ttl: 60, records: ['192.0.2.1'] })
      : update('dns_record', record(n), {
          ...(there.state as { readonly [key: string]: Json }),
          ttl: ttlOf(there.state) + 1,
        }),
})

const wrong = (n: number) => `wrong-${n}.example.`

/** A record that the cloud refuses: it is taken back, and with it whatever relied on it. */
const misname = defineDecider({
  name: 'misname',
  version: 1,
  read: (q, { n }: JobInput) => ({ record: q.get('dns_record', wrong(n)) }),
  decide: ({ record: there }, { n }) =>
    there === null
      ? create('dns_record', wrong(n), { type: 'A', ttl: 60, records: ['no address'] })
      : refuse('it is there'),
})

/** Relies on such a record. */
const follow = defineDecider({
  name: 'follow',
  version: 1,
  read: (q, { n }: JobInput) => ({
    wrong: q.get('dns_record', wrong(n)),
    alias: q.get('dns_record', `alias-${n}.example.`),
  }),
  decide: ({ wrong: there, alias }, { n }) =>
    there === null || alias !== null
      ? refuse('there is nothing to follow')
      : create('dns_record', `alias-${n}.example.`, {
          type: 'CNAME',
          ttl: 60,
          records: [wrong(n)],
        }),
})

/** Something that will be refused, and something that needs it. */
const mislead = defineDecider({
  name: 'mislead',
  version: 1,
  read: (q, { n }: JobInput) => ({ wrong: q.get('dns_record', wrong(n)) }),
  decide: ({ wrong: there }, { n }) =>
    there !== null
      ? refuse('it is there')
      : [
          create('dns_record', wrong(n), { type: 'A', ttl: 60, records: ['no address'] }),
          create(
            'dns_record',
            `after-${wrong(n)}`,
            { type: 'CNAME', ttl: 60, records: [wrong(n)] },
            { needs: [`dns_record/${wrong(n)}`] },
          ),
        ],
})

/** Two that need no output of each other, and an order all the same. */
const pair = defineDecider({
  name: 'pair',
  version: 1,
  read: (q, { n }: JobInput) => ({ first: q.get('ip', `first-${n}`) }),
  decide: ({ first }, { n }) =>
    first !== null
      ? refuse('it is there')
      : [
          create('ip', `first-${n}`, {}),
          create(
            'dns_record',
            `second-${n}.example.`,
            { type: 'A', ttl: 60, records: ['192.0.2.1'] },
            { needs: [`ip/first-${n}`] },
          ),
        ],
})

export const deciders: ReadonlyMap<string, AnyDecider> = new Map(
  [provision, resize, retire, reboot, point, misname, follow, mislead, pair].map(
    (d: AnyDecider) => [d.name, d],
  ),
)
