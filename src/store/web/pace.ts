/** How fast intents were settled of late, and how often decisions had to be decided again meanwhile. */
import type { Pace } from '../../domain/web-ports.ts'
import type { TransactionSql } from '../connect.ts'

/** Enough to see a trend, and few enough to be read every few seconds. */
const intents_max = 1_000
const bars = 40
const conflicts_max = 10_000

interface Totals {
  readonly began: Date | null
  readonly ended: Date
  readonly intents: number
  readonly settled: number
  readonly median_ms: number | null
  readonly slowest_ms: number | null
  readonly settled_by_bar: readonly number[] | null
}

const readTotals = (tx: TransactionSql) => tx<Totals[]>`
  with newest as materialized (
    select i.decided_at, i.settled_at
    from foreword.intent i
    order by i.id desc
    limit ${intents_max}
  ),
  whole as (
    select
      min(n.decided_at) as began,
      clock_timestamp() as ended,
      count(*) as intents,
      count(n.settled_at) as settled,
      percentile_cont(0.5) within group (
        order by extract(epoch from n.settled_at - n.decided_at)
      ) * 1000 as median_ms,
      percentile_cont(0.95) within group (
        order by extract(epoch from n.settled_at - n.decided_at)
      ) * 1000 as slowest_ms
    from newest n
  ),
  counted as (
    select b.bar, count(n.settled_at) as settled
    from whole w
    cross join generate_series(1, ${bars}) as b (bar)
    left join newest n
      on n.settled_at >= w.began
      and least(
        ${bars},
        1 + floor(
          ${bars} * extract(epoch from n.settled_at - w.began)
            / greatest(extract(epoch from w.ended - w.began), 0.001)
        )
      ) = b.bar
    group by b.bar
  )
  select w.*, (select array_agg(c.settled::integer order by c.bar) from counted c) as settled_by_bar
  from whole w`

export const readPace = async (tx: TransactionSql): Promise<Pace | null> => {
  const [row] = await readTotals(tx)
  if (row === undefined || row.began === null) return null
  const { began, settled_by_bar, ...totals } = row
  const [conflicts] = await tx<{ count: number }[]>`
    select count(*) as count
    from (
      select
      from foreword.conflict c
      where c.at >= ${began}
      limit ${conflicts_max}
    ) c`
  return { ...totals, began, bars: settled_by_bar ?? [], conflicts: conflicts?.count ?? 0 }
}
