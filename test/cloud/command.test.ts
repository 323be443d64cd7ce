import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import { runCloud } from '../../src/cloud/command.ts'
import { cloudFaults, startCloud } from '../../src/cloud/index.ts'
import { occupy, open, until } from './harness.ts'

t.test('it prints its URL, serves until SIGTERM, and ends well', async (t) => {
  const module = new URL('../../src/cloud/command.ts', import.meta.url).href
  const code = `import(${JSON.stringify(module)}).then((m) => m.runCloud({ port: '0', seed: '4' }))`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const url = /^foreword cloud: (http:\/\/127\.0\.0\.1:\d+) \(seed 4\)$/.exec(line)?.[1] ?? ''
  t.equal((await fetch(`${url}/healthz`)).status, 200)
  child.kill('SIGTERM')
  const [exit_code] = (await once(child, 'exit')) as [number | null]
  t.equal(exit_code, 0)
})

t.test('a busy port is named, with what to do', async (t) => {
  const port = String(await occupy(t))
  await t.rejects(
    runCloud({ port }, () => undefined),
    {
      name: 'ForewordError',
      message: `port ${port} is busy`,
      remedy: /--port/,
      exit_code: 1,
    },
  )
})

t.test('wrong options are named, with what would be right', async (t) => {
  const never = () => {
    t.fail('it must not start')
  }
  const refused = { name: 'ForewordError', exit_code: 2 }
  await t.rejects(runCloud({ port: '70707' }, never), { ...refused, message: /--port 70707/ })
  await t.rejects(runCloud({ seed: 'x' }, never), { ...refused, message: /--seed x/ })
  await t.rejects(runCloud({ faults: 'wild' }, never), { ...refused, message: /calm, rough/ })
  await t.rejects(runCloud({ faults: '{"lag_ms":' }, never), { ...refused, message: /not JSON/ })
  const ledger = `${t.testdir()}/no/such/folder/ledger`
  await t.rejects(runCloud({ port: '0', ledger }, never), { ...refused, where: ledger })
})

t.test('faults are read from a profile or from JSON', async (t) => {
  t.match(cloudFaults.parse('rough'), { _tag: 'Right', right: { lag_ms: 300, replicas: 2 } })
  t.match(cloudFaults.parse('{"profile": "rough", "lag_ms": 1}'), {
    _tag: 'Right',
    right: { lag_ms: 1, replicas: 2 },
  })
  t.match(cloudFaults.parse('{"lagg": 1}'), { _tag: 'Left' })
  await t.rejects(startCloud({ faults: { lag_ms: -1 } }), { message: /lag_ms must be/ })
})

t.test('closing ends what hangs and what waits', async (t) => {
  const stop = new AbortController()
  const urls: string[] = []
  const faults = '{"delay_ms":[60000,60000],"match":[{"path_regex":"hang","fault":"hang"}]}'
  const running = runCloud(
    { port: '0', faults },
    (line) => urls.push(/http:\S+/.exec(line)?.[0] ?? ''),
    stop.signal,
  )
  await until('it runs', () => urls.length === 1)
  const [url = ''] = urls
  const asked = [fetch(`${url}/v1/vms?name=hang`), fetch(`${url}/v1/vms`)]
  const settled = Promise.allSettled(asked)
  await until('both are there', async () => {
    const stats = (await (await fetch(`${url}/admin/stats`)).json()) as { requests: number }
    return stats.requests === 2
  })
  stop.abort()
  await running
  const [hung, waited] = await settled
  t.equal(hung?.status, 'rejected')
  t.equal(waited?.status, 'fulfilled', 'who only waited is answered early')
})

t.test('a cloud can be closed and another opened on its port', async (t) => {
  const first = await startCloud()
  await first.close()
  const { cloud } = await open(t, { port: first.port })
  t.equal(cloud.port, first.port)
})
