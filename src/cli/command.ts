/** What `program.ts` and its parts hand to each other. */
import type { Command } from 'commander'
import type { Context } from './context.ts'

export type Run = (context: Context) => Promise<number>
/** Registers what a command does; `make` gets its arguments and options as commander passes them. */
export type Does = (command: Command, make: (...given: never[]) => Promise<Run>) => void
