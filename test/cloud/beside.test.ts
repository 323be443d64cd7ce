import { once } from 'node:events'
import { serve } from '@hono/node-server'
import t from 'tap'

t.test('beside another hono server in one process, what is withheld stays withheld', async (t) => {
  // Its `serve` replaces the global Response, before the cloud is loaded.
  const other = serve({ fetch: () => new Response('x'), port: 0, hostname: '127.0.0.1' })
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { open, until } = await import('./harness.ts')
  const bench = await open(t, { faults: { match: [{ path_regex: 'hang', fault: 'hang' }] } })
  const patience = new AbortController()
  const { signal } = patience
  const hanging = bench.call('GET', '/v1/vms?name=hang', { signal })
  await until('it hangs', async () => {
    const { body } = await bench.call('GET', '/admin/stats')
    return (body['faults'] as Record<string, number>)['hang'] === 1
  })
  t.equal((await bench.call('GET', '/v1/vms')).status, 200)
  patience.abort()
  t.equal((await hanging).lost, true)
})
