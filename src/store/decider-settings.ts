/**
 * Sessions of deciders. Only index-driven plans: a sequential scan, a hash or merge join over a whole
 * index would lock the table against everyone; an index-only scan locks pages instead of rows.
 */
export const decider_settings: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_bitmapscan: 'off',
  enable_indexonlyscan: 'off',
  random_page_cost: '1.1',
  plan_cache_mode: 'force_generic_plan',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  idle_in_transaction_session_timeout: '500',
  lock_timeout: '2000',
  // The literals of record-text.ts rely on it.
  standard_conforming_strings: 'on',
}
