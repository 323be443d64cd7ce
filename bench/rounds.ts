/** Interleaved rounds: every contender runs once in each round, in turning order, and medians are told. */

export interface Contender {
  readonly name: string
  /** Runs for about so long; returns operations per second, or whatever the case measures. */
  readonly run: (duration_ms: number) => Promise<number>
}

export interface BenchLine {
  readonly bench: string
  readonly case: string
  readonly ours: number
  readonly floor: number
  readonly ratio: number
  readonly unit: string
  readonly rounds: number
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

/** The measures of each contender, a number for each round. A warm-up round comes first and is not counted. */
export const interleaved = async (
  contenders: readonly Contender[],
  options: { readonly rounds: number; readonly duration_ms: number },
): Promise<ReadonlyMap<string, readonly number[]>> => {
  const measured = new Map<string, number[]>(contenders.map((c) => [c.name, []]))
  for (const c of contenders) await c.run(Math.min(500, options.duration_ms))
  for (let round = 0; round < options.rounds; round++) {
    const turned = [
      ...contenders.slice(round % contenders.length),
      ...contenders.slice(0, round % contenders.length),
    ]
    for (const c of turned) measured.get(c.name)?.push(await c.run(options.duration_ms))
  }
  return measured
}

/** How far a bench is: what the rounds of a case came to, for whoever waits. */
export const progress = (
  name: string,
  measured: Readonly<Record<string, readonly number[]>>,
): void => {
  const sides = Object.entries(measured).map(
    ([side, values]) => `${side} ${values.map((v) => v.toPrecision(3)).join(' ')}`,
  )
  console.error(`${name}: ${sides.join(', ')}`)
}

/** Zero to zero is 0: neither loses anything. More than nothing to nothing has no number; it is told as 1. */
const ratioOf = (ours: number, floor: number): number => {
  if (floor > 0) return ours / floor
  return ours > 0 ? 1 : 0
}

/** Ours against a floor of the same run: the median of the ratios round by round. */
export const compared = (
  bench: string,
  name: string,
  ours: readonly number[],
  floor: readonly number[],
  unit: string,
): BenchLine => ({
  bench,
  case: name,
  ours: Number(median(ours).toPrecision(4)),
  floor: Number(median(floor).toPrecision(4)),
  ratio: Number(median(ours.map((o, i) => ratioOf(o, floor[i] ?? 0))).toPrecision(3)),
  unit,
  rounds: ours.length,
})

/** Keeps so many callers busy for a while; what each call came to, and how long it all took. */
const keepBusy = async <A>(
  callers: number,
  duration_ms: number,
  call: (caller: number) => Promise<A>,
): Promise<{ readonly answers: readonly A[]; readonly took_ms: number }> => {
  const started = performance.now()
  const answers: A[] = []
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (performance.now() < started + duration_ms) answers.push(await call(caller))
    }),
  )
  return { answers, took_ms: performance.now() - started }
}

/** Completed calls per second. */
export const perSecond = async (
  callers: number,
  duration_ms: number,
  call: (caller: number) => Promise<boolean>,
): Promise<number> => {
  const { answers, took_ms } = await keepBusy(callers, duration_ms, call)
  return (answers.filter((done) => done).length / took_ms) * 1_000
}

/** What a call came to in a database whose transactions may abort. */
export interface Tries {
  readonly tries: number
  readonly aborted: number
}

/** Aborted tries among all tries. Every caller has tried at least once, so there is a fraction. */
export const abortedFraction = async (
  callers: number,
  duration_ms: number,
  call: (caller: number) => Promise<Tries>,
): Promise<number> => {
  const { answers } = await keepBusy(callers, duration_ms, call)
  const sum = (of: (t: Tries) => number): number => answers.reduce((n, t) => n + of(t), 0)
  return sum((t) => t.aborted) / sum((t) => t.tries)
}
