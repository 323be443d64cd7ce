/** What is wrong with a command line, in one line. */
import type { Command, CommanderError } from 'commander'
import { harmless } from './print.ts'

/** The command line is wrong; the command that says so is named for its --help. */
export class UsageError extends Error {
  readonly command: string

  constructor(message: string, command: string) {
    super(message)
    this.command = command
  }
}

/** `foreword apply`, without the placeholder for its options. */
export const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`

/** `error: unknown option '--x'\n(Did you mean --y?)` as one line without its head. */
export const messageOf = (error: CommanderError): string =>
  harmless(
    error.message
      .replace(/^error: /, '')
      .replace(/\n\(Did you mean (.*)\?\)$/, ' (did you mean $1?)')
      .replace(/\.$/, ''),
  )
