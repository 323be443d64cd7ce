/**
 * A proxy in front of Postgres that can cut a connection at a statement, most of all at COMMIT. It
 * reads the wire protocol (version 3, no TLS) message by message: what a client is about to execute is
 * shown to the test, and the test says whether and how it is cut.
 */
import net from 'node:net'

/**
 * How a connection is cut at a message. A COMMIT may come in one message with what it commits: that
 * much of it reaches the server at once, except by `stray`.
 */
export type Cut =
  /** The COMMIT does not reach the server. */
  | { readonly type: 'before' }
  /** The server gets it; nothing of its answer comes back. */
  | { readonly type: 'after' }
  /** The client is cut off; the server gets it only when `until` is over, its transaction open so long. */
  | { readonly type: 'late'; readonly until: () => Promise<unknown> }
  /** As `late`, but of the whole message nothing has reached the server before. */
  | { readonly type: 'stray'; readonly until: () => Promise<unknown> }
  /** The server gets it; so many bytes of its CommandComplete (or of an ErrorResponse) come back. */
  | { readonly type: 'during'; readonly bytes: number }
  /** As `after`, but a pooler is between, and says in an error of its own that it has lost the server. */
  | { readonly type: 'disowned' }

/** What is about to be executed: a statement, or several in one message of the simple protocol. */
export interface Statement {
  readonly sql: string
  readonly application: string
  /** The bound parameters of its transaction so far, as text among binary. */
  readonly bound: string
}

export interface CommitProxy {
  /** The URL that goes through the proxy. */
  readonly url: string
  /** While false, whoever connects is cut off at once. */
  open: boolean
  /** How many have been, so far. */
  refused: number
}

const commit_at_end = /(?:^|;)\s*commit\s*;?\s*$/i

export const isCommit = (statement: Pick<Statement, 'sql'>): boolean =>
  commit_at_end.test(statement.sql)

const isA = (types: string, message: Buffer): boolean =>
  types.includes(String.fromCharCode(message[0] ?? 0))

/** A message of the simple protocol. */
const simple = (sql: string): Buffer => {
  const body = Buffer.from(`${sql}\0`)
  const head = Buffer.from('Q\0\0\0\0')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** What a message has before its COMMIT, and the COMMIT: as two, where it is one of the simple protocol. */
const apart = (message: Buffer, { sql }: Statement): readonly [head: Buffer, commit: Buffer] => {
  const head = isA('Q', message) && isCommit({ sql }) ? sql.replace(commit_at_end, '') : ''
  return head === '' ? [Buffer.alloc(0), message] : [simple(head), simple('commit')]
}

/** What poolers say when they have lost the server, and that they are ready for more. */
const server_crashed = (() => {
  const body = Buffer.from('SERROR\0VERROR\0C08006\0Mserver conn crashed?\0\0')
  const head = Buffer.from('E\0\0\0\0')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body, Buffer.from('Z\0\0\0\x05I')])
})()

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

/** Splits a stream into messages: a type, where there is one, a length that counts itself, and the rest. */
const framing = (typed: boolean) => {
  let rest = Buffer.alloc(0)
  let header = typed ? 1 : 0
  return (chunk: Buffer, onMessage: (message: Buffer) => void): void => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= header + 4) {
      const length = header + rest.readInt32BE(header)
      if (rest.length < length) return
      const message = rest.subarray(0, length)
      rest = rest.subarray(length)
      header = 1
      onMessage(message)
    }
  }
}

/** The zero-terminated texts at the beginning of a message. */
const texts = (message: Buffer, from: number): readonly string[] =>
  message.toString('utf8', from).split('\0')

/** Follows what a client sends: the SQL that a message executes, if it does. */
const following = () => {
  const statements = new Map<string, string>()
  const portals = new Map<string, string>()
  let application = ''
  let bound = ''
  let started = false
  const sqlOf = (message: Buffer): string | undefined => {
    const [first = '', second = ''] = texts(message, 5)
    switch (String.fromCharCode(message[0] ?? 0)) {
      case 'P':
        statements.set(first, second)
        return undefined
      case 'B':
        portals.set(first, statements.get(second) ?? '')
        bound += message.toString('utf8', 5)
        return undefined
      case 'E':
        return portals.get(first)
      case 'Q':
        return first
      default:
        return undefined
    }
  }
  return (message: Buffer): Statement | null => {
    if (!started) {
      if (message.readInt32BE(4) !== 196_608) throw new Error('the proxy speaks protocol 3 only')
      started = true
      const settings = texts(message, 8)
      application = settings[settings.indexOf('application_name') + 1] ?? ''
      return null
    }
    const sql = sqlOf(message)
    if (sql === undefined) return null
    if (/^\s*begin\b/i.test(sql)) bound = ''
    return { sql, application, bound }
  }
}

/** Counts which of the statements under way a message of the server answers. */
const answering = () => {
  /** Answers that the server owes, each ended by ReadyForQuery; the first is the one to the log-in. */
  let owed = 1
  let before: number | null = null
  let tag = ''
  return {
    sent: (message: Buffer): void => {
      if (isA('SQ', message)) owed += 1
    },
    /** From now on: is it the answer to what is sent now? Of several statements, to the last. */
    waitFor: (sent: Statement): void => {
      before = owed
      tag = isCommit(sent) ? 'COMMIT' : ''
    },
    isIt: (message: Buffer): boolean => {
      if (before === 0 && isA('E', message)) return true
      if (before === 0 && isA('C', message) && message.toString('utf8', 5).startsWith(tag)) {
        return true
      }
      if (isA('Z', message)) {
        owed -= 1
        if (before !== null) before -= 1
      }
      return false
    },
  }
}

/** One client and its server; `cutFor` is asked about each statement. */
const relay = (
  client: net.Socket,
  server: net.Socket,
  cutFor: (statement: Statement) => Cut | null,
  drop: (client: net.Socket) => void,
): void => {
  const fromClient = framing(false)
  const fromServer = framing(true)
  const follow = following()
  const answers = answering()
  let is_cut = false
  let bytes_left = 0
  /** Called once the server has answered all that it got. */
  let onReady: (() => void) | null = null

  const cutAt = (cut: Cut, message: Buffer, statement: Statement): void => {
    if (cut.type === 'during') {
      bytes_left = cut.bytes
      answers.waitFor(statement)
      answers.sent(message)
      server.write(message)
      return
    }
    is_cut = true
    const [head, commit] = apart(message, statement)
    const dropAndForward = (last: Buffer, until: () => Promise<unknown>): void => {
      const forward = (): void => void server.end(last)
      drop(client)
      until().then(forward, forward)
    }
    switch (cut.type) {
      case 'before':
        drop(client)
        server.end(head)
        return
      case 'after':
        drop(client)
        server.end(Buffer.concat([head, commit]))
        return
      case 'disowned':
        client.end(server_crashed)
        server.end(Buffer.concat([head, commit]))
        return
      case 'stray':
        dropAndForward(message, cut.until)
        return
      case 'late':
        server.write(head)
        if (head.length === 0) dropAndForward(commit, cut.until)
        else onReady = () => dropAndForward(commit, cut.until)
    }
  }

  client.on('data', (chunk: Buffer) => {
    fromClient(chunk, (message) => {
      if (is_cut) return
      const statement = follow(message)
      const cut = statement === null ? null : cutFor(statement)
      if (cut !== null && statement !== null) {
        cutAt(cut, message, statement)
        return
      }
      answers.sent(message)
      server.write(message)
    })
  })
  server.on('data', (chunk: Buffer) => {
    fromServer(chunk, (message) => {
      if (is_cut) {
        if (!isA('Z', message)) return
        onReady?.()
        onReady = null
        return
      }
      if (!answers.isIt(message)) {
        client.write(message)
        return
      }
      is_cut = true
      client.end(message.subarray(0, bytes_left))
      server.end()
    })
  })
  client.on('close', () => {
    if (!is_cut) server.end()
  })
  server.on('close', () => {
    client.end()
  })
}

/** Starts a proxy to the server of a URL. Without a cut it changes nothing. */
export const startCommitProxy = async (
  t: Teardown,
  url: string,
  cutFor: (statement: Statement) => Cut | null,
): Promise<CommitProxy> => {
  const at = new URL(url)
  const folder = at.searchParams.get('host')
  const port = Number(at.port || '5432')
  const connect = (): net.Socket =>
    folder?.startsWith('/') === true
      ? net.connect(`${folder}/.s.PGSQL.${port}`)
      : net.connect(port, at.hostname)

  /** Every other client sees a reset, the rest an end, as from real networks. */
  let drops = 0
  const drop = (client: net.Socket): void => {
    drops += 1
    if (drops % 2 === 0) client.destroy()
    else client.resetAndDestroy()
  }

  const sockets = new Set<net.Socket>()
  const listener = net.createServer((client) => {
    if (!proxy.open) {
      proxy.refused += 1
      client.destroy()
      return
    }
    const server = connect()
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      // A broken connection is what this is for; whoever is at its other end sees it.
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
    }
    relay(client, server, cutFor, drop)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => listener.close(() => resolve()))
  })

  const through = new URL(url)
  through.searchParams.delete('host')
  through.searchParams.set('sslmode', 'disable')
  through.hostname = '127.0.0.1'
  through.port = String((listener.address() as net.AddressInfo).port)
  const proxy: CommitProxy = { url: through.href, open: true, refused: 0 }
  return proxy
}
