import type { Test } from 'tap'
import { noServer, serverVersions, type ServerVersion } from './servers.ts'

/** One test for each server version; skipped, and told why, where npm brought no such server. */
export const onEachServer = (
  t: Test,
  title: string,
  law: (t: Test, server: ServerVersion) => Promise<void>,
): void => {
  for (const server of serverVersions) {
    t.test(`${title} (Postgres ${server})`, { skip: noServer(server) }, (t) => law(t, server))
  }
}
