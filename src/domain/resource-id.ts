import { hash } from 'node:crypto'

/** Ids told before, so that one name is digested once and not at every step. Bounded; forgetting costs a digest. */
const told = new Map<string, string>()
const told_max = 50_000

const digest = (text: string): string => {
  const hex = hash('sha256', text, 'hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
}

/** The id of (scope, kind, name): the first 128 bits of a SHA-256; sql/010_resource_id.sql computes the same. */
export const resourceId = (scope: string, kind: string, name: string): string => {
  const text = `${scope}\u001f${kind}\u001f${name}`
  const known = told.get(text)
  if (known !== undefined) return known
  if (told.size >= told_max) told.clear()
  const id = digest(text)
  told.set(text, id)
  return id
}
