/** What a person says on the page: the same functions as the command line's. */
import type { RulingRequest, RulingResult, WebRulings } from '../../domain/web-story-ports.ts'
import { codeOf, type Sql, type TransactionSql } from '../connect.ts'
import { serializably } from '../system.ts'
import { takingRole } from './session.ts'

const ask = (tx: TransactionSql, { intent, ruling, by, note, external_id }: RulingRequest) => {
  if (ruling === 'approve') {
    return tx<{ state: string }[]>`select foreword.approve(${intent}, ${by}, ${note}) as state`
  }
  if (ruling === 'cancel') {
    return tx<{ state: string }[]>`select foreword.cancel(${intent}, ${by}, ${note}) as state`
  }
  return tx<{ state: string }[]>`
    select foreword.resolve(${intent}, ${ruling}, ${by}, ${note}, ${external_id}) as state`
}

/** Somebody has called for it, or ruled on it, since the page was shown: what it says may not hold any more. */
const moved: RulingResult = {
  type: 'refused',
  why: 'The intent has moved since you looked',
  remedy: 'Look again: its evidence is another now.',
}

const textOf = (error: unknown, key: 'message' | 'hint'): string => {
  const text: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, key) : undefined
  return typeof text === 'string' ? text : ''
}

/**
 * Serializable, so that what is taken back is taken back at once, worker or none. `wake`: tells the workers,
 * who would find it by themselves within a second.
 */
export const webRulings = (sql: Sql, wake: () => void): WebRulings => {
  const asOperator = takingRole(sql, 'foreword_operator')
  const rule = async (request: RulingRequest): Promise<RulingResult> => {
    let result: RulingResult = moved
    await serializably(sql, async (tx) => {
      await asOperator(tx)
      const [row] = await ask(tx, request)
      // After the row is locked, so that nobody can come in between. Thrown: the ruling is taken back.
      const [now] = await tx<{ attempts: number }[]>`
        select i.attempts from foreword.intent i where i.id = ${request.intent}`
      if (now?.attempts !== request.attempts) throw Object.assign(new Error(), { code: 'FW_MOVED' })
      result = { type: 'ruled', state: row?.state ?? '' }
    })
    return result
  }
  return {
    rule: async (request) => {
      try {
        const result = await rule(request)
        wake()
        return result
      } catch (error) {
        if (codeOf(error) === 'FW_MOVED') return moved
        if (!codeOf(error).startsWith('FW')) throw error
        return { type: 'refused', why: textOf(error, 'message'), remedy: textOf(error, 'hint') }
      }
    },
  }
}
