/** Keeps secrets, and whatever a terminal would obey, out of the messages that people and the log get. */

const text_length_max = 300
/** Shorter ones would blank out half of an innocent message. */
const secret_length_min = 4

/** The text without the given values, on one line, cut to a length that suits a log. */
export const hidden = (text: string, values: readonly string[]): string => {
  const secrets = values
    .filter((value) => value.length >= secret_length_min)
    .flatMap((value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
    // The longest first: one secret may be a part of another.
    .sort((a, b) => b.length - a.length)
  let out = text
  for (const secret of secrets) out = out.replaceAll(secret, '[hidden]')
  // eslint-disable-next-line no-control-regex -- texts come from outside; a terminal must not obey them.
  out = out.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
  return out.length > text_length_max ? `${out.slice(0, text_length_max)}…` : out
}
