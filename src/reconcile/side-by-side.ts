/** Runs over all, so many at once. */
export const sideBySide = async <A>(
  all: readonly A[],
  concurrency: number,
  work: (one: A) => Promise<void>,
): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) await work(all[at] as A)
  }
  const lanes = Math.max(1, Math.min(concurrency, all.length))
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane))
  const failed = ended.find((lane_end) => lane_end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
