/** What foreword has made of the database: its release, its indexes, its tables' health, who may do what. */
import type { SqlFile } from '../store/migrate/files.ts'
import { fail, ok, only, warn, type Check, type Probe, type Said } from './doctor-finding.ts'
import { plural, span } from './print.ts'

const migrate_remedy = 'run `foreword migrate`'

const names_max = 5
const listed = (names: readonly string[]): string =>
  names.length > names_max
    ? `${names.slice(0, names_max).join(', ')} and ${names.length - names_max} more`
    : names.join(', ')

const deployed: Check = {
  name: 'release',
  of_foreword: true,
  run: async ({ sql, release, version }) => {
    const { hash } = only(
      await sql<{ hash: string | null }[]>`select foreword_code.deployed_hash() as hash`,
    )
    if (hash === release.hash) return [ok(`the database is of foreword ${version}, as this one`)]
    const says =
      hash === null
        ? 'the log has come from another server, and nobody has migrated since'
        : `the database is of another release than foreword ${version}`
    return [fail(says, `${migrate_remedy} with the newer of the two`)]
  },
}

/** Indexes that the migrations at hand make and do not drop again. */
const expectedIndexes = ({ release }: Probe): readonly string[] => {
  const names = new Set<string>()
  for (const migration of release.migrations) {
    const text = migration.getSql().replace(/--.*$/gm, '')
    for (const [, drop, name = ''] of text.matchAll(
      /\b(?:(drop)|create(?: unique)?) index (?:concurrently )?(?:if (?:not )?exists )?(?:foreword_private\.)?(\w+)/gi,
    )) {
      if (drop === undefined) names.add(name)
      else names.delete(name)
    }
  }
  return [...names]
}

interface Index {
  readonly name: string
  readonly on: string
  readonly valid: boolean
  readonly primary: boolean
}

const indexes: Check = {
  name: 'indexes',
  of_foreword: true,
  run: async (probe) => {
    const there = await probe.sql<Index[]>`
      select
        i.relname as name,
        t.relname as on,
        x.indisvalid and x.indisready as valid,
        x.indisprimary as primary
      from pg_index x
      join pg_class i on i.oid = x.indexrelid
      join pg_class t on t.oid = x.indrelid
      where t.relnamespace = 'foreword_private'::regnamespace`
    const keyless = await probe.sql<{ name: string }[]>`
      select c.relname as name
      from pg_class c
      where
        c.relnamespace = 'foreword_private'::regnamespace
        and c.relkind = 'r'
        and c.relname <> all (array['migration', 'deployment'])
        and not exists (select from pg_index x where x.indrelid = c.oid and x.indisprimary)`
    const names = new Set(there.map(({ name }) => name))
    const missing = expectedIndexes(probe).filter((name) => !names.has(name))
    const invalid = there.filter(({ valid }) => !valid).map(({ name }) => name)
    const said = [
      ...(missing.length === 0
        ? []
        : [
            fail(
              `missing: ${listed(missing)}`,
              'make them again as migrations/ says; restore what dropped them',
            ),
          ]),
      ...(keyless.length === 0
        ? []
        : [
            fail(
              `without a primary key: ${listed(keyless.map(({ name }) => name))}`,
              'make it again as migrations/ says',
            ),
          ]),
      ...invalid.map((name) =>
        fail(`${name} is invalid`, `reindex index foreword_private.${name}`),
      ),
    ]
    return said.length > 0
      ? said
      : [ok(`${plural(there.length, 'index', 'indexes')}, all there and valid`)]
  },
}

interface Table {
  readonly name: string
  readonly live: number
  readonly dead: number
  readonly updates: number
  readonly hot: number
  readonly bytes: number
  readonly vacuumed_s: number | null
}

const dead_min = 10_000
const updates_min = 1_000
const hot_share_min = 0.9
/** A row of it is a state: what takes more room than this for each is mostly holes. */
const bytes_of_row_max = 64 * 1024

const tables: Check = {
  name: 'tables',
  of_foreword: true,
  run: async ({ sql }) => {
    const rows = await sql<Table[]>`
      select
        s.relname as name,
        s.n_live_tup as live,
        s.n_dead_tup as dead,
        s.n_tup_upd as updates,
        s.n_tup_hot_upd as hot,
        pg_table_size(s.relid) as bytes,
        extract(
          epoch from clock_timestamp() - greatest(s.last_autovacuum, s.last_vacuum)
        )::double precision as vacuumed_s
      from pg_stat_user_tables s
      where s.schemaname = 'foreword_private'
      order by s.n_dead_tup desc`
    const said: Said[] = []
    for (const { name, live, dead, vacuumed_s } of rows) {
      if (dead < dead_min || dead < live / 2) continue
      const last =
        vacuumed_s === null ? 'never vacuumed' : `vacuumed ${span(vacuumed_s * 1_000)} ago`
      said.push(
        warn(
          `${name}: ${dead} dead rows beside ${live} live ones, ${last}`,
          `end old transactions (see margin), then vacuum foreword_private.${name}`,
        ),
      )
    }
    const state = rows.find(({ name }) => name === 'resource_state')
    if (state !== undefined) said.push(...hotness(state))
    return said.some(({ level }) => level !== 'ok')
      ? said.filter(({ level }) => level !== 'ok')
      : [...said, ok(`dead rows: ${rows[0]?.dead ?? 0} at most, in ${rows[0]?.name ?? ''}`)]
  },
}

/** An update that is not HOT enters the index page that readers of other rows have locked, and aborts them. */
const hotness = ({ live, updates, hot, bytes }: Table): readonly Said[] => {
  const share = hot / Math.max(1, updates)
  const told = `resource_state: ${updates === 0 ? 'not updated yet' : `${(share * 100).toFixed(1)} % of ${updates} updates HOT`}`
  if (updates > updates_min && share < hot_share_min) {
    return [
      warn(
        `${told}: the others abort readers of their neighbours`,
        'drop any index on it but its key; keep its fillfactor; vacuum full it once if it has grown',
      ),
    ]
  }
  if (live > updates_min && bytes / live > bytes_of_row_max) {
    return [
      warn(
        `${told}; ${Math.round(bytes / live)} bytes for each row`,
        'vacuum full foreword_private.resource_state, with the workers stopped',
      ),
    ]
  }
  return [ok(told)]
}

interface Grants {
  readonly role: string
  readonly reads_views: boolean
  readonly routines: readonly string[]
}

/** What `sql/900_roles.sql` at hand gives to whom. */
const expectedGrants = (objects: readonly SqlFile[]): readonly Grants[] => {
  const text = objects.find(({ name }) => name === '900_roles.sql')?.text ?? ''
  return [...text.matchAll(/\(\s*'(foreword_\w+)',\s*(true|false),\s*array\[([^\]]*)\]/g)].map(
    ([, role = '', reads = '', list = '']) => ({
      role,
      reads_views: reads === 'true',
      routines: [...list.matchAll(/'([^']+)'/g)].map(([, name = '']) => name),
    }),
  )
}

interface Granted {
  readonly on: string
  readonly sort: 'routine' | 'view' | 'table'
  readonly grantee: string
}

const grantedIn = ({ sql }: Probe) => sql<Granted[]>`
  select
    g.on,
    g.sort,
    coalesce(r.rolname, 'everybody') as grantee
  from (
    select
      p.pronamespace::regnamespace || '.' || p.proname as on,
      'routine' as sort,
      a.grantee,
      p.proowner as owner
    from pg_proc p
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where p.pronamespace in ('foreword'::regnamespace, 'foreword_code'::regnamespace)
    union all
    select
      c.relnamespace::regnamespace || '.' || c.relname,
      case when c.relkind = 'v' then 'view' else 'table' end,
      a.grantee,
      c.relowner
    from pg_class c
    cross join lateral aclexplode(c.relacl) a
    where
      c.relkind in ('r', 'v', 'm')
      and c.relnamespace in ('foreword'::regnamespace, 'foreword_private'::regnamespace)
  ) g
  left join pg_roles r on r.oid = g.grantee
  where g.grantee <> g.owner`

const grants_remedy = 'run `foreword migrate`, or as the owner: select foreword_code.grant_roles()'

const missingGrants = (
  expected: readonly Grants[],
  granted: readonly Granted[],
  views: readonly string[],
): readonly Said[] =>
  expected.flatMap(({ role, reads_views, routines }) => {
    const has = new Set(granted.filter(({ grantee }) => grantee === role).map(({ on }) => on))
    const lacks = [...routines, ...(reads_views ? views : [])].filter((on) => !has.has(on))
    return lacks.length === 0 ? [] : [fail(`${role} lacks ${listed(lacks)}`, grants_remedy)]
  })

/** Asked by views, as whoever reads these. */
const for_everybody = ['foreword_code.live_kinds', 'foreword_code.without_paths']

/** Roles of the user's own may be given what they like; tables are for nobody, and no other routine for everybody. */
const extraGrants = (expected: readonly Grants[], granted: readonly Granted[]): readonly Said[] => {
  const ours = new Map(expected.map(({ role, routines }) => [role, new Set(routines)]))
  const extra = granted.filter(({ on, sort, grantee }) => {
    if (grantee === 'everybody' && for_everybody.includes(on)) return false
    if (sort === 'table' || grantee === 'everybody') return sort !== 'view'
    return sort === 'routine' && ours.get(grantee)?.has(on) === false
  })
  const told = [...new Set(extra.map(({ on, grantee }) => `${on} to ${grantee}`))]
  return told.length === 0
    ? []
    : [warn(`granted beyond what foreword gives: ${listed(told)}`, 'revoke it')]
}

const roles: Check = {
  name: 'roles',
  of_foreword: true,
  run: async (probe) => {
    const expected = expectedGrants(probe.release.objects)
    const names = expected.map(({ role }) => role)
    const there = await probe.sql<{ name: string }[]>`
      select r.rolname as name from pg_roles r where r.rolname = any (${names}::text[])`
    const views = await probe.sql<{ name: string }[]>`
      select 'foreword.' || c.relname as name
      from pg_class c
      where c.relnamespace = 'foreword'::regnamespace and c.relkind = 'v'`
    const known = new Set(there.map(({ name }) => name))
    const missing = names.filter((name) => !known.has(name))
    const granted = await grantedIn(probe)
    const said = [
      ...missing.map((role) =>
        warn(`there is no role ${role}`, `create role ${role} nologin; then ${grants_remedy}`),
      ),
      ...missingGrants(
        expected.filter(({ role }) => known.has(role)),
        granted,
        views.map(({ name }) => name),
      ),
      ...extraGrants(expected, granted),
    ]
    return said.length > 0
      ? said
      : [ok(`${names.join(', ')} may do what they should, and nobody reaches a table`)]
  },
}

export const schemaChecks: readonly Check[] = [deployed, indexes, tables, roles]
