/**
 * Arrays of Postgres's own types. The driver asks the server for them on each new connection, and a
 * connection that breaks just then ends the process by a rejection that nobody can catch (postgres.js
 * 3.4.9, `fetch_types`). They have had the same numbers in every release: here they are.
 */
const array_oids: ReadonlyMap<number, number> = new Map([
  [16, 1000], // boolean
  [17, 1001], // bytea
  [19, 1003], // name
  [20, 1016], // bigint
  [21, 1005], // smallint
  [23, 1007], // integer
  [25, 1009], // text
  [26, 1028], // oid
  [114, 199], // json
  [700, 1021], // real
  [701, 1022], // double precision
  [1043, 1015], // varchar
  [1082, 1182], // date
  [1114, 1115], // timestamp
  [1184, 1185], // timestamptz
  [1700, 1231], // numeric
  [2950, 2951], // uuid
  [3802, 3807], // jsonb
])

/** A brace, or an element; commas and spaces lie between them. */
const tokens = /[{}]|"((?:[^"\\]|\\.)*)"|[^{},"\s]+/gs

const parseArray = (text: string, parse: (text: string) => unknown): readonly unknown[] => {
  const whole: unknown[] = []
  const open: unknown[][] = [whole]
  for (const [token, quoted] of text.matchAll(tokens)) {
    const here = open.at(-1) ?? whole
    if (token === '{') {
      const inner: unknown[] = []
      here.push(inner)
      open.push(inner)
    } else if (token === '}') open.pop()
    else if (quoted !== undefined) here.push(parse(quoted.replace(/\\(.)/gs, '$1')))
    else here.push(token === 'NULL' ? null : parse(token))
  }
  return whole[0] as readonly unknown[]
}

const arrayText = (value: unknown, serialize: (element: unknown) => unknown): unknown => {
  if (!Array.isArray(value)) return value
  const elements = value.map((element: unknown) => {
    if (Array.isArray(element)) return arrayText(element, serialize)
    if (element === null) return 'null'
    if (element === undefined) throw new TypeError('undefined in an array for the database')
    return `"${String(serialize(element)).replace(/["\\]/g, '\\$&')}"`
  })
  return `{${elements.join()}}`
}

/** Teaches a pool's options the arrays of all types that it knows or takes as text. */
export const knowArrays = (options: {
  readonly parsers: Record<number, (text: string) => unknown>
  readonly serializers: Record<number, (value: unknown) => unknown>
}): void => {
  const { parsers, serializers } = options
  for (const [element, array] of array_oids) {
    const parse = parsers[element] ?? String
    const serialize = serializers[element] ?? String
    parsers[array] = (text) => parseArray(text, parse)
    serializers[array] = (value) => arrayText(value, serialize)
  }
}
