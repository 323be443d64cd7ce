/** Runs of `work` never overlap; calls during a run make one more run after it. */
export const coalesced = (work: () => Promise<void>): (() => Promise<void>) => {
  let current: Promise<void> | null = null
  let again: Promise<void> | null = null
  const run = (): Promise<void> => {
    current = work().finally(() => {
      current = null
    })
    return current
  }
  return () => {
    if (current === null) return run()
    again ??= current
      .catch(() => undefined)
      .then(() => {
        again = null
        return run()
      })
    return again
  }
}
