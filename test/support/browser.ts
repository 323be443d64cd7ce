/**
 * A Chromium of this machine, driven by its DevTools protocol: what a person sees, types and presses. Tests that
 * need one are left out, with a word, where there is none (FOREWORD_TEST_CHROMIUM names another program).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

interface Teardown {
  teardown(handler: () => Promise<void>): void
}

const programs = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome']

const isThere = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where a Chromium is; undefined: there is none. */
export const chromium = (): string | undefined => {
  const given = process.env['FOREWORD_TEST_CHROMIUM'] ?? ''
  if (given !== '') return given
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return folders.flatMap((folder) => programs.map((name) => path.join(folder, name))).find(isThere)
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

type Send = (method: string, params?: object, sessionId?: string) => Promise<unknown>

/** The protocol over its socket: commands by their number, and what happens besides. */
const talk = async (url: string, heard: (message: Message) => void): Promise<Send> => {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const waiting = new Map<number, (message: Message) => void>()
  socket.addEventListener('message', (event: MessageEvent) => {
    const message = JSON.parse(String(event.data)) as Message
    if (message.id === undefined) heard(message)
    else waiting.get(message.id)?.(message)
  })
  let last = 0
  return (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id)
        if (error === undefined) resolve(result)
        else reject(new Error(`${method}: ${error.message}`))
      })
      socket.send(JSON.stringify({ id, method, params, sessionId }))
    })
}

/** Starts it; its socket is told on stderr. */
const start = async (t: Teardown, program: string): Promise<string> => {
  const home = await mkdtemp(path.join(tmpdir(), 'foreword-chromium-'))
  const child = spawn(
    program,
    [
      '--headless=new',
      '--disable-gpu',
      '--remote-debugging-port=0',
      `--user-data-dir=${home}`,
      // Inside containers everybody is root, and there it has no sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  for (;;) {
    const url = /ws:\/\/\S+/.exec(text)?.[0]
    if (url !== undefined) return url
    if (child.exitCode !== null) throw new Error(`${program} ended: ${text}`)
    await Promise.race([once(child.stderr, 'data'), ended])
  }
}

export interface Tab {
  /** Resolves once the document is there. */
  readonly go: (url: string) => Promise<void>
  /** What an expression is, awaited. */
  readonly ask: <A>(expression: string) => Promise<A>
  readonly type: (text: string) => Promise<void>
  readonly press: (key: 'Tab' | 'Enter' | 'Space') => Promise<void>
  readonly look: (as: { readonly width: number; readonly dark: boolean }) => Promise<void>
  /** What the browser complained of, and what opened by itself. */
  readonly complaints: readonly string[]
}

const keys = {
  Tab: { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 },
  Enter: { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' },
  Space: { key: ' ', code: 'Space', windowsVirtualKeyCode: 32, text: ' ' },
}

const complaintOf = ({ method, params }: Message): string | undefined =>
  ['Page.javascriptDialogOpening', 'Runtime.exceptionThrown', 'Log.entryAdded'].includes(
    method ?? '',
  )
    ? `${method ?? ''} ${JSON.stringify(params)}`
    : undefined

/** A browser of the test's own with one tab. */
export const openTab = async (t: Teardown, program: string): Promise<Tab> => {
  const complaints: string[] = []
  let loaded = (): void => undefined
  const send = await talk(await start(t, program), (message) => {
    const complaint = complaintOf(message)
    if (complaint !== undefined) complaints.push(complaint)
    if (message.method === 'Page.loadEventFired') loaded()
  })
  const { targetId } = (await send('Target.createTarget', { url: 'about:blank' })) as {
    targetId: string
  }
  const { sessionId } = (await send('Target.attachToTarget', { targetId, flatten: true })) as {
    sessionId: string
  }
  const tell = (method: string, params: object = {}) => send(method, params, sessionId)
  for (const domain of ['Page', 'Runtime', 'Log']) await tell(`${domain}.enable`)
  return {
    complaints,
    go: async (url) => {
      const there = new Promise<void>((resolve) => (loaded = resolve))
      await tell('Page.navigate', { url })
      await there
    },
    ask: async <A>(expression: string) => {
      const { result, exceptionDetails } = (await tell('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      })) as { result: { value: A }; exceptionDetails?: unknown }
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return result.value
    },
    type: async (text) => {
      await tell('Input.insertText', { text })
    },
    press: async (key) => {
      await tell('Input.dispatchKeyEvent', { type: 'keyDown', ...keys[key] })
      await tell('Input.dispatchKeyEvent', { type: 'keyUp', ...keys[key] })
    },
    look: async ({ width, dark }) => {
      const mobile = width < 600
      const size = { width, height: 850, deviceScaleFactor: 1, mobile }
      await tell('Emulation.setDeviceMetricsOverride', size)
      const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]
      await tell('Emulation.setEmulatedMedia', { features })
    },
  }
}
