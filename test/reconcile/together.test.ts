/**
 * Ten processes that reconcile and five that decide, on the same scopes of a cloud whose own check of its
 * quota races. FOREWORD_TOGETHER_S says for how many seconds; 5 by default, so that it is a test.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { audit } from '../../src/audit/audit.ts'
import { startCloud, type Cloud } from '../../src/cloud/index.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { auditStore } from '../../src/store/audit/audit-store.ts'
import { allSettled, ledgerOf, testEngine, testWorker } from '../support/engine.ts'
import type { Setting } from './together-process.ts'

const seconds = Number(process.env['FOREWORD_TOGETHER_S'] ?? 5)
const scopes = ['acme/a', 'acme/b', 'acme/c'] as const
const cores_max = 12
const traits = { settle_ms: 200, sightings: 2, call_timeout_ms: 1_000 }

const coresOf: Readonly<Record<string, number>> = { s: 1, m: 2, l: 4 }

interface LedgerEntry {
  readonly account: string
  readonly kind: string
  readonly verb: string
  readonly id: string
  readonly request_body: { readonly size?: string } | null
}

/** The most cores that were ever taken at once, by the cloud's own record. */
const mostCores = async (cloud: Cloud, account: string): Promise<number> => {
  const answer = await fetch(`${cloud.url}/admin/ledger?account=${account}`)
  const entries = (await answer.json()) as readonly LedgerEntry[]
  const held = new Map<string, number>()
  let most = 0
  for (const { kind, verb, id, request_body } of entries) {
    if (kind !== 'vms') continue
    if (verb === 'delete') held.delete(id)
    else if (request_body?.size !== undefined) held.set(id, coresOf[request_body.size] ?? 0)
    most = Math.max(
      most,
      [...held.values()].reduce((sum, n) => sum + n, 0),
    )
  }
  return most
}

const start = (setting: Setting): ChildProcess =>
  fork(path.join(import.meta.dirname, 'together-process.ts'), [JSON.stringify(setting)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })

const stop = async (child: ChildProcess): Promise<number> => {
  const told = once(child, 'message') as Promise<[{ turns: number }]>
  const ended = once(child, 'exit') as Promise<[number | null]>
  child.send('stop')
  const [code] = await ended
  if (code !== 0) throw new Error(`a process ended with ${String(code)}`)
  const [{ turns }] = await told
  return turns
}

t.test(
  'many processes on the same scopes: no quota exceeded, one effect each, a clean log',
  async (t) => {
    const cloud = await startCloud({
      seed: 7,
      faults: {
        lag_ms: 100,
        replicas: 2,
        lose_response: 0.05,
        error_after: 0.03,
        error_before: 0.03,
        throttle: 0.03,
        retry_after_s: 1,
        delay_ms: [5, 60],
        quota_gap_ms: 50,
      },
    })
    t.teardown(() => cloud.close())
    for (const account of scopes) {
      await fetch(`${cloud.url}/v1/quotas`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'x-account': account },
        body: JSON.stringify({ cores: cores_max }),
      })
    }
    const providers = simulatedCloud({ url: cloud.url, traits })
    const { engine, url } = await testEngine(t, { providers })
    const setting = { url, cloud: cloud.url, scopes, cores_max, traits }
    const children = [
      ...Array.from({ length: 10 }, (_, index) => start({ ...setting, role: 'reconciler', index })),
      ...Array.from({ length: 5 }, (_, index) => start({ ...setting, role: 'decider', index })),
    ]
    t.teardown(async () => {
      for (const child of children) child.kill('SIGKILL')
    })

    // Owners change their minds meanwhile, and somebody works at the console.
    // A slow machine is given the time to start them all: every scope has seen a machine made.
    const until = performance.now() + seconds * 1_000
    const deadline = until + 120_000
    const busy = async () =>
      (await Promise.all(scopes.map((scope) => mostCores(cloud, scope)))).every((most) => most > 0)
    for (let i = 0; performance.now() < until || !(await busy()); i += 1) {
      if (performance.now() > deadline) throw new Error('no machine was made in some scope')
      const [scope, name] = [scopes[i % scopes.length] ?? '', `net-${i % 4}`]
      const cidr = `10.${i % 200}.0.0/24`
      await (i % 5 === 4
        ? engine.sql`select foreword.unwant(${scope}, 'network', ${name})`
        : engine.sql`select foreword.want(${scope}, 'network', ${name}, ${engine.sql.json({ cidr })})`)
      if (i % 3 === 0) {
        await fetch(`${cloud.url}/admin/drift`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            account: scope,
            kind: 'networks',
            name,
            set: { cidr: '10.9.9.0/24' },
          }),
        })
      }
      await pause(100)
    }
    const turns = await Promise.all(children.map(stop))
    t.ok(
      turns.every((n) => n > 0),
      'each has had its turns',
    )

    await testWorker(t, engine)
    await allSettled(engine, 120_000)
    for (const account of scopes) {
      const most = await mostCores(cloud, account)
      t.ok(most > 0 && most <= cores_max, `${account}: ${most} of ${cores_max} cores at most`)
    }
    t.match(await ledgerOf(cloud), { max: 1 }, 'no intent had two effects')
    const { checks } = await audit(auditStore(engine.sql))
    t.same(
      checks.filter((check) => check.violated > 0),
      [],
      'the audit agrees',
    )
    const [counts] = await engine.sql<{ decisions: number; conflicts: number }[]>`
    select
      (select count(*)::integer from foreword.decision) as decisions,
      (select count(*)::integer from foreword.conflict) as conflicts`
    t.comment(JSON.stringify({ seconds, turns: turns.reduce((a, b) => a + b, 0), ...counts }))
  },
)
