/** What the demo plays in: a database, a cloud and two workers, each a process of its own. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { loadConfig } from '../../src/cli/config-file.ts'
import { migrateAll, openEngine, type Engine } from '../../src/foreword.ts'
import { openEmbedded, type Embedded } from '../../src/store/embedded/open.ts'
import { version } from '../../src/version.ts'
import { createChildren, type Child, type Children } from './children.ts'
import { cloudClient, type CloudClient } from './cloud.ts'
import type { Life } from './life.ts'
import type { Story } from './story.ts'
import { until, type Patience } from './until.ts'

export interface World {
  readonly url: string
  readonly engine: Engine
  readonly cloud: CloudClient
  readonly children: Children
  readonly workers: readonly Child[]
  readonly patience: (deadline_s: number) => Patience
}

export interface Stage extends Life {
  readonly story: Story
  readonly seed: number
}

const config_file = 'examples/demo/config.ts'
const repository = path.resolve(import.meta.dirname, '../..')
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

/** In a folder of its own, so that nothing of yours is touched and a `foreword up` may run beside it. */
const startDatabase = async ({ story, atEnd }: Stage): Promise<Embedded> => {
  story.progress('making a Postgres')
  const began = performance.now()
  const directory = await mkdtemp(path.join(os.tmpdir(), 'foreword-demo-'))
  atEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }))
  // Root runs the server as another user, who must be able to enter.
  await chmod(directory, 0o755)
  const database = await openEmbedded({ directory, mode: 'own' })
  atEnd(() => database.close())
  story.fact(`a Postgres of its own under ${directory} (${seconds(began)})`)
  return database
}

const migrated = async (url: string, story: Story): Promise<void> => {
  story.progress('migrating')
  const began = performance.now()
  await migrateAll(url)
  story.fact(`tables, functions and the views of schema foreword (${seconds(began)})`)
}

const startCloud = async (stage: Stage, children: Children): Promise<string> => {
  const { story, seed, signal } = stage
  story.progress('starting the cloud')
  const args = ['cloud', '--port', '0', '--seed', String(seed), '--faults', 'rough']
  const child = children.start('cloud', 'src/main.ts', args, { serves: true })
  const url = await until('the cloud is up', { deadline_ms: 30_000, signal }, async () => {
    return /http:\/\/\S+/.exec(child.output())?.[0] ?? null
  })
  story.fact(
    `a simulated cloud, pid ${child.pid}: its reads lag by 300 ms and go back in time; of 100 ` +
      'requests it throttles 5, fails at 6, and carries out 5 without ever answering',
  )
  return url
}

const startWorkers = async (
  stage: Stage,
  children: Children,
  engine: Engine,
): Promise<readonly Child[]> => {
  const { story, signal } = stage
  story.progress('starting two workers')
  const args = ['worker', '--config', config_file]
  const workers = ['worker 1', 'worker 2'].map((name) =>
    children.start(name, 'src/main.ts', args, { serves: true }),
  )
  const pids = workers.map(({ pid }) => pid)
  await until('two workers live', { deadline_ms: 30_000, signal }, async () => {
    const alive = await engine.sql`
      select from foreword.worker w where w.alive and w.pid = any (${pids}::integer[])`
    return alive.length === workers.length ? true : null
  })
  story.fact(`two workers, pids ${pids.join(' and ')}`)
  return workers
}

/** Starts everything, and tells what it started. */
export const startWorld = async (stage: Stage): Promise<World> => {
  const { story, signal, fail, atEnd } = stage
  story.step(
    'A database, a cloud, two workers',
    'Workers share nothing but the database: the log of intents in it is all that there is.',
  )
  const { url } = await startDatabase(stage)
  signal.throwIfAborted()
  await migrated(url, story)
  signal.throwIfAborted()
  const children = createChildren(fail)
  atEnd(children.killAll)
  const cloud_url = await startCloud(stage, children)
  // Whoever is started from here on means this database and this cloud, whatever your shell says.
  process.env['FOREWORD_DATABASE_URL'] = url
  process.env['FOREWORD_DEMO_CLOUD'] = cloud_url
  const config = await loadConfig(config_file, repository, process.env)
  const secrets = (): string => ''
  const engine = openEngine({ url, config, secrets, logger: silent, version })
  atEnd(engine.close)
  const workers = await startWorkers(stage, children, engine)
  const patience = (deadline_s: number): Patience => ({ deadline_ms: deadline_s * 1_000, signal })
  return { url, engine, cloud: cloudClient(cloud_url), children, workers, patience }
}

/** Waits until no intent is open, and says how many still are. */
export const allSettled = (world: World, story: Story, deadline_s = 60): Promise<true> =>
  until('every intent is settled', world.patience(deadline_s), async () => {
    const [row] = await world.engine.sql<{ open: number; doubted: number }[]>`
      select
        count(*) as open,
        count(*) filter (where i.state = 'in_doubt') as doubted
      from foreword.intent i
      where i.settled_at is null`
    const { open = 0, doubted = 0 } = row ?? {}
    story.progress(`${open} open, ${doubted} of them in doubt`)
    return open === 0 ? true : null
  })
