/** Calls of which only so many run at once: each may wait for others with a connection in hand, and there are few of those. */
export const fewAtOnce = <Args extends readonly unknown[], A>(
  max: number,
  call: (...args: Args) => Promise<A>,
): ((...args: Args) => Promise<A>) => {
  let free = max
  const waiting: (() => void)[] = []
  return async (...args) => {
    if (free > 0) free -= 1
    // Whoever ends hands his place on.
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await call(...args)
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}

/** A call comes to nothing, at once, while one of its key waits or runs. */
export const unlessUnderWay = <A>(
  keyOf: (of: A) => number,
  call: (of: A) => Promise<void>,
): ((of: A) => Promise<void>) => {
  const under_way = new Set<number>()
  return async (of) => {
    const key = keyOf(of)
    if (under_way.has(key)) return
    under_way.add(key)
    try {
      await call(of)
    } finally {
      under_way.delete(key)
    }
  }
}
