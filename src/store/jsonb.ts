import type postgres from 'postgres'
import type { Sql } from './connect.ts'

/** A value as a jsonb parameter. The driver's own type for JSON knows no readonly, hence the cast. */
export const jsonb = (sql: Pick<Sql, 'json'>, value: unknown): postgres.Parameter =>
  sql.json(value as postgres.JSONValue)
