/**
 * Lends connections one by one, for transactions. The driver's own `reserve` is not made for those
 * that break while lent (postgres.js 3.4.9): what is queued on one never ends; the next statement, or
 * giving it back, throws where nobody can catch it or reaches the connection of another borrower; and
 * one that died of a FATAL error is lost to its pool, which hangs when all are. Here each is a pool of
 * one that connects once: broken, it refuses whatever is sent on it, and another takes its place.
 */
import net from 'node:net'
import type postgres from 'postgres'

type Types = Record<string, unknown>
type Pool<T extends Types> = postgres.Sql<T>
type Lent<T extends Types> = postgres.ReservedSql<T>
interface Ending {
  readonly timeout?: number | undefined
}

interface Address {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path: string | false
}

/** Options of a pool of one. `socket` is the driver's, though its types do not know it. */
export interface OneOptions {
  readonly max: 1
  readonly socket: (at: Address) => net.Socket
  readonly onclose: () => void
}

export interface Lending<T extends Types> {
  readonly reserve: () => Promise<Lent<T>>
  readonly end: (ending?: Ending) => Promise<void>
}

/** With codes as the driver has them. */
const lost = (code: 'CONNECTION_CLOSED' | 'CONNECTION_ENDED', what: string): Error =>
  Object.assign(new Error(what), { code })
const ended = (): Error => lost('CONNECTION_ENDED', 'the pool is closed')

/**
 * Makes one socket and never another: a statement that the driver sends again on a new connection
 * would run outside of its transaction.
 */
const socketOnce = (): OneOptions['socket'] => {
  let made = false
  return ({ host: [host = 'localhost'], port: [port = 5432], path }) => {
    if (made) throw lost('CONNECTION_CLOSED', 'the connection was lost')
    made = true
    const socket = path === false ? net.connect(port, host) : net.connect(path)
    // The driver reads these off the socket, for TLS and for its messages.
    return Object.assign(socket, { host, port })
  }
}

const openLent = <T extends Types>(
  openOne: (options: OneOptions) => Pool<T>,
  giveBack: (tx: Lent<T>) => void,
  forget: (tx: Lent<T>) => void,
): Lent<T> => {
  const onclose = (): void => void tx.end({ timeout: 0 })
  const own = openOne({ max: 1, socket: socketOnce(), onclose })
  const end = own.end.bind(own)
  const tx: Lent<T> = Object.assign(own, {
    release: () => {
      giveBack(tx)
    },
    end: async (ending?: Ending) => {
      forget(tx)
      await end(ending)
    },
  })
  return tx
}

/** At most `max` connections at once; whoever finds none free waits in line. `first` is sent on each that is opened. */
export const lending = <T extends Types>(
  max: number,
  openOne: (options: OneOptions) => Pool<T>,
  first = 'select',
): Lending<T> => {
  const living = new Set<Lent<T>>()
  const idle: Lent<T>[] = []
  const waiting: { resolve: (tx: Lent<T>) => void; reject: (error: unknown) => void }[] = []
  /** Set once the end has come: called when the last connection is gone. */
  let gone: (() => void) | null = null

  const forget = (tx: Lent<T>): void => {
    if (!living.delete(tx)) return
    const at = idle.indexOf(tx)
    if (at >= 0) idle.splice(at, 1)
    if (living.size === 0) gone?.()
    const next = waiting.shift()
    if (next !== undefined) open().then(next.resolve, next.reject)
  }

  const giveBack = (tx: Lent<T>): void => {
    if (!living.has(tx)) return
    const next = waiting.shift()
    if (gone !== null) void tx.end()
    else if (next === undefined) idle.push(tx)
    else next.resolve(tx)
  }

  const open = async (): Promise<Lent<T>> => {
    const tx = openLent(openOne, giveBack, forget)
    living.add(tx)
    try {
      // Connects: a server that cannot be reached fails whoever asks for a connection.
      await tx.unsafe(first).simple()
      return tx
    } catch (error) {
      await tx.end({ timeout: 0 })
      throw error
    }
  }

  return {
    reserve: async () => {
      if (gone !== null) throw ended()
      const tx = idle.pop()
      if (tx !== undefined) return tx
      if (living.size < max) return await open()
      return await new Promise<Lent<T>>((resolve, reject) => waiting.push({ resolve, reject }))
    },
    end: async (ending) => {
      const all_gone = new Promise<void>((resolve) => (gone = resolve))
      for (const { reject } of waiting.splice(0)) reject(ended())
      await Promise.all([...idle].map((tx) => tx.end(ending)))
      if (living.size === 0) return
      // Whoever has borrowed one may end what he is at, for so long.
      const impatient = (): void => {
        for (const tx of living) void tx.end({ timeout: 0 })
      }
      const patience =
        ending?.timeout === undefined ? undefined : setTimeout(impatient, ending.timeout * 1_000)
      await all_gone
      clearTimeout(patience)
    },
  }
}
