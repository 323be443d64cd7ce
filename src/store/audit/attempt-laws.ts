/** Laws of calls: what an intent says of its attempts, what these say themselves, and what persons ruled of them. */
import { named, type LawSql } from './law-sql.ts'

export const effects_were_attempted: LawSql = {
  checked: `select count(*) from foreword_private.entry where state in ('applied', 'confirmed')`,
  breaches: `
    select
      'intent ' || e.id || ', ' || ${named('e.resource')} as subject,
      format('%s, and no attempt that can have done it', e.state) as what
    from foreword_private.entry e
    where
      e.state in ('applied', 'confirmed')
      and not exists (
        select
        from foreword_private.attempt a
        where a.entry = e.id and a.outcome in ('applied', 'in_doubt')
      )`,
}

export const one_open_attempt: LawSql = {
  checked: 'select count(*) from foreword_private.attempt where outcome is null',
  breaches: `
    select
      'intent ' || o.entry || coalesce(', ' || ${named('e.resource')}, '') as subject,
      format(
        'open attempts %s, the intent is %s at attempt %s',
        array_to_string(o.numbers, ', '), coalesce(e.state, 'not there'), coalesce(e.attempts, 0)
      ) as what
    from (
      select entry, array_agg(number order by number) as numbers
      from foreword_private.attempt
      where outcome is null
      group by entry
    ) o
    left join foreword_private.entry e on e.id = o.entry
    where
      cardinality(o.numbers) > 1
      or e.state not in ('applying', 'accepted')
      or o.numbers[1] <> e.attempts`,
}

export const attempts_are_counted: LawSql = {
  checked: 'select count(*) from foreword_private.attempt',
  breaches: `
    select
      'intent ' || coalesce(e.id, a.entry) || coalesce(', ' || ${named('e.resource')}, '') as subject,
      case
        when e.id is null then format('%s attempts, and no such intent', a.attempts)
        when e.attempts <> coalesce(a.attempts, 0) or a.lowest <> 1 or a.highest <> a.attempts
          then format('it counts %s attempts, there are %s, numbered %s to %s',
            e.attempts, coalesce(a.attempts, 0), a.lowest, a.highest)
        else 'an attempt was made under another idempotency key'
      end as what
    from (
      select id, resource, version, attempts
      from foreword_private.entry
    ) e
    full join (
      select
        entry,
        count(*) as attempts,
        min(number) as lowest,
        max(number) as highest,
        min(idempotency_key) as first_key,
        max(idempotency_key) as last_key
      from foreword_private.attempt
      group by entry
    ) a on a.entry = e.id
    where
      e.id is null
      or e.attempts <> coalesce(a.attempts, 0)
      or a.lowest <> 1
      or a.highest <> a.attempts
      -- As foreword_code.idempotency_key derives it.
      or a.first_key <> 'fw-' || encode(uuid_send(e.resource), 'hex') || '-' || e.version
      or a.last_key <> a.first_key`,
}

const of_doubt = `l.ruling in ('happened', 'did_not_happen', 'retry', 'abandon')`
const taking_back = `l.ruling in ('abandon', 'cancel')`

export const rulings_were_due: LawSql = {
  checked: 'select count(*) from foreword_private.ruling',
  breaches: `
    select
      'ruling ' || l.id || coalesce(', ' || ${named('e.resource')}, '') as subject,
      case
        when e.id is null then format('on intent %s, and there is none', l.entry)
        when ${of_doubt} and not d.in_doubt
          then format('%s, and no call was in doubt', l.ruling)
        else format('%s, and the intent is %s', l.ruling, e.state)
      end as what
    from foreword_private.ruling l
    left join foreword_private.entry e on e.id = l.entry and e.cause = 'intent'
    cross join lateral (
      select exists (
        select
        from foreword_private.attempt a
        where a.entry = l.entry and a.number <= l.attempts and a.outcome in ('in_doubt', 'applied')
      ) as in_doubt
    ) d
    where
      e.id is null
      or (${of_doubt} and not d.in_doubt)
      -- Until its version is taken back it is rejected, and open.
      or (
        ${taking_back}
        and e.state <> 'cancelled'
        and (e.state <> 'rejected' or e.settled_at is not null)
      )
    union all
    select
      'intent ' || e.id || ', ' || ${named('e.resource')},
      'cancelled, and nobody has ruled so'
    from foreword_private.entry e
    where
      e.state = 'cancelled'
      and not exists (
        select from foreword_private.ruling l where l.entry = e.id and ${taking_back}
      )`,
}
