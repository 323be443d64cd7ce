import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { create, defineDecider, type IntentDraft } from '../../src/domain/decider.ts'
import { ForewordError } from '../../src/domain/errors.ts'
import { connectSql } from '../../src/store/connect.ts'
import { startWeb, type Web } from '../../src/web/index.ts'
import { allSettled, cloudWorld, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { ask, enter, pageOptions, silent, webOn } from '../support/web.ts'

const say = defineDecider({
  name: 'say',
  version: 1,
  read: () => ({}),
  decide: (_facts, input: readonly IntentDraft[]) => input,
})

t.test('on an empty database without a worker', async (t) => {
  const { engine } = await testEngine(t)
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)

  t.test('the page says that no worker lives, and shows every section', async (t) => {
    const { status, text } = await ask(web, '/', { headers })
    t.equal(status, 200)
    t.match(text, /<h1>No worker lives<\/h1>/)
    for (const id of ['backlog', 'out-of-sync', 'intents', 'conflicts', 'workers', 'schedules']) {
      t.ok(text.includes(`<section id="${id}">`), id)
    }
  })

  t.test('the health check fails, and says why', async (t) => {
    const { status, text } = await ask(web, '/healthz')
    t.equal(status, 503)
    t.match(JSON.parse(text), { status: 'no_worker', live_workers: 0, pending: 0 })
  })

  t.test('the health check tells nothing but counts', async (t) => {
    const { status, ...counts } = JSON.parse((await ask(web, '/healthz')).text) as Record<
      string,
      unknown
    >
    t.equal(status, 'no_worker')
    t.ok(Object.values(counts).every((value) => typeof value === 'number'))
  })

  t.test('a request for any other host is refused, whatever it asks for', async (t) => {
    const hosts = ['evil.example', `evil.example:${web.port}`, '127.0.0.1', '127.0.0.1:1']
    for (const host of hosts) {
      for (const path of ['/', '/healthz', '/live', '/api/health.json']) {
        const { status, text } = await ask(web, path, { headers: { ...headers, host } })
        t.ok([400, 421].includes(status), `${host} ${path}: ${status}`)
        t.notMatch(text, /worker/)
      }
    }
  })

  t.test(
    'neither a host in the first line nor none at all stands in for the right one',
    async (t) => {
      const heads = [
        `GET http://127.0.0.1:${web.port}/healthz HTTP/1.1\r\nHost: evil.example`,
        `GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1:${web.port}`,
        'GET /healthz HTTP/1.1\r\nHost:',
        'GET /healthz HTTP/1.0',
      ]
      for (const head of heads) {
        const socket = connect(web.port, '127.0.0.1')
        let text = ''
        socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        socket.write(`${head}\r\nConnection: close\r\n\r\n`)
        await once(socket, 'close')
        t.match(text, /^HTTP\/1.1 (400|421) /, head)
        t.notMatch(text, /no_worker/)
      }
    },
  )

  t.test('this machine may be called by each of its names', async (t) => {
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
      const host = `${name}:${web.port}`
      t.equal((await ask(web, '/', { headers: { ...headers, host } })).status, 200, host)
    }
  })

  t.test('without the token nothing is shown but the health check', async (t) => {
    for (const path of ['/', '/live', '/api/health.json', '/no/such/page', '/?token=wrong']) {
      const { status, headers, text } = await ask(web, path)
      t.equal(status, 401, path)
      t.equal(headers['set-cookie'], undefined)
      t.notMatch(text, /No worker lives/)
    }
    const cookie = `foreword_${web.port}=wrong`
    t.equal((await ask(web, '/', { headers: { cookie } })).status, 401)
  })

  t.test(
    'the link gives a cookie that scripts cannot read and other sites cannot send',
    async (t) => {
      const { status, headers, text } = await ask(
        web,
        `/?token=${new URL(web.url).searchParams.get('token') ?? ''}`,
      )
      t.equal(status, 200)
      const [cookie = ''] = headers['set-cookie'] ?? []
      t.match(cookie, new RegExp(`^foreword_${web.port}=\\S+; Path=/; HttpOnly; SameSite=Strict$`))
      t.notOk(
        cookie.includes(new URL(web.url).searchParams.get('token') ?? '?'),
        'not the token itself',
      )
      t.notMatch(text, /No worker lives/, 'the page itself comes with the next request')
    },
  )

  t.test('a script on this machine may show the token as a bearer', async (t) => {
    const authorization = `Bearer ${new URL(web.url).searchParams.get('token') ?? ''}`
    const { status, text } = await ask(web, '/api/health.json', { headers: { authorization } })
    t.equal(status, 200)
    t.match(JSON.parse(text), { version: '1.2.3', status: 'no_worker', pending: 0 })
  })

  t.test('each start has a token of its own', async (t) => {
    const other = await webOn(t, engine.sql)
    const token = (of: Web) => new URL(of.url).searchParams.get('token') ?? ''
    t.not(token(web), token(other))
    t.ok(token(web).length >= 32)
  })

  t.test('nothing but reading is answered there, and no other site is let in', async (t) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await ask(web, '/', {
        method,
        headers: { ...headers, origin: 'http://evil.example' },
      })
      t.equal(answer.status, 405, method)
      t.equal(answer.headers.allow, 'GET, HEAD')
      t.equal(answer.headers['access-control-allow-origin'], undefined)
    }
  })

  t.test('every answer forbids what it does not need', async (t) => {
    const nonces = new Set<string>()
    for (const path of ['/', '/healthz', '/no/such/page']) {
      for (const known of [headers, {}]) {
        const answer = await ask(web, path, { headers: known })
        const policy = String(answer.headers['content-security-policy'])
        t.match(policy, /^default-src 'none'; style-src 'nonce-[^']+'; script-src 'nonce-[^']+'; /)
        t.match(policy, /frame-ancestors 'none'$/)
        t.equal(answer.headers['x-content-type-options'], 'nosniff')
        t.equal(answer.headers['referrer-policy'], 'same-origin')
        t.equal(answer.headers['cache-control'], 'no-store')
        nonces.add(/nonce-([^']+)/.exec(policy)?.[1] ?? '')
      }
    }
    t.equal(nonces.size, 6, 'a nonce serves once')
  })

  t.test(
    'the page’s own script and style carry the nonce, and nothing is inline beside them',
    async (t) => {
      const { headers: given, text } = await ask(web, '/', { headers })
      const nonce = /nonce-([^']+)/.exec(String(given['content-security-policy']))?.[1] ?? '?'
      t.same(text.match(/<(script|style)[^>]*>/g), [
        `<style nonce="${nonce}">`,
        `<script nonce="${nonce}">`,
      ])
      t.notMatch(text, / (style|on[a-z]+)="/)
    },
  )

  t.test('a page that is not there says so', async (t) => {
    t.equal((await ask(web, '/no/such/page', { headers })).status, 404)
  })
})

t.test('what has happened is on the page', async (t) => {
  const { engine } = await cloudWorld(t)
  await testWorker(t, engine)
  const hostile = '<script>alert(1)</script>'
  const input = [
    create('vm', 'web-1', { size: 'm' }),
    create('vm', hostile, { size: 'm' }),
    create('vm', '"><img src=x onerror=alert(2)>', { size: 'm' }),
  ]
  t.match(await engine.decide(say, { scope: 'acme/prod', input }), { type: 'decided' })
  await allSettled(engine)
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)
  const { text } = await ask(web, '/', { headers })

  t.test('the sentence at the top, intents and workers', async (t) => {
    t.match(text, /<h1>Nothing is under way<\/h1>/)
    t.match(text, /<bdi>web-1<\/bdi>/)
    t.match(text, /alive/)
    const { status, text: health } = await ask(web, '/healthz')
    t.equal(status, 200)
    t.match(JSON.parse(health), { status: 'ok', live_workers: 1, pending: 0 })
  })

  t.test('how fast they were settled is drawn and told', async (t) => {
    t.match(text.replaceAll(/\s+/g, ' '), /3 of the newest 3 intents, over/)
    t.equal((text.match(/<title>\d+ intents? settled<\/title>/g) ?? []).length, 40)
    const bars = [...text.matchAll(/<title>(\d+) intents? settled/g)].map(([, n]) => Number(n))
    t.equal(
      bars.reduce((sum, one) => sum + one, 0),
      3,
      'each stands in one bar',
    )
  })

  t.test('a script in a name is text', async (t) => {
    t.ok(text.includes('&lt;script&gt;alert(1)&lt;/script&gt;'))
    t.notOk(text.includes(hostile))
    t.notOk(text.includes('<img'))
  })

  t.test('the stream sends it again and again, and ends when the page is closed', async (t) => {
    const socket = connect(web.port, '127.0.0.1')
    let seen = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (seen += chunk))
    socket.write(
      `GET /live HTTP/1.1\r\nHost: 127.0.0.1:${web.port}\r\nCookie: ${headers.cookie}\r\n\r\n`,
    )
    while ((seen.match(/id="verdict"/g) ?? []).length < 2) await once(socket, 'data')
    t.match(seen, /content-type: text\/event-stream/i)
    t.match(seen, /\ndata: /)
    t.notOk(seen.includes(hostile))
    await Promise.all([once(socket, 'close'), web.close()])
    t.pass('closed')
  })
})

t.test(
  'while the database is away the page says so, and its sentence says what that means',
  async (t) => {
    // Nothing listens on port 1.
    const sql = connectSql({
      url: 'postgres://nobody@127.0.0.1:1/none',
      application_name: 'foreword:test',
      max: 1,
    })
    t.teardown(() => sql.end({ timeout: 1 }))
    const errors: string[] = []
    const logger = { ...silent, error: (_fields: unknown, message: string) => errors.push(message) }
    const web = await webOn(t, sql, { logger })
    const page = await ask(web, '/', { headers: await enter(web) })
    t.equal(page.status, 503)
    t.match(page.text, /<h1>The database does not answer<\/h1>/)
    const health = await ask(web, '/healthz')
    t.equal(health.status, 503)
    t.strictSame(JSON.parse(health.text), { status: 'no_database' })
    t.strictSame(errors, ['the page cannot read the database'], 'told once')
  },
)

t.test('a busy port is an error that names the place and the remedy', async (t) => {
  const { engine } = await testEngine(t)
  const { port } = await webOn(t, engine.sql)
  const error = await startWeb({ ...pageOptions(engine.sql), port }).catch(
    (thrown: unknown) => thrown,
  )
  t.ok(error instanceof ForewordError)
  t.match(error, {
    message: `port ${port} is busy`,
    where: `127.0.0.1:${port}`,
    remedy: 'set web.port in foreword.config.ts or --port',
    exit_code: 1,
  })
})

t.test('connections that ask for nothing keep nobody out for long', async (t) => {
  const { engine } = await testEngine(t)
  const web = await webOn(t, engine.sql)
  const silent_ones = Array.from({ length: 100 }, () => connect(web.port, '127.0.0.1'))
  t.teardown(() => {
    for (const socket of silent_ones) socket.destroy()
  })
  // Those above what is taken are closed at once.
  for (const socket of silent_ones) socket.on('error', () => undefined)
  await eventually('all places are taken', () => silent_ones.some((socket) => socket.closed))
  const answered = async (): Promise<boolean> => {
    const url = `http://127.0.0.1:${web.port}/healthz`
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null)
    return answer?.status === 503
  }
  // Node's own patience is 60 s, and 30 until it looks.
  t.ok(await eventually('somebody else is answered', answered, { deadline_ms: 30_000 }))
})
