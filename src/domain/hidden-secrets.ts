/** Keeps what this process has resolved out of whatever is written: the log, tables, terminals. */

/** Shorter ones would blank out half of an innocent message. */
const secret_length_min = 4
/** Rotated secrets leave old ones behind. */
const remembered_max = 1_000

/** Never written anywhere itself. */
const known = new Set<string>()

export const rememberSecret = (value: string): string => {
  if (value.length >= secret_length_min && known.size < remembered_max) known.add(value)
  return value
}

/** The text without any secret that this process has resolved, whoever wrote it in there. */
export const withoutSecrets = (text: string): string => {
  let out = text
  for (const value of [...known].toSorted((a, b) => b.length - a.length)) {
    for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) {
      out = out.replaceAll(form, '[hidden]')
    }
  }
  return out
}
