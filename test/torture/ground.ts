/**
 * Where schedules are played: throw-away servers, a migrated template on each, and a database for each
 * schedule. In the template a witness writes down every move of every entry, since the entry itself
 * only shows where it stands.
 */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { migrateAll } from '../../src/foreword.ts'
import { connectSql, type Sql } from '../../src/store/connect.ts'
import { openEmbedded } from '../../src/store/embedded/open.ts'

export interface Ground {
  /** A fresh database, and how to be rid of it. */
  readonly make: () => Promise<{ readonly url: string; readonly drop: () => Promise<void> }>
  /** Stops the server as by `pg_ctl stop -m immediate`; whoever owns it brings it back. */
  readonly crash: () => Promise<void>
  readonly close: () => Promise<void>
}

const template = 'torture_template'

const witness = `
  create schema torture;
  create table torture.move (
    at timestamptz not null default clock_timestamp(),
    entry bigint not null,
    from_state text not null,
    to_state text not null,
    from_epoch bigint not null,
    to_epoch bigint not null,
    from_worker bigint,
    to_worker bigint,
    was_settled boolean not null
  );
  create function torture.note_move() returns trigger language plpgsql security definer as $$
  begin
    insert into torture.move
    values (clock_timestamp(), new.id, old.state, new.state, old.epoch, new.epoch, old.worker,
      new.worker, old.settled_at is not null);
    return null;
  end
  $$;
  -- That it waits for another before its first call, or is due again, is no move of it.
  create trigger witness after update on foreword_private.entry
  for each row
  when (
    (old.state, old.epoch, old.worker) is distinct from (new.state, new.epoch, new.worker)
    or old.state <> 'pending'
    or old.attempts > 0
  )
  execute function torture.note_move();`

const onServer = (url: string, database: string): string => {
  const at = new URL(url)
  at.pathname = `/${database}`
  return at.href
}

const makeTemplate = async (admin: Sql, url: string): Promise<void> => {
  await admin`create database ${admin(template)}`
  const at = onServer(url, template)
  await migrateAll(at)
  const sql = connectSql({ url: at, application_name: 'torture:template', max: 1 })
  await sql.unsafe(witness)
  await sql.end({ timeout: 5 })
}

/** Again while the server recovers from a crash. */
const persistently = async (work: () => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await work()
      return
    } catch (error) {
      if (tries >= 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

export const openGround = async (): Promise<Ground> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'foreword-torture-'))
  // Root runs the server as another user, who must be able to enter.
  await chmod(directory, 0o755)
  const server = await openEmbedded({ directory, mode: 'own', fsync: false })
  const admin = connectSql({ url: server.url, application_name: 'torture:admin', max: 2 })
  await makeTemplate(admin, server.url)
  let made = 0
  return {
    make: async () => {
      const name = `torture_${(made += 1)}`
      await persistently(() => admin`create database ${admin(name)} template ${admin(template)}`)
      return {
        url: onServer(server.url, name),
        drop: () => persistently(() => admin`drop database if exists ${admin(name)} with (force)`),
      }
    },
    crash: async () => {
      const pid_file = path.join(directory, 'postgres', 'postmaster.pid')
      const [pid = ''] = (await readFile(pid_file, 'utf8')).split('\n')
      process.kill(Number(pid), 'SIGQUIT')
    },
    close: async () => {
      await admin.end({ timeout: 1 })
      await server.close()
      await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
