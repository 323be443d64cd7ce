/** The commands: their names, options and help. What each does is in the file of its name. */
import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { addPausing, addRuling } from './program-people.ts'
import { addProving } from './program-proving.ts'
import { addRunning } from './program-running.ts'
import type { Does, Run } from './command.ts'
import { createContext, type Ending, type GlobalOptions } from './context.ts'
import { examples } from './examples.ts'
import { live } from './lifecycle.ts'
import type { ApplyOptions } from './apply.ts'
import type { ForgetOptions } from './forget.ts'
import type { ImportOptions } from './import.ts'
import type { PlanOptions } from './plan.ts'
import { messageOf, pathOf, UsageError } from './usage.ts'
import { wholeCount, wholeSeconds } from './values.ts'

type Wait = boolean | number | undefined

const wait_help =
  'wait until all of it is settled, 300 seconds at most unless told; exit 1: some was rejected, ' +
  '3: something waits for a person, 4: the time ran out'

const addWanting = (program: Command, does: Does): void => {
  const files = ['-f, --file <file...>', 'stack files, YAML or JSON; - is standard input'] as const
  program.commandsGroup('Changing the world:')
  does(
    program
      .command('plan')
      .description(
        'what `apply` would decide and why; changes nothing, but makes or migrates the database',
      )
      .requiredOption(...files)
      .option('--prune', 'also delete what the stacks no longer name')
      .option('--take-over', 'also what another stack wants so far')
      .option('--out <file>', 'keep the plan, for `apply --plan`')
      .option('--detailed-exitcode', 'exit with 2 when there are changes'),
    async (options: PlanOptions) => (await import('./plan.ts')).plan(options),
  )
  does(
    program
      .command('apply')
      .description('write down what shall be, and decide what is to be done for it')
      .option(...files)
      .option('--plan <file>', 'what `plan --out` wrote, while it holds, instead of stack files')
      .option('--prune', 'also delete what the stacks no longer name')
      .option('--take-over', 'also what another stack wants so far')
      .option('--wait [seconds]', wait_help, wholeSeconds),
    async (options: ApplyOptions) => (await import('./apply.ts')).apply(options),
  )
  does(
    program
      .command('reconcile')
      .description('look at the world, find drift, and decide to put it right')
      .option('--scope <scope>', 'only this scope')
      .option('--kind <kind>', 'only this kind')
      .option('--wait [seconds]', wait_help, wholeSeconds),
    async (options: { scope?: string; kind?: string; wait?: Wait }) =>
      (await import('./reconcile.ts')).reconcile(options),
  )
}

const addKnowing = (program: Command, does: Does): void => {
  does(
    program
      .command('import')
      .description('make known what is there already, and print it as a stack file')
      .argument('<kind>', 'its kind')
      .argument('[name]', 'its name')
      .option('--scope <scope>', 'where; needed unless there is only one')
      .option('--external-id <id>', 'what its API calls it, where the name does not tell')
      .option('--all', 'all of the kind that nobody knows yet'),
    async (kind: string, name: string | undefined, options: ImportOptions) =>
      (await import('./import.ts')).importing(kind, name, options),
  )
  does(
    program
      .command('forget')
      .description('know a resource no more, and leave it as it is: nothing is destroyed')
      .argument('<kind>', 'its kind')
      .argument('<name>', 'its name')
      .option('--scope <scope>', 'where; needed unless there is only one')
      .option('--note <text>', 'why')
      .option('--by <name>', 'who, unless user@host'),
    async (kind: string, name: string, options: ForgetOptions) =>
      (await import('./forget.ts')).forget(kind, name, options),
  )
}

const addAsking = (program: Command, does: Does): void => {
  program.commandsGroup('Asking:')
  does(
    program
      .command('status')
      .description('conditions and counts, backlog, workers, what is not in order')
      .argument('[scope]', 'only this scope')
      .option('--watch', 'again every second')
      .option('--at <time>', 'as it was assumed then: 2026-11-25T14:05, -1h'),
    async (scope: string | undefined, options: { watch?: boolean; at?: string }) =>
      (await import('./status.ts')).status(scope, options),
  )
  does(
    program
      .command('log')
      .description('the log: what was decided, observed, withdrawn')
      .argument('[scope]', 'only this scope')
      .option('-n, --number <n>', 'the last so many entries', wholeCount, 20)
      .option('--follow', 'go on with new entries, and with what becomes of them'),
    async (scope: string | undefined, options: { number: number; follow?: boolean }) =>
      (await import('./log.ts')).log(scope, options),
  )
  does(
    program
      .command('why')
      .description(
        'the story of an intent, a resource or a decision: who decided, on what, every attempt',
      )
      .argument('<what>', 'the number of an intent, KIND/NAME, or the id of a decision')
      .option('--scope <scope>', 'where KIND/NAME is in several scopes'),
    async (what: string, options: { scope?: string }) =>
      (await import('./why.ts')).why(what, options),
  )
  does(
    program
      .command('schedules')
      .description('what runs by the clock: when next, and what came of the last run'),
    async () => (await import('./schedules.ts')).schedules(),
  )
  does(
    program.command('doubts').description('what waits for a person, and what to type'),
    async () => (await import('./doubts.ts')).doubts(),
  )
}

const addTools = (program: Command, does: Does): void => {
  program.commandsGroup('Tools:')
  does(
    program
      .command('psql')
      .description('psql on the database in use')
      .argument('[args...]', 'for psql, after --')
      .allowUnknownOption(),
    async (args: string[]) => (await import('./psql.ts')).psql(args),
  )
  does(
    program.command('url').description('the URL of the database in use, with its password'),
    async () => (await import('./url.ts')).url(),
  )
  does(
    program
      .command('cloud')
      .description('a simulated cloud to try things on, until Ctrl-C')
      .option('--port <port>', 'default 7070; 0: any free one')
      .option('--host <host>', 'default 127.0.0.1; there is no login')
      .option('--seed <seed>', 'default 1: the same seed gives the same ids and faults')
      .option('--faults <faults>', 'calm (default), rough, hostile, or JSON')
      .option('--ledger <file>', 'append each effect to this file as a line of JSON'),
    async (options: Record<string, string>) => (await import('./cloud.ts')).cloud(options),
  )
}

const exit_code_help = `
Exit codes: 0 done; 1 failed; 2 wrong usage, or changes with --detailed-exitcode;
3 something waits for a person; 4 --wait ran out; 130 Ctrl-C.`

export const createProgram = (
  chosen: (run: Run, options: GlobalOptions) => Promise<void>,
): Command => {
  const program = new Command('foreword')
    .description('Writes the word before the deed: serializable decisions, then the calls.')
    .version(version, '--version', 'the version')
    .option(
      '--config <file>',
      'configuration; default foreword.config.ts (.mts, .cts, .js, .mjs, .cjs, .json)',
    )
    .option('--json', 'JSON on stdout')
    .option('--quiet', 'errors and what was asked for, nothing else')
    .helpOption('-h, --help', 'what a command does')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', exit_code_help)
  const does: Does = (command, make) => {
    command.action(async (...given: unknown[]) => {
      // Commander adds the command itself as the last argument.
      const run = await make(...(given.slice(0, -1) as never[]))
      await chosen(run, command.optsWithGlobals<GlobalOptions>())
    })
  }
  const groups = [
    addRunning,
    addWanting,
    addKnowing,
    addAsking,
    addProving,
    addRuling,
    addPausing,
    addTools,
  ]
  for (const add of groups) add(program, does)
  for (const command of program.commands) {
    const lines = (examples[command.name()] ?? []).map((line) => `  ${line}\n`)
    if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${lines.join('')}`)
  }
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ outputError: () => undefined }).exitOverride((error) => {
      if (error.exitCode === 0) throw error
      const said = error.code === 'commander.help' ? 'no command given' : messageOf(error)
      throw new UsageError(said, pathOf(command))
    })
  }
  return program
}

const parse = async (argv: readonly string[], ending: Ending): Promise<number> => {
  let exit_code = 0
  const program = createProgram(async (run, options) => {
    exit_code = await run(createContext(options, ending))
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exit_code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`foreword: ${error.message}; see ${error.command} --help\n`)
    return 2
  }
}

/** Runs the command line and sets the exit code. */
export const run = (argv: readonly string[]): Promise<void> => live((ending) => parse(argv, ending))
