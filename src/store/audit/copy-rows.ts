/**
 * Rows of a query as COPY … (FORMAT binary) sends them: for millions of rows the quickest way out of
 * Postgres. A cursor makes an object and a text of each value; here nothing is made that is not kept.
 */
import type { TransactionSql } from '../connect.ts'

/** One row; the same object for each, so nothing of it may be kept. */
export interface CopiedRow {
  readonly bytes: DataView
  /** Where the value of a column begins. */
  readonly at: (column: number) => number
  readonly isNull: (column: number) => boolean
  /** int8, xid8: exact up to 2^53. */
  readonly int64: (column: number) => number
  readonly boolean: (column: number) => boolean
  readonly text: (column: number) => string
  /** The bytes of columns side by side as a key to look them up by; no text that a person reads. */
  readonly key: (first: number, last: number) => string
}

/** `PGCOPY\n\xff\r\n\0`, flags, and the length of an extension that nobody has made yet. */
const header_bytes = 19

export const int64At = (bytes: DataView, at: number): number =>
  bytes.getInt32(at) * 4_294_967_296 + bytes.getUint32(at + 4)

/** What Postgres sends for a COPY, in pieces of any size. */
async function* pieces(tx: TransactionSql, query: string): AsyncGenerator<Buffer> {
  const stream = await tx.unsafe(`copy (${query}) to stdout (format binary)`).readable()
  try {
    for await (const piece of stream) yield piece as Buffer
  } finally {
    // The driver pauses its socket when a piece is large, and goes on when more is asked for. After
    // the last piece nobody asks, and the next query on this connection would wait for ever.
    stream._read(0)
  }
}

/** Calls `visit` for each row of a query without parameters; the text must be a constant of ours. */
export const copyRows = async (
  tx: TransactionSql,
  query: string,
  visit: (row: CopiedRow) => void,
): Promise<void> => {
  let bytes: DataView = new DataView(new ArrayBuffer(0))
  let buffer: Buffer = Buffer.alloc(0)
  const starts: number[] = []
  const lengths: number[] = []
  const end = (column: number): number => (starts[column] ?? 0) + Math.max(0, lengths[column] ?? 0)
  const row: CopiedRow = {
    get bytes() {
      return bytes
    },
    at: (column) => starts[column] ?? 0,
    isNull: (column) => (lengths[column] ?? -1) < 0,
    int64: (column) => int64At(bytes, starts[column] ?? 0),
    boolean: (column) => bytes.getUint8(starts[column] ?? 0) === 1,
    text: (column) => buffer.toString('utf8', starts[column] ?? 0, end(column)),
    // With the length before each value: null and '' differ in it alone.
    key: (first, last) => buffer.toString('latin1', (starts[first] ?? 4) - 4, end(last)),
  }
  /** Where the row that begins here ends; -1: not all of it has come yet, or it was the last. */
  const endOfRow = (from: number): number => {
    if (from + 2 > buffer.length) return -1
    const columns = bytes.getInt16(from)
    let at = from + 2
    for (let column = 0; column < columns; column++) {
      if (at + 4 > buffer.length) return -1
      const length = bytes.getInt32(at)
      starts[column] = at + 4
      lengths[column] = length
      at += 4 + Math.max(0, length)
    }
    return columns < 0 || at > buffer.length ? -1 : at
  }
  let rest: Buffer = Buffer.alloc(0)
  let begun = false
  for await (const piece of pieces(tx, query)) {
    buffer = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    bytes = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    let at = 0
    if (!begun && buffer.length >= header_bytes) {
      begun = true
      at = header_bytes
    }
    for (let next = begun ? endOfRow(at) : -1; next >= 0; next = endOfRow(at)) {
      visit(row)
      at = next
    }
    rest = buffer.subarray(at)
  }
}
