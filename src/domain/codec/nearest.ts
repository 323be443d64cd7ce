/** Which known word a person probably meant. Distances count one transposition as one slip. */

/** Longer words are compared by their beginning: nobody mistypes the 65th letter, and time is square. */
const compared_chars_max = 64

const distance = (from: string, to: string): number => {
  const a = from.slice(0, compared_chars_max).toLowerCase()
  const b = to.slice(0, compared_chars_max).toLowerCase()
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let slips = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) slips = Math.min(slips, (before[j - 2] ?? 0) + 1)
      row.push(slips)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The known words, those most like `word` first; equally near ones stay in their order. */
export const nearestFirst = (word: string, known: readonly string[]): readonly string[] =>
  known
    .map((candidate) => ({ candidate, slips: distance(word, candidate) }))
    .sort((a, b) => a.slips - b.slips)
    .map(({ candidate }) => candidate)

/** The known word most like `word`; undefined where nothing is known. */
export const nearest = (word: string, known: readonly string[]): string | undefined =>
  nearestFirst(word, known)[0]
