import { hash } from 'node:crypto'

/**
 * Ids told before, so that one name is digested once and not at every step. By its parts, whose hashes the engine has
 * at hand: a key joined of them would be made and hashed anew each time. Bounded; forgetting costs a digest.
 */
const told = new Map<string, Map<string, Map<string, string>>>()
const told_max = 50_000
let told_count = 0

const within = <A>(map: Map<string, Map<string, A>>, key: string): Map<string, A> => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = new Map<string, A>()
  map.set(key, made)
  return made
}

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
  const known = told.get(scope)?.get(kind)?.get(name)
  if (known !== undefined) return known
  if (told_count >= told_max) {
    told.clear()
    told_count = 0
  }
  const id = digest(`${scope}\u001f${kind}\u001f${name}`)
  within(within(told, scope), kind).set(name, id)
  told_count += 1
  return id
}
