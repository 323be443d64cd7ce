/** Each value of a label is a time series for as long as the process lives; names come from outside. */

const values_max = 100

/** The first hundred values as they are, all others as `other`. */
export const bounded = (): ((value: string) => string) => {
  const known = new Set<string>()
  return (value) => {
    if (known.has(value)) return value
    if (known.size >= values_max) return 'other'
    known.add(value)
    return value
  }
}
