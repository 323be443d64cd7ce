import { createRequire } from 'node:module'

/** The version in package.json, which lies beside src and dist alike. */
export const { version } = createRequire(import.meta.url)('../package.json') as {
  readonly version: string
}
