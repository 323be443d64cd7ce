/** Names that look the same and are not: see domain/spelling.ts. */
import { ok, warn, type Check } from './doctor-finding.ts'

const spellings_max = 5

export const names: Check = {
  name: 'names',
  of_foreword: true,
  run: async ({ sql }) => {
    // Only what is not ASCII is looked at any closer.
    const rows = await sql<{ scope: string; kind: string; name: string; ways: number }[]>`
      select r.scope, r.kind, normalize(r.name) as name, count(*) as ways
      from foreword.resource r
      where
        octet_length(r.name) <> char_length(r.name)
        and (r.desired is not null or r.assumed is not null)
      group by r.scope, r.kind, normalize(r.name)
      having count(*) > 1
      order by r.scope, r.kind, normalize(r.name)
      limit ${spellings_max}`
    return rows.length === 0
      ? [ok('none is spelled in several ways that look the same')]
      : rows.map(({ scope, kind, name, ways }) =>
          warn(
            `${kind}/${name} in ${scope} is spelled in ${ways} ways that look the same (Unicode NFC, NFD): ${ways} resources`,
            'spell it in one way: renamed_from in its stack, or forget one of them',
          ),
        )
  },
}
