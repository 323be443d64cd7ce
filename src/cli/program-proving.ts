/** The commands that look back, and hold what is there against laws and advice. */
import type { Command } from 'commander'
import type { Does } from './command.ts'
import type { ArchiveOptions } from './archive.ts'
import type { ReplayOptions } from './replay.ts'

export const addProving = (program: Command, does: Does): void => {
  does(
    program
      .command('diff')
      .description('what decisions made of a scope between two times, or since one')
      .argument('<scope>', 'the scope')
      .argument('<times...>', 'A B, A..B, or A until now: 2026-11-25T14:05, -1h')
      // A time may begin with a dash; what is neither is refused by the command.
      .allowUnknownOption(),
    async (scope: string, times: string[]) => (await import('./diff.ts')).diff(scope, times),
  )
  does(
    program
      .command('audit')
      .description('prove that the log has no gaps and agrees with what is assumed'),
    async () => (await import('./audit.ts')).audit(),
  )
  does(
    program
      .command('replay')
      .description('which recorded decisions the deciders of this code would make differently')
      .requiredOption('--since <time>', 'decided from then on: 2026-11-25, -7d')
      .option('--until <time>', 'decided until then; default: now')
      .option('--decider <name>', 'only decisions of this decider')
      .option('--scope <scope>', 'only decisions in this scope'),
    async (options: ReplayOptions) => (await import('./replay.ts')).replay(options),
  )
  does(
    program
      .command('archive')
      .description('move what was settled long ago from the log to files, and read these back')
      .argument('[file...]', 'with --verify: files; default: all that the log knows of')
      .option('--older-than <span>', 'settled longer ago: 30d, 12h; default: the configuration’s')
      .option(
        '--to <dir>',
        'folder of the files; default: the configuration’s, or .foreword/archive',
      )
      .option('--dry-run', 'say what would go, and move nothing')
      .option('--verify', 'read files back, and hold them against what the log says of them'),
    async (files: string[], options: ArchiveOptions) =>
      (await import('./archive.ts')).archive(files, options),
  )
  does(
    program
      .command('doctor')
      .description(
        'server, schema and work against what they should be, with what to do; exit 1 on failures',
      )
      .option('--canaries', 'try what SERIALIZABLE lets through here, in tables made for a moment'),
    async (options: { canaries?: boolean }) => (await import('./doctor.ts')).doctor(options),
  )
}
