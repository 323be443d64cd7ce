/**
 * The settings of a Postgres that foreword owns, each with its reason. They are written anew at
 * every start, so that they follow the version of foreword; what a user changes with ALTER SYSTEM
 * is read after them and wins.
 */
export interface Setting {
  readonly name: string
  readonly value: string
  /** Why this value, or what goes wrong with another. */
  readonly reason: string
  /** Also right for a server that foreword does not own: `foreword doctor` compares it. */
  readonly advised: boolean
}

const deciding: readonly Setting[] = [
  {
    name: 'max_pred_locks_per_page',
    value: '64',
    reason:
      'At the default of 2 a third row read on a page locks the page, and deciders of its other rows abort for nothing.',
    advised: true,
  },
  {
    name: 'max_pred_locks_per_relation',
    value: '10000',
    reason:
      'At the default 32 rows read from a table lock all of it; one find may return 1000, and a decision may have several.',
    advised: true,
  },
  {
    name: 'max_pred_locks_per_transaction',
    value: '64',
    reason:
      'The lock table is this times all connections and prepared transactions: raised together with those it only costs memory.',
    advised: true,
  },
  {
    name: 'max_prepared_transactions',
    value: '5000',
    reason:
      'Never used for two-phase commit: it sizes the memory of committed transactions. Once that is full Postgres summarises, with 50 % false aborts and missed conflicts.',
    advised: true,
  },
  {
    name: 'random_page_cost',
    value: '1.1',
    reason:
      'At the default of 4 the planner prefers sequential scans, and each locks a whole table against all deciders.',
    advised: true,
  },
  {
    name: 'synchronous_commit',
    value: 'on',
    reason: 'An acknowledged decision or outcome must be on disk: a call may follow it.',
    advised: true,
  },
]

const keeping: readonly Setting[] = [
  {
    name: 'max_connections',
    value: '150',
    reason: 'A dozen workers with pools of 10 and some people with psql.',
    advised: false,
  },
  {
    name: 'shared_buffers',
    value: '128MB',
    reason: 'Fits every machine; the hot tables are small, the log is appended to.',
    advised: false,
  },
  {
    name: 'fsync',
    value: 'on',
    reason: 'Without it a power cut can take acknowledged intents, or the whole database.',
    advised: true,
  },
  {
    name: 'full_page_writes',
    value: 'on',
    reason: 'Without it a power cut can leave half-written pages.',
    advised: true,
  },
  {
    name: 'listen_addresses',
    value: '127.0.0.1',
    reason: 'Nobody else on the network has any business here.',
    advised: false,
  },
  {
    name: 'unix_socket_directories',
    value: '',
    reason: 'A socket path may be at most 107 bytes long, and folders of projects are longer.',
    advised: false,
  },
  {
    name: 'password_encryption',
    value: 'scram-sha-256',
    reason: 'pg_hba.conf asks for it.',
    advised: false,
  },
  {
    name: 'TimeZone',
    value: 'UTC',
    reason: 'Crontab lines and times in views mean UTC everywhere.',
    advised: false,
  },
  {
    name: 'search_path',
    value: 'public',
    reason:
      'By default it begins with the schema of the user’s name, which is ours: a table made there would go with the next release.',
    advised: false,
  },
  { name: 'log_timezone', value: 'UTC', reason: 'Log lines compare with views.', advised: false },
  {
    name: 'lc_messages',
    value: 'C',
    reason: 'Messages can be searched for, and errors are the same for everybody.',
    advised: false,
  },
  {
    name: 'log_min_messages',
    value: 'log',
    reason:
      'Leaves out ERROR: an aborted decision is an error to Postgres and daily business to us, and would fill the disk.',
    advised: false,
  },
  {
    name: 'log_checkpoints',
    value: 'off',
    reason: 'Two lines every five minutes that nobody needs.',
    advised: false,
  },
  {
    name: 'cluster_name',
    value: 'foreword',
    reason: 'Says in the process list whose server this is.',
    advised: false,
  },
]

/** All settings of a server that foreword owns. `idle_in_transaction_session_timeout` is the session's. */
export const settings: readonly Setting[] = [...deciding, ...keeping]

/** What a test server may do without: it is thrown away, so nothing of it needs to be on disk. */
const careless = new Map([
  ['fsync', 'off'],
  ['full_page_writes', 'off'],
])

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** The text of postgresql.conf. `fsync: false` is for servers of tests only. */
export const renderConf = (options: { readonly port: number; readonly fsync: boolean }): string =>
  [
    '# Written by foreword at each start. For settings of your own: ALTER SYSTEM.',
    `port = ${String(options.port)}`,
    ...settings.map(({ name, value }) => {
      const chosen = options.fsync ? value : (careless.get(name) ?? value)
      return `${name} = ${quoted(chosen)}`
    }),
    '',
  ].join('\n')

/** The port in a postgresql.conf that `renderConf` wrote. */
export const portOfConf = (conf: string): number | undefined => {
  const digits = /^port = (\d+)$/m.exec(conf)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
