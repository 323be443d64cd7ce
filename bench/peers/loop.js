/** The loop of bench/apply-sides.ts for a peer in a process of its own, driven by messages {ms}. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

const callers = 16

/** The POST of the work unit. */
export const poster = (stub) => {
  const api = new Pool(stub, { connections: 64 })
  return async (name, key) => {
    const answer = await api.request({
      method: 'POST',
      path: '/vm',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ name, size: 's' }),
    })
    return answer.body.json()
  }
}

/** `submit` resolves when the work is durable; `open` tells how much has no durable outcome yet. */
export const serve = ({ submit, open }) => {
  let made = 0
  process.on('message', async ({ ms }) => {
    const started = performance.now()
    let submitted = 0
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (performance.now() < started + ms) {
          await submit(`${process.pid}-${++made}`)
          submitted += 1
        }
      }),
    )
    while ((await open()) > 0) await sleep(20)
    process.send((submitted / (performance.now() - started)) * 1_000)
  })
  process.once('disconnect', () => process.exit(0))
  console.log('ready')
}
