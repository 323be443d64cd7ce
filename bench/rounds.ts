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
  ratio: Number(median(ours.map((o, i) => o / (floor[i] ?? Number.NaN))).toPrecision(3)),
  unit,
  rounds: ours.length,
})

/** Keeps so many callers busy for a while; completed calls per second. */
export const perSecond = async (
  callers: number,
  duration_ms: number,
  call: (caller: number) => Promise<boolean>,
): Promise<number> => {
  const until = performance.now() + duration_ms
  const started = performance.now()
  let done = 0
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (performance.now() < until) if (await call(caller)) done += 1
    }),
  )
  return (done / (performance.now() - started)) * 1_000
}
