/**
 * What a server says that has reached a limit, of its own or one that somebody set: no fault of what was asked, which may
 * be asked again. Nothing of it was written.
 */

interface Limit {
  readonly what: string
  readonly remedy: string
}

const limits: Readonly<Record<string, Limit>> = {
  '53000': {
    what: 'the server has not the resources for it',
    remedy: 'see the log of the server, then try again',
  },
  '53100': {
    what: 'the disk of the server is full',
    remedy: 'make room there (data directory, WAL, tablespaces), then try again',
  },
  '53200': {
    what: 'the server is out of memory',
    remedy:
      'raise what its message names (max_locks_per_transaction, max_pred_locks_per_transaction), or lower work_mem; then try again',
  },
  '53400': {
    what: 'a limit of the server’s configuration is exceeded',
    remedy: 'raise what its message names (temp_file_limit), for this role or database',
  },
  '55P03': {
    what: 'somebody else holds a lock',
    remedy:
      'end the transaction that holds it (pg_blocking_pids), or raise lock_timeout of this role or database',
  },
  '57014': {
    what: 'the statement was cancelled',
    remedy:
      'raise statement_timeout of this role or database, or see what keeps the server busy; else somebody cancelled it',
  },
  '25P04': {
    what: 'the transaction took too long',
    remedy: 'raise transaction_timeout of this role or database',
  },
  '58030': {
    what: 'the server cannot read or write its files',
    remedy: 'see the log of the server, and its disk',
  },
}

/** By SQLSTATE; undefined: it is something else. */
export const limitOf = (sqlstate: string): Limit | undefined => limits[sqlstate]
