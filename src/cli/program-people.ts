/** The commands by which persons rule, and hold a scope. */
import type { Command } from 'commander'
import type { Does } from './command.ts'
import type { PauseOptions } from './pause.ts'
import type { ResolveOptions } from './rule.ts'

export const addRuling = (program: Command, does: Does): void => {
  program.commandsGroup('Ruling:')
  does(
    program
      .command('resolve')
      .description('rule on a call whose outcome nobody knows: exactly one of the four')
      .argument('<id>', 'the number of an intent: see `foreword doubts`')
      .option('--happened', 'its effect is there: look for it, and go on')
      .option('--did-not-happen', 'it is not: call again')
      .option('--retry', 'nobody knows: call again, though there may be two effects then')
      .option('--abandon', 'take it back, and what relied on it')
      .option('--note <text>', 'why; kept for ever (required)')
      .option('--external-id <id>', 'with --happened: what the API calls it'),
    async (id: string, options: ResolveOptions) => (await import('./rule.ts')).resolve(id, options),
  )
  does(
    program
      .command('approve')
      .description('let intents go on that a policy holds back')
      .argument('<id...>', 'numbers of intents: see `foreword doubts`')
      .option('--note <text>', 'why'),
    async (ids: string[], options: { note?: string }) =>
      (await import('./rule.ts')).approve(ids, options),
  )
  does(
    program
      .command('cancel')
      .description('take back intents that await approval, or that nothing can have come of')
      .argument('<id...>', 'numbers of intents')
      .option('--note <text>', 'why'),
    async (ids: string[], options: { note?: string }) =>
      (await import('./rule.ts')).cancel(ids, options),
  )
}

export const addPausing = (program: Command, does: Does): void => {
  const who = ['--by <name>', 'who, unless user@host'] as const
  does(
    program
      .command('pause')
      .description('decide and begin nothing more in a scope; what was begun ends')
      .argument('<scope>', 'the scope')
      .option('--note <text>', 'why')
      .option(...who),
    async (scope: string, options: PauseOptions) =>
      (await import('./pause.ts')).pause(scope, options),
  )
  does(
    program
      .command('resume')
      .description('let a paused scope go on: what waited is due at once')
      .argument('<scope>', 'the scope')
      .option('--note <text>', 'why')
      .option(...who),
    async (scope: string, options: PauseOptions) =>
      (await import('./pause.ts')).resume(scope, options),
  )
}
