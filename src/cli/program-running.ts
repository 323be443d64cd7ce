/** The commands that run until they are told to stop, and what they need beforehand. */
import type { Command } from 'commander'
import type { Does } from './command.ts'
import type { ServeOptions } from './serve.ts'
import { portNumber } from './values.ts'

const metrics_port = [
  '--metrics-port <port>',
  'serve Prometheus metrics there, 0: on any free port',
  portNumber,
] as const

export const addRunning = (program: Command, does: Does): void => {
  program.commandsGroup('Running:')
  does(
    program
      .command('up')
      .description('database, migrations, worker, schedules and page, until Ctrl-C')
      .option('--port <port>', 'port of the page, on loopback', portNumber)
      .option(...metrics_port),
    async (options: ServeOptions & { port?: number }) => (await import('./up.ts')).up(options),
  )
  does(
    program
      .command('worker')
      .description('one more worker beside `foreword up`, until Ctrl-C')
      .option(...metrics_port),
    async (options: ServeOptions) => (await import('./worker.ts')).worker(options),
  )
  does(
    program.command('migrate').description('bring the database to this version; idempotent'),
    async () => (await import('./migrate.ts')).migrate(),
  )
}
