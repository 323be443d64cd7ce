/** Runs the blocks of a page in their order, and tells of each what became of it. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { difference, type Leniency } from './compare.ts'
import {
  isPsql,
  psqlStepsOf,
  repository,
  stepsOf,
  type Block,
  type Page,
  type Step,
} from './page.ts'
import type { World } from './world.ts'

/** `checked`: held against a file or the compiler; `elsewhere`: another test runs it. */
export type Treatment = 'run' | 'checked' | 'elsewhere' | 'skipped'

export interface Treated {
  readonly line: number
  readonly treatment: Treatment
  readonly why: string
  /** Empty: it holds. */
  readonly wrong: readonly string[]
}

const runnable = new Set(['console', 'sh', 'sql'])

const leniencyOf = ({ notes }: Block): Leniency => ({
  unordered: notes.has('unordered'),
  numbers_vary: notes.has('numbers'),
})

/** A command that fails says so in what the page shows, or by `echo $?` after it. */
const mayFail = (block: Block, step: Step, next: Step | undefined): boolean =>
  block.notes.has('fails') ||
  next?.command === 'echo $?' ||
  step.shown.some((line) => /^(foreword: |ERROR: |FAIL |curl: )/.test(line))

const runSteps = async (world: World, block: Block): Promise<readonly string[]> => {
  const steps =
    block.language === 'console'
      ? stepsOf(block.text)
      : [{ command: block.text.trimEnd(), shown: [] }]
  const wrong: string[] = []
  for (const [i, step] of steps.entries()) {
    const { code, output } = await world.shell.run(world.here(step.command))
    const told = `\n$ ${step.command}\n${output.trimEnd()}`
    if (code !== 0 && !mayFail(block, step, steps[i + 1])) wrong.push(`exit code ${code}${told}`)
    if (block.language !== 'console' || block.notes.has('output')) continue
    const differs = difference(step.shown, output, leniencyOf(block))
    if (differs !== undefined) wrong.push(`${differs}${told}`)
  }
  return wrong
}

/** A command that goes on while the page does. */
const runUntil = async (
  world: World,
  block: Block,
  pattern: string,
): Promise<readonly string[]> => {
  const [step] = stepsOf(block.text)
  if (step === undefined) throw new Error('no command')
  const log = `"$HOME/until-${block.line}.log"`
  await world.shell.run(`${world.here(step.command)} >${log} 2>&1 & until_pid=$!`)
  const { code } = await world.shell.run(`eventually grep -qE '${pattern}' ${log}`)
  const { output } = await world.shell.run(`cat ${log}`)
  if (code !== 0) return [`it never shows ${pattern}\n${output}`]
  if (block.notes.has('output')) return []
  const differs = difference(step.shown, output, leniencyOf(block))
  return differs === undefined ? [] : [`${differs}\n$ ${step.command}\n${output}`]
}

const sentinel = 'end of step'

/** A session of psql, each statement's output by itself. */
const runPsql = async (world: World, block: Block): Promise<readonly string[]> => {
  const steps = psqlStepsOf(block.text)
  const text = steps.map(({ command }) => `${command}\n\\echo ${sentinel}\n`).join('')
  const file = path.join(world.folder, '..', 'session.sql')
  await writeFile(file, world.here(`\\set SHOW_CONTEXT never\n${text}`))
  const { output } = await world.shell.run('psql -X "$(foreword url)" <"$HOME/session.sql"')
  const outputs = output.split(`${sentinel}\n`)
  return steps.flatMap((step, i) => {
    const differs = difference(step.shown, outputs[i] ?? '', leniencyOf(block))
    return differs === undefined ? [] : [`${differs}\n# ${step.command}\n${outputs[i] ?? ''}`]
  })
}

const runSql = async (world: World, block: Block): Promise<readonly string[]> => {
  const file = path.join(world.folder, '..', 'block.sql')
  await writeFile(file, world.here(block.text))
  const { code, output } = await world.shell.run(
    'psql -Xq -v ON_ERROR_STOP=1 "$(foreword url)" -f "$HOME/block.sql"',
  )
  return code === 0 ? [] : [`exit code ${code}\n${output}`]
}

/** The text without what a formatter may move. */
const dense = (text: string): string => text.replace(/\s+/g, '')

const isPartOf = async (block: Block, file: string): Promise<readonly string[]> => {
  const whole = await readFile(path.join(repository, file), 'utf8')
  return dense(whole).includes(dense(block.text)) ? [] : [`it is no part of ${file}`]
}

const run = async (world: World, block: Block): Promise<readonly string[]> => {
  const until = block.notes.get('until')
  if (until !== undefined) return runUntil(world, block, until.rest)
  if (block.language === 'sql') return runSql(world, block)
  return isPsql(block.text) ? runPsql(world, block) : runSteps(world, block)
}

const writeTo = async (world: World, block: Block, name: string): Promise<void> => {
  const file = path.join(world.folder, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, world.here(block.text))
}

const treat = async (world: World, block: Block): Promise<Omit<Treated, 'line'>> => {
  const { notes, language } = block
  const [skip, elsewhere] = [notes.get('skip'), notes.get('told-by')]
  const [equals, file] = [notes.get('equals'), notes.get('file')]
  if (skip !== undefined) {
    const wrong = skip.rest === '' ? ['skipped, and nobody says why'] : []
    return { treatment: 'skipped', why: skip.rest, wrong }
  }
  if (elsewhere !== undefined) {
    const there = existsSync(path.join(repository, elsewhere.rest))
    const wrong = there ? [] : [`${elsewhere.rest} is not there`]
    return { treatment: 'elsewhere', why: elsewhere.rest, wrong }
  }
  if (file !== undefined) await writeTo(world, block, file.rest)
  if (equals !== undefined) {
    const wrong = await isPartOf(block, equals.rest)
    return { treatment: 'checked', why: `part of ${equals.rest}`, wrong }
  }
  if (file !== undefined) return { treatment: 'run', why: `is ${file.rest}`, wrong: [] }
  if (language === 'ts') return { treatment: 'checked', why: 'by the compiler', wrong: [] }
  if (language === 'mermaid') return { treatment: 'skipped', why: 'a drawing', wrong: [] }
  if (runnable.has(language)) {
    return { treatment: 'run', why: '', wrong: await run(world, block) }
  }
  return {
    treatment: 'skipped',
    why: '',
    wrong: ['nothing says how it is tested: see test/docs/page.ts'],
  }
}

const endless = 'what it began does not end'

const treatSafely = async (world: World, block: Block): Promise<Omit<Treated, 'line'>> => {
  try {
    return await treat(world, block)
  } catch (error) {
    return { treatment: 'run', why: endless, wrong: [String(error)] }
  }
}

/** All blocks of the page, in their order; a setup that fails ends it. */
export const runPage = async (world: World, page: Page): Promise<readonly Treated[]> => {
  const treated: Treated[] = []
  for (const part of page.parts) {
    const { line } = part
    if (part.type === 'block') {
      const one = { line, ...(await treatSafely(world, part)) }
      treated.push(one)
      // A command that does not end: whatever comes after it would wait for it.
      if (one.why === endless) return treated
      continue
    }
    if (part.type === 'now') {
      world.now(part.text)
      continue
    }
    const { code, output } = await world.shell.run(world.here(part.text))
    if (code === 0) continue
    const wrong = [`the setup fails: exit code ${code}\n${output}`]
    return [...treated, { line, treatment: 'run', why: 'setup', wrong }]
  }
  return treated
}
