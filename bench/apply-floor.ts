/**
 * The batch floor: what is left of durable work when everything is taken away that can be. An insert;
 * two loops that claim by SKIP LOCKED, POST side by side and write all outcomes in one update. No premises,
 * no attempts, no retries, no epochs; who dies with a claim in hand loses it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { connectSql, type Sql } from '../src/store/connect.ts'
import { newName } from './apply-unit.ts'
import type { Side } from './apply-sides.ts'

const batch = 64
const loops = 2
const idle_ms = 5

const makeTable = async (sql: Sql): Promise<void> => {
  await sql`
    create table floor_job (
      id bigint generated always as identity primary key,
      name text not null,
      body jsonb not null,
      state text not null default 'pending',
      response jsonb,
      done_at timestamptz
    ) with (fillfactor = 70)`
  await sql`create index floor_job_pending on floor_job (id) where state = 'pending'`
}

interface Job {
  readonly id: number
  readonly name: string
  readonly body: unknown
}

const post = async (api: Pool, { id, name, body }: Job): Promise<unknown> => {
  const answer = await api.request({
    method: 'POST',
    path: '/vm',
    headers: { 'content-type': 'application/json', 'idempotency-key': `floor-${id}` },
    body: JSON.stringify({ name, ...(body as object) }),
  })
  return answer.body.json()
}

interface Work {
  open: number
  stopped: boolean
  /** Resolves when it may poll: between its rounds it does not, since that would slow who is measured then. */
  turn: Promise<void>
}

/** Claims, POSTs, settles, until it is told to stop; sleeps only where there was nothing to claim. */
const loop = async (sql: Sql, api: Pool, work: Work): Promise<void> => {
  for (;;) {
    await work.turn
    if (work.stopped) return
    const jobs = await sql<Job[]>`
      update floor_job j
      set state = 'running'
      where j.id in (
        select id from floor_job
        where state = 'pending'
        order by id
        limit ${batch}
        for update skip locked
      )
      returning j.id, j.name, j.body`
    if (jobs.length === 0) {
      await sleep(idle_ms)
      continue
    }
    const responses = await Promise.all(jobs.map((job) => post(api, job)))
    await sql`
      update floor_job j
      set state = 'done', response = r.response, done_at = clock_timestamp()
      from unnest(
        ${jobs.map((j) => j.id)}::bigint[],
        ${responses.map((r) => JSON.stringify(r))}::jsonb[]
      ) as r (id, response)
      where j.id = r.id`
    work.open -= jobs.length
  }
}

interface FloorSide extends Side {
  /** Submits work under a key, which its row keeps. */
  readonly submitAs: (name: string) => Promise<void>
  /** Polls from now on, as from the first; what it returns ends that. */
  readonly poll: () => () => void
}

export const floorSide = async (url: string, stub: string, callers: number): Promise<FloorSide> => {
  const sql = connectSql({ url, application_name: 'foreword:floor', max: callers + loops })
  const api = new Pool(stub, { connections: batch })
  await makeTable(sql)
  const work: Work = { open: 0, stopped: false, turn: Promise.resolve() }
  let resume = (): void => undefined
  const poll = (): (() => void) => {
    resume()
    return () => {
      work.turn = new Promise((resolve) => (resume = resolve))
    }
  }
  const running = Array.from({ length: loops }, () => loop(sql, api, work))
  const submitAs = async (name: string): Promise<void> => {
    work.open += 1
    await sql`insert into floor_job (name, body) values (${name}, '{"size":"s"}')`
  }
  return {
    submit: () => submitAs(newName()),
    submitAs,
    poll,
    open: async () => work.open,
    close: async () => {
      work.stopped = true
      resume()
      await Promise.all(running)
      await Promise.all([sql.end({ timeout: 5 }), api.close()])
    },
  }
}
