/** What somebody tells of a resource without being asked, as a webhook does. */
import * as E from 'fp-ts/lib/Either.js'
import { ForewordError } from './errors.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { isKind, isName } from './names.ts'
import { storable } from './storable.ts'

/** What a webhook tells of a resource. */
export interface Notice {
  readonly scope: string
  readonly kind: string
  readonly name: string
  /** The state that it is said to have, shaped like the spec; null: it is said to be gone. */
  readonly state: Json
  /** The provider's revision of it. Whole numbers are ordered: an older one is passed over. */
  readonly revision?: string
  /** When it was so, as the provider says. It is kept to be shown. */
  readonly observed_at?: Date
  readonly external_id?: string
  readonly outputs?: JsonObject
}

/**
 * - `looking`: it is news; a worker looks what is there within seconds.
 * - `known`: a look has shown it already.
 * - `repeated`, `older`: it was told before, or is older than what is known.
 * - `unknown`: no such resource is assumed to be there.
 */
export type Noted = 'looking' | 'known' | 'repeated' | 'older' | 'unknown'

const wrong = (message: string, remedy: string): ForewordError =>
  new ForewordError(message, { where: 'foreword.observe', remedy, exit_code: 2 })

/** The notice as it can be told, from whatever a program was given by a webhook. Throws a ForewordError. */
export const checkedNotice = (notice: Notice, kinds: ReadonlySet<string>): Notice => {
  const given: { readonly [member: string]: unknown } = { ...notice }
  for (const member of ['scope', 'kind', 'name']) {
    const text = given[member]
    if (member === 'kind' ? isKind(text) : isName(text)) continue
    throw wrong(
      `${member} is no name`,
      'give 1 to 512 characters, no control characters, and no slash in a kind',
    )
  }
  const what = `${notice.kind}/${notice.name}`
  if (kinds.size > 0 && !kinds.has(notice.kind)) {
    const known = [...kinds].toSorted().join(', ')
    throw wrong(`${what}: no provider for that kind`, `known kinds: ${known}`)
  }
  if (given['state'] !== null && !isJsonObject(notice.state)) {
    throw wrong(`${what}: its state is no object`, 'give an object, or null where it is gone')
  }
  for (const member of ['revision', 'external_id']) {
    const text = given[member]
    if (text === undefined || (typeof text === 'string' && /^.{1,512}$/su.test(text))) continue
    throw wrong(
      `${what}: ${member} is no text of 1 to 512 characters`,
      'leave it away where there is none',
    )
  }
  const at: unknown = given['observed_at']
  if (at !== undefined && !(at instanceof Date && Number.isFinite(at.getTime()))) {
    throw wrong(`${what}: observed_at is no Date`, 'leave it away where nobody knows it')
  }
  const kept = storable(notice.observed_at === undefined ? notice : { ...notice, observed_at: 0 })
  if (E.isLeft(kept)) throw wrong(`${what} cannot be kept: ${kept.left}`, 'give JSON')
  return notice
}
