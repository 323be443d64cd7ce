/** A JSON value as Postgres jsonb stores it: no undefined, no NaN, no NUL in strings. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** An object of JSON. */
export type JsonObject = { readonly [key: string]: Json }

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
