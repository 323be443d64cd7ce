#!/usr/bin/env node
/** The command. Nothing is imported before Node is known to be able to run it. */

const node_min = [22, 19] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < node_min[0] || (major === node_min[0] && minor < node_min[1])) {
  process.stderr.write(
    `foreword: Node ${process.versions.node} is too old, ${process.execPath}; ` +
      `install Node ${node_min.join('.')} or later\n`,
  )
  process.exitCode = 1
} else {
  const { keepCompiled } = await import('./cli/compile-cache.ts')
  keepCompiled(process.env)
  const { run } = await import('./cli/program.ts')
  await run(process.argv.slice(2))
}
