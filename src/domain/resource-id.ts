import { createHash } from 'node:crypto'

/** The id of (scope, kind, name): the first 128 bits of a SHA-256; sql/010_resource_id.sql computes the same. */
export const resourceId = (scope: string, kind: string, name: string): string => {
  const hex = createHash('sha256').update([scope, kind, name].join('\u001f'), 'utf8').digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
}
