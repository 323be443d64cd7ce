/** What may be a name: the same that the tables take, told before anything is sent to them. */

const name_pattern = /^[^\p{Cc}]{1,512}$/u
/** Nearly all names, asked in a fifth of the time: every decision asks for all of its own. */
const plain_pattern = /^[ -~]{1,512}$/

export const isName = (value: unknown): boolean =>
  typeof value === 'string' &&
  (plain_pattern.test(value) || (name_pattern.test(value) && value.isWellFormed()))

/** `KIND/NAME` has one reading. */
export const isKind = (value: unknown): boolean => isName(value) && !String(value).includes('/')

/** `KIND/NAME`, as `needs` write it. */
export const isResourceKey = (value: unknown): boolean => {
  if (typeof value !== 'string') return false
  const slash = value.indexOf('/')
  return slash > 0 && isName(value.slice(0, slash)) && isName(value.slice(slash + 1))
}

/** Whether a text can be kept as it is: Postgres takes no NUL, and half a character is none. */
export const isText = (value: unknown): boolean =>
  typeof value === 'string' && !value.includes('\0') && value.isWellFormed()

/** The tables take as many in a label and its value. */
export const label_chars_max = 512

export const isLong = (text: string): boolean =>
  text.length > label_chars_max && Array.from(text).length > label_chars_max

/** What is wrong with labels, which are an object of texts; null: nothing. */
export const wrongWithLabels = (labels: unknown): string | null => {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    return 'its labels are no object of texts'
  }
  for (const [label, value] of Object.entries(labels)) {
    if (label === '' || !isText(label)) return `${JSON.stringify(label.slice(0, 60))} is no label`
    if (!isText(value)) return `the value of its label ${label.slice(0, 60)} is no text`
    if (isLong(label) || isLong(String(value))) {
      return `its label ${label.slice(0, 60)} or the value of it has more than ${label_chars_max} characters`
    }
  }
  return null
}
