/** docs/reference/cli.md, from the program itself. */
import type { Command, Help } from 'commander'
import { examples } from '../src/cli/examples.ts'
import { createProgram } from '../src/cli/program.ts'
import { cell, codeCell, type Reference } from './docs-text.ts'

type Row = readonly [term: string, description: string]

const table = (title: string, rows: readonly Row[]): string =>
  rows.length === 0
    ? ''
    : `| ${title} | |\n| --- | --- |\n${rows
        .map(([term, says]) => `| ${codeCell(term)} | ${cell(says)} |\n`)
        .join('')}\n`

const optionsOf = (command: Command, help: Help): readonly Row[] =>
  help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .map((option) => [help.optionTerm(option), help.optionDescription(option)])

const argumentsOf = (command: Command, help: Help): readonly Row[] =>
  help
    .visibleArguments(command)
    .map((argument) => [help.argumentTerm(argument), help.argumentDescription(argument)])

const commandText = (command: Command, help: Help): string =>
  `## ${command.name()}\n\n\`${help.commandUsage(command)}\`\n\n${command.description()}.\n\n` +
  table('argument', argumentsOf(command, help)) +
  table('option', optionsOf(command, help)) +
  `\`\`\`sh\n${(examples[command.name()] ?? []).join('\n')}\n\`\`\`\n\n`

export const cliReference = (): Reference => {
  const program = createProgram(async () => undefined)
  const help = program.createHelp()
  const commands = help.visibleCommands(program)
  const unsaid = commands.flatMap((command) => [
    ...(examples[command.name()] === undefined ? [`foreword ${command.name()}: an example`] : []),
    ...(command.description() === '' ? [`foreword ${command.name()}`] : []),
    ...[...optionsOf(command, help), ...argumentsOf(command, help)]
      .filter(([, says]) => says === '')
      .map(([term]) => `foreword ${command.name()} ${term}`),
  ])
  const text =
    `# Command line\n\nEvery command, as \`--help\` tells it; [cli.md](../cli.md) shows them at work.\n\n` +
    table('option of every command', optionsOf(program, help)) +
    commands.map((command) => commandText(command, help)).join('')
  return { text, unsaid }
}
