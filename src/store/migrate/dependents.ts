/** What of other people's work stands on schema `foreword` and would fall with it. */
import type { TransactionSql } from '../connect.ts'
import { ForewordError } from '../../domain/errors.ts'

/** Schemas of ours. The first two are rebuilt, the third is never dropped. */
const rebuilt = ['foreword', 'foreword_code']
const ours = [...rebuilt, 'foreword_private']

/**
 * Walks the catalog as `drop … cascade` would: from each object to what depends on it, and from a
 * part (a view's rule, a column's default) to the whole that cannot be without it.
 */
const dependents = async (tx: TransactionSql): Promise<readonly string[]> => {
  const rows = await tx<{ what: string }[]>`
    with recursive falling (classid, objid) as (
      select 'pg_namespace'::regclass::oid, n.oid
      from pg_namespace n
      where n.nspname = any (${rebuilt})
      union
      select next.classid, next.objid
      from falling f
      cross join lateral (
        select d.classid, d.objid
        from pg_depend d
        where d.refclassid = f.classid and d.refobjid = f.objid
        union all
        select d.refclassid, d.refobjid
        from pg_depend d
        where d.classid = f.classid and d.objid = f.objid and d.deptype in ('i', 'P', 'S')
          and d.refclassid <> 'pg_namespace'::regclass
      ) next
    )
    select distinct i.type || ' ' || i.identity as what
    from falling f
    cross join lateral pg_identify_object(f.classid, f.objid, 0) i
    cross join lateral pg_identify_object_as_address(f.classid, f.objid, 0) a
    where i.type not in ('schema', 'type', 'composite type')
      and i.identity not like '"_RETURN" on %'
      and not coalesce(i.schema, a.object_names[1]) = any (${ours})
    order by 1`
  return rows.map(({ what }) => what)
}

/** Refuses to drop what others built on our views; nothing is changed. */
export const refuseToDropOthers = async (tx: TransactionSql, where: string): Promise<void> => {
  const found = await dependents(tx)
  if (found.length === 0) return
  const shown = found.slice(0, 5).join(', ')
  const more = found.length > 5 ? ` and ${String(found.length - 5)} more` : ''
  throw new ForewordError(
    `rebuilding schema foreword would drop what you built on it: ${shown}${more}`,
    {
      where,
      remedy: 'drop them, run `foreword migrate`, and create them again',
    },
  )
}

/** Roles whose rights are this release's affair: sql/900_roles.sql. */
const our_roles = ['foreword_decider', 'foreword_applier', 'foreword_reader', 'foreword_operator']

/** A right that somebody was given on a schema, view or function of ours. */
interface Grant {
  readonly on: string
  readonly probe: string
  readonly statement: string
}

/** Rights that others were given on our views and functions: a rebuild makes new objects, without them. */
export const readGrants = async (tx: TransactionSql): Promise<readonly Grant[]> =>
  tx<Grant[]>`
    with object (on_what, probe, owner, acl) as (
      select 'schema ' || quote_ident(nspname), quote_ident(nspname), nspowner, nspacl
      from pg_namespace where nspname = 'foreword'
      union all
      select 'table ' || c.oid::regclass, c.oid::regclass::text, c.relowner, c.relacl
      from pg_class c
      where c.relnamespace = to_regnamespace('foreword') and c.relkind in ('v', 'm')
      union all
      select 'routine ' || p.oid::regprocedure, p.oid::regprocedure::text, p.proowner, p.proacl
      from pg_proc p
      where p.pronamespace = to_regnamespace('foreword')
    )
    select
      on_what as on,
      probe,
      format(
        'grant %s on %s to %s%s', right_.privilege_type, on_what,
        quote_ident(r.rolname),
        case when right_.is_grantable then ' with grant option' else '' end
      ) as statement
    from object
    cross join lateral aclexplode(acl) right_
    -- Not those of PUBLIC (no such role), nor of our roles: what this release takes from them stays taken.
    join pg_roles r on r.oid = right_.grantee and r.rolname <> all (${our_roles})
    where right_.grantee <> owner`

/** Gives them back, where the object still exists under its name. */
export const restoreGrants = async (
  tx: TransactionSql,
  grants: readonly Grant[],
): Promise<void> => {
  for (const { on, probe, statement } of grants) {
    const [row] = await tx<{ there: boolean }[]>`
      select case split_part(${on}, ' ', 1)
        when 'schema' then to_regnamespace(${probe}) is not null
        when 'table' then to_regclass(${probe}) is not null
        else to_regprocedure(${probe}) is not null
      end as there`
    if (row?.there === true) await tx.unsafe(statement)
  }
}
