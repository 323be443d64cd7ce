/** Tells the database what somebody has seen, as a webhook does. */
import type { Notice, Noted } from '../domain/notice.ts'
import type { Sql } from './connect.ts'
import { jsonb } from './jsonb.ts'

export const tell = async (sql: Sql, notice: Notice): Promise<Noted> => {
  const { scope, kind, name, state } = notice
  const [row] = await sql<{ noted: Noted }[]>`
    select foreword.observe(
      ${scope},
      ${kind},
      ${name},
      ${state === null ? null : jsonb(sql, state)},
      revision => ${notice.revision ?? null},
      observed_at => ${notice.observed_at ?? null},
      external_id => ${notice.external_id ?? null},
      outputs => ${jsonb(sql, notice.outputs ?? {})}
    ) as noted`
  if (row === undefined) throw new Error('foreword.observe returned nothing')
  return row.noted
}
