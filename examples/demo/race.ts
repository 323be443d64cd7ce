/** Step 2: processes that know nothing of each other decide on what none of them may use up twice. */
import { plural } from '../../src/cli/print.ts'
import type { Child } from './children.ts'
import type { Tally } from './decider.ts'
import { cores_per_vm, scope } from './scale-out.ts'
import type { Story } from './story.ts'
import { raceUnguarded } from './unguarded.ts'
import { until } from './until.ts'
import { allSettled, type World } from './world.ts'

export interface Race {
  readonly deciders: number
  /** Vms that each of them asks for, one after the other. */
  readonly asks: number
  readonly cores_max: number
}

/** A decider's process, and what it has told so far. */
interface Racer {
  readonly child: Child
  ready: boolean
  tally: Tally | null
}

const startRacer = (world: World, name: string, race: Race): Racer => {
  const args = [name, String(race.asks), String(race.cores_max)]
  const child = world.children.start(name, 'examples/demo/decider.ts', args)
  const racer: Racer = { child, ready: false, tally: null }
  child.process.on('message', (message: 'ready' | Tally) => {
    if (message === 'ready') racer.ready = true
    else racer.tally = message
  })
  return racer
}

const startRacers = async (world: World, race: Race): Promise<readonly Racer[]> => {
  const racers = Array.from({ length: race.deciders }, (_, n) =>
    startRacer(world, `autoscaler-${n + 1}`, race),
  )
  await until('the deciders are ready', world.patience(60), async () =>
    racers.every(({ ready }) => ready) ? true : null,
  )
  return racers
}

const finished = async (world: World, racers: readonly Racer[]): Promise<Tally> => {
  const tallies = await until('the deciders are done', world.patience(60), async () => {
    const told = racers.flatMap(({ tally }) => (tally === null ? [] : [tally]))
    return told.length === racers.length ? told : null
  })
  return {
    decided: tallies.reduce((sum, { decided }) => sum + decided, 0),
    refused: tallies.reduce((sum, { refused }) => sum + refused, 0),
  }
}

const tellConflicts = async ({ engine }: World, story: Story): Promise<void> => {
  const rows = await engine.sql<{ sqlstate: string; times: number }[]>`
    select c.sqlstate, count(*) as times
    from foreword.conflict c
    group by c.sqlstate
    order by times desc`
  const [most] = await engine.sql<{ tries: number }[]>`
    select max(d.tries) as tries from foreword.decision d`
  const total = rows.reduce((sum, { times }) => sum + times, 0)
  const states = rows.map(({ sqlstate, times }) => `${times} with ${sqlstate}`).join(', ')
  story.fact(
    total === 0
      ? 'foreword.conflict is empty: this time nobody was in anybody’s way'
      : `foreword.conflict: Postgres aborted ${total} tries since somebody else was first ` +
          `(${states}); each was decided again on fresh reads, and ${most?.tries ?? 0} tries were the most`,
  )
}

const tellWithoutForeword = async (world: World, story: Story, race: Race): Promise<void> => {
  const { deciders: clients, asks, cores_max } = race
  const { cores, made_twice } = await raceUnguarded(world.cloud, { clients, asks, cores_max })
  const twice =
    made_twice === 0 ? '' : `, ${plural(made_twice, 'vm')} made twice after a lost answer`
  const lucky = cores <= cores_max && made_twice === 0 ? ' This time it had luck.' : ''
  story.text(
    `For comparison, the same without foreword: ${cores} of ${cores_max} cores taken${twice}. ` +
      `The cloud checks the quota too, and counts a moment later, as real ones do.${lucky}`,
  )
}

/** Returns how many decisions were refused. */
export const raceForQuota = async (world: World, story: Story, race: Race): Promise<number> => {
  const { deciders, asks, cores_max } = race
  story.step(
    `${deciders} processes race for one quota of ${cores_max} cores`,
    'Each reads how many cores are in use and which names are taken, and decides on the next vm. ' +
      'There is no lock to name: who decided on something that is no longer so decides again.',
  )
  story.progress(`starting ${deciders} deciders`)
  await world.cloud.setQuota(scope, cores_max)
  const racers = await startRacers(world, race)
  story.progress('the race without foreword')
  await tellWithoutForeword(world, story, race)
  story.progress('the race')
  for (const { child } of racers) child.process.send('go')
  const { decided, refused } = await finished(world, racers)
  story.fact(
    `${deciders * asks} vms asked for, ${cores_per_vm} cores each: ${decided} decided, ` +
      `${refused} refused since the quota is used up`,
  )
  await tellConflicts(world, story)
  await allSettled(world, story)
  const used = await world.cloud.coresUsed(scope)
  story.fact(`all of it carried out: the cloud counts ${used} of ${cores_max} cores`)
  return refused
}
