import t from 'tap'
import { gathered } from '../../src/apply/batching.ts'

/** Work that ends when it is told to. */
const held = () => {
  const ends: (() => void)[] = []
  const begun: (() => void)[] = []
  let running = 0
  let most = 0
  return {
    most: () => most,
    runs: () => ends.length,
    /** Resolves when the run of this number, from 1 on, has begun. */
    begun: (run: number) =>
      new Promise<void>((resolve) => {
        if (ends.length >= run) resolve()
        else begun[run - 1] = resolve
      }),
    end: (run: number) => ends[run - 1]?.(),
    work: () =>
      new Promise<number>((resolve) => {
        most = Math.max(most, ++running)
        ends.push(() => {
          running -= 1
          resolve(100)
        })
        begun[ends.length - 1]?.()
      }),
  }
}

const nothing = { full: () => false, coming: () => false }

t.test('all who ask before a run begins share it; who asks later has the next one', async (t) => {
  const { work, runs, begun, end, most } = held()
  const run = gathered(work, nothing)
  const first = [run(), run(), run()]
  await begun(1)
  const second = [run(), run()]
  t.equal(runs(), 1, 'the second has not begun while the first runs')
  end(1)
  await Promise.all(first)
  await begun(2)
  end(2)
  await Promise.all(second)
  t.equal(runs(), 2)
  t.equal(most(), 1, 'no two at once')
})

t.test('a run that fails tells those who shared it, and nobody else', async (t) => {
  let runs = 0
  const run = gathered(async () => {
    runs += 1
    if (runs === 1) throw new Error('down')
    return 0
  }, nothing)
  const first = [run(), run()]
  for (const shared of first) await t.rejects(shared, { message: 'down' })
  await t.resolves(run())
})

t.test('whoever may come is waited for no longer than the run before took', async (t) => {
  const { work, begun, end } = held()
  const run = gathered(work, { full: () => false, coming: () => true })
  const first = run()
  await begun(1)
  end(1)
  await first
  const second = run()
  // Begins although there is always more to come; a test that hangs here has found that it does not.
  await begun(2)
  end(2)
  await t.resolves(second)
})
