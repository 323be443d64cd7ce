import { randomBytes } from 'node:crypto'

/**
 * A new id for a decision: a UUID of version 7 (RFC 9562), its first 48 bits the time in milliseconds.
 * Ids of one time lie side by side in the index, so that a decision dirties no page of its own.
 */
export const newDecisionId = (now_ms: number): string => {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now_ms, 0, 6)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
