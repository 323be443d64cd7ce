/** The law: a worker that is told to stop ends its calls within its bound, and at once when told again. */
import t from 'tap'
import { bench, recordStack } from '../cli/harness.ts'
import { eventually } from '../support/eventually.ts'
import { confirmedOf, leased, startWorker, within } from './worker-command.ts'

t.test(
  'SIGTERM drains within its bound, and the next worker takes over what is left',
  async (t) => {
    const b = await bench(t, {
      faults: { profile: 'calm', match: [{ method: 'POST', fault: 'hang', n: 3, effect: true }] },
      config: `
        providers: [simulatedCloud({ url, traits: { ...traits, call_timeout_ms: 15000 } })],
        limits: { drain_timeout_ms: 500, sweep_interval_ms: 200 }`,
    })
    const worker = await startWorker(b)
    await b.foreword(['apply', '-f', await b.write('s.json', recordStack(3))])
    await eventually('calls hang', async () => (await leased(b)) === 3)
    worker.child.kill('SIGTERM')
    const ended = await within(worker.ended, 10_000)
    t.equal(ended.code, 0, ended.stderr)
    t.match(ended.stderr, /some calls still run: the next worker looks after them/)
    const successor = await startWorker(b)
    await eventually('they are his', async () => (await leased(b)) === 0)
    await eventually('and confirmed', async () => (await confirmedOf(b)) === 3, {
      deadline_ms: 60_000,
    })
    t.equal((await b.ledger()).length, 3, 'no effect lost, none twice')
    successor.child.kill('SIGTERM')
    await successor.ended
  },
)

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  t.test(`a second ${signal} ends it at once`, async (t) => {
    const b = await bench(t, {
      faults: { profile: 'calm', match: [{ method: 'POST', fault: 'hang', n: 1 }] },
      config: 'limits: { drain_timeout_ms: 600000 }',
    })
    const worker = await startWorker(b)
    await b.foreword(['apply', '-f', await b.write('s.json', recordStack(1))])
    await eventually('a call hangs', async () => (await leased(b)) === 1)
    worker.child.kill(signal)
    await eventually('it drains', () => /stopping/.exec(worker.told()))
    worker.child.kill(signal)
    const ended = await within(worker.ended, 10_000)
    t.equal(ended.code, code, ended.stderr)
  })
}
