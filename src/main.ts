#!/usr/bin/env node
/** The command. Nothing else is imported before Node is known to be able to run it. */

import { node_too_old } from './node-version.ts'

if (node_too_old !== null) {
  process.stderr.write(`${node_too_old}\n`)
  process.exitCode = 1
} else {
  const { keepCompiled } = await import('./cli/compile-cache.ts')
  keepCompiled(process.env)
  const { run } = await import('./cli/program.ts')
  await run(process.argv.slice(2))
}
