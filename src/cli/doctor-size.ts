/** How large the log is, and where what has left it is. */
import { existsSync } from 'node:fs'
import { fail, ok, only, warn, type Check } from './doctor-finding.ts'
import { plural, sizeOf } from './print.ts'

/** From there on backups and vacuum take as long as a night. */
const entries_max = 20_000_000
const age_max = 1_000_000_000

export const size: Check = {
  name: 'size',
  of_foreword: true,
  run: async ({ sql, config }) => {
    const row = only(
      await sql<
        {
          database: number
          log: number
          entries: number
          age: number
          archived: number
          files: number
          newest: string | null
        }[]
      >`
        select
          pg_database_size(current_database()) as database,
          pg_total_relation_size('foreword_private.entry')
            + pg_total_relation_size('foreword_private.decision')
            + pg_total_relation_size('foreword_private.premise')
            + pg_total_relation_size('foreword_private.attempt') as log,
          (
            select greatest(c.reltuples, s.n_live_tup, 0)::bigint
            from pg_class c
            join pg_stat_user_tables s on s.relid = c.oid
            where c.oid = 'foreword_private.entry'::regclass
          ) as entries,
          (select coalesce(sum(a.entries), 0)::bigint from foreword.archive a) as archived,
          (select count(*) from foreword.archive a) as files,
          (select a.file from foreword.archive a order by a.id desc limit 1) as newest,
          (
            select age(d.datfrozenxid)::bigint
            from pg_database d
            where d.datname = current_database()
          ) as age`,
    )
    const told = `database ${sizeOf(row.database)}, the log of it ${sizeOf(row.log)}, about ${row.entries} entries; ${row.archived === 0 ? 'nothing is archived' : `${plural(row.archived, 'entry', 'entries')} archived in ${plural(row.files, 'file')}`}`
    if (row.newest !== null && !existsSync(row.newest)) {
      return [
        warn(
          `${told}; the newest file, ${row.newest}, is not on this host`,
          'where it was written: foreword archive --verify',
        ),
      ]
    }
    if (row.entries > entries_max && config.retention === undefined) {
      return [
        warn(
          `${told}, and no retention is configured`,
          'foreword archive --older-than 90d, or retention: { older_than_days: 90 } in the configuration',
        ),
      ]
    }
    return row.age > age_max
      ? [
          fail(
            `${told}; the oldest transaction number is ${row.age} back`,
            'vacuum freeze; end old transactions and replication slots',
          ),
        ]
      : [ok(told)]
  },
}
