/** The demo's decider: more vms for a role, as long as the quota of cores allows. */
import { create, defineDecider, refuse } from '../../src/index.ts'

/** Where all of it happens: the cloud's account. */
export const scope = 'acme/prod'

/** What the simulated cloud counts for a vm of size m. */
export const cores_per_vm = 2

export interface ScaleOut {
  readonly vms: number
  /** Cores that all vms together may have. */
  readonly cores_max: number
}

/** The lowest names that are free: two who read the same pool choose the same ones. */
const freeNames = (taken: ReadonlySet<string>, count: number): readonly string[] => {
  const free: string[] = []
  for (let n = 1; free.length < count; n++) {
    const name = `web-${String(n).padStart(2, '0')}`
    if (!taken.has(name)) free.push(name)
  }
  return free
}

export const scaleOut = defineDecider({
  name: 'scale-out',
  version: 1,
  read: (q) => ({ pool: q.find('vm', { role: 'web' }), cores: q.counter('cores') }),
  decide: ({ pool, cores }, { vms, cores_max }: ScaleOut) =>
    cores + vms * cores_per_vm > cores_max
      ? refuse(`${cores} of ${cores_max} cores are in use`)
      : freeNames(new Set(pool.map((vm) => vm.name)), vms).map((name) =>
          create(
            'vm',
            name,
            { size: 'm' },
            { labels: { role: 'web' }, counters: { cores: cores_per_vm } },
          ),
        ),
})
