/** The sessions of one process. */
import type { Limits } from '../domain/config.ts'
import { connectSql } from './connect.ts'
import { decider_settings } from './decider-settings.ts'

/** Sessions for whatever else, for deciders, and for the hints that need not last. */
export const openPools = (url: string, limits: Limits) => ({
  sql: connectSql({ url, application_name: 'foreword:main', max: 4 }),
  deciding: connectSql({
    url,
    application_name: 'foreword:decide',
    max: limits.pool_connections_max,
    connection: decider_settings,
  }),
  waking_up: connectSql({
    url,
    application_name: 'foreword:wake',
    max: 1,
    connection: { synchronous_commit: 'off' },
  }),
})
