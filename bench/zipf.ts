/**
 * Numbers below n as popularity has them: rank i is drawn with a probability proportional to
 * 1 / (i + 1)^theta. By inversion: the exact inverse of the cumulative sums, by binary search (Devroye,
 * "Non-Uniform Random Variate Generation", 1986, III.2), not the approximation that is usual in
 * benchmarks and breaks at theta >= 1 (Gray et al., "Quickly Generating Billion-Record Synthetic
 * Databases", SIGMOD 1994), from which the name `theta` comes. theta 0 is uniform.
 */

/** Seeded, for the same draws on every side (mulberry32, 32 bits of state, in the public domain). */
export const seeded = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let h = Math.imul(state ^ (state >>> 15), state | 1)
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61)
    return ((h ^ (h >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** A table of n sums, to be shared by all who draw. */
export const zipf = (n: number, theta: number): ((random: () => number) => number) => {
  const sums = new Float64Array(n)
  let sum = 0
  for (let i = 0; i < n; i++) sums[i] = sum += (i + 1) ** -theta
  return (random) => {
    const drawn = random() * sum
    let [low, high] = [0, n - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) > drawn) high = middle
      else low = middle + 1
    }
    return low
  }
}
