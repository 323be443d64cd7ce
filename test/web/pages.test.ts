/** The pages: what each tells, on an empty database and of a full one, and that nothing from outside gets through. */
import { connect } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { create, update } from '../../src/domain/decider.ts'
import { applied, rejected } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { layOut, reduced } from '../../src/web/graph-layout.ts'
import type { Web } from '../../src/web/index.ts'
import { allSettled, cloudWorld, testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { ask, enter, webOn } from '../support/web.ts'

const resourcePath = (name: string): string =>
  `/resource?${new URLSearchParams({ scope: 'acme', kind: 'thing', name }).toString()}`

/** Every address that the pages of a world lead to, from the overview on. */
const reachable = async (
  web: Web,
  headers: Record<string, string>,
): Promise<Map<string, string>> => {
  const seen = new Map<string, string>()
  const left = ['/']
  while (left.length > 0) {
    const path = left.pop() ?? '/'
    if (seen.has(path)) continue
    const { status, text } = await ask(web, path, { headers })
    if (status !== 200) throw new Error(`${path}: ${status}`)
    seen.set(path, text)
    for (const [, href = ''] of text.matchAll(/href="(\/[^"#]*)"/g)) {
      left.push(href.replaceAll('&amp;', '&'))
    }
  }
  return seen
}

t.test('on an empty database every page says what to do', async (t) => {
  const { engine } = await testEngine(t)
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)
  const expected = [
    ['/resources', /foreword apply -f stack.yaml/],
    ['/doubts', /Nothing waits for you/],
    ['/graph', /Nothing is open/],
    ['/workers', /No worker was ever started: <code>foreword up<\/code>/],
  ] as const
  for (const [path, says] of expected) {
    const { status, text } = await ask(web, path, { headers })
    t.equal(status, 200, path)
    t.match(text, says)
    t.match(text, /<a class="skip" href="#main">/)
    t.match(text, new RegExp(`href="${path}" aria-current="page"`))
  }
})

t.test('what is not there is 404 with a word, however it is asked for', async (t) => {
  const { engine } = await testEngine(t)
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)
  const paths = [
    '/intent',
    '/intent?id=1',
    '/intent?id=1e3',
    '/intent?id=-1',
    '/intent?id=9007199254740993',
    '/intent?id=99999999999999999999',
    '/decision?id=1',
    '/decision?id=00000000-0000-0000-0000-000000000000',
    '/resource',
    '/resource?scope=a&kind=b&name=c',
    '/resource?scope=a&kind=b&name=%00',
    '/nothing',
    '/%2e%2e/doubts/x',
  ]
  for (const path of paths) {
    const { status, text } = await ask(web, path, { headers })
    t.equal(status, 404, path)
    t.match(text, /<h1>There is no such/, path)
  }
})

t.test('a paused scope is told with who paused it, and why', async (t) => {
  const { engine } = await testEngine(t)
  await testWorker(t, engine)
  await engine.sql`select foreword.pause('acme/<prod>', 'ann', 'the bill is wrong')`
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)
  t.match((await ask(web, '/', { headers })).text, /1 scope is paused/)
  const { text } = await ask(web, '/workers', { headers })
  t.match(text, /acme\/&lt;prod&gt;/)
  t.match(text, /by ann/)
  t.match(text, /the bill is wrong/)
})

/** A chain of things that need each other; the first is in doubt. */
const chain = async (t: Test): Promise<Engine> => {
  const provider = scriptedProvider({
    call: () => Promise.reject(new Error('the line went dead')),
  })
  const { engine } = await testEngine(t, { providers: [provider] })
  await testWorker(t, engine)
  const drafts = [
    create('thing', 'first', { a: 1 }),
    create('thing', 'second', { a: 1 }, { needs: ['thing/first'] }),
    create('thing', 'third', { a: 1 }, { needs: ['thing/second'] }),
  ]
  await engine.decide(say, { scope: 'acme', input: { drafts } })
  await eventually('the first waits for a person', async () => {
    const [doubt] = await engine.sql`select from foreword.doubt where waits_for_a_person`
    return doubt !== undefined
  })
  return engine
}

t.test('who waits for whom is drawn, and told in words', async (t) => {
  const engine = await chain(t)
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)
  const { text } = await ask(web, '/graph', { headers })
  t.match(text, /3 open intents/)
  t.equal((text.match(/class="edge"/g) ?? []).length, 2)
  t.match(text, /<svg[^>]+role="group"[^>]+aria-label="3 intents that wait/)
  t.match(text, /second.*?Waits for|which it needs/s)
  const [first] = await engine.sql<{ id: number }[]>`
    select id from foreword.intent where name = 'first'`
  const story = await ask(web, `/intent?id=${first?.id ?? 0}`, { headers })
  t.match(story.text, /In doubt/)
  t.match(story.text, /the line went dead/)
  t.match(story.text, /1 other intent/)
  t.match(story.text, /which it needs/)
  const waiting = await ask(web, resourcePath('third'), { headers })
  t.match(waiting.text, /What waits on what/)
  t.match(waiting.text, /second/)
})

t.test(
  'a graph is laid out so that all arrows lead to the right, also where it has a circle',
  async (t) => {
    const edges = [
      { from: 2, to: 1 },
      { from: 3, to: 1 },
      { from: 4, to: 2 },
      { from: 4, to: 3 },
      { from: 5, to: 1 },
      { from: 9, to: 1 },
    ]
    const placed = new Map(layOut([1, 2, 3, 4, 5], edges).map((one) => [one.id, one]))
    for (const { from, to } of edges.slice(0, 5)) {
      t.ok((placed.get(from)?.layer ?? 0) > (placed.get(to)?.layer ?? 0), `${to} before ${from}`)
    }
    const places = [...placed.values()].map(({ layer, place }) => `${layer} ${place}`)
    t.equal(new Set(places).size, 5, 'no two in one place')
    const circle = layOut(
      [1, 2],
      [
        { from: 1, to: 2 },
        { from: 2, to: 1 },
      ],
    )
    t.equal(circle.length, 2)
    t.same(layOut([], []), [])
    const shortcut = { from: 4, to: 1 }
    t.same(reduced([...edges, shortcut]), edges, 'what a longer way says is not drawn')
    const round = [
      { from: 1, to: 2 },
      { from: 2, to: 1 },
    ]
    t.ok(reduced(round).length <= 2)
  },
)

t.test('one resource: its states side by side, what differs marked, and its story', async (t) => {
  const { engine, cloud } = await cloudWorld(t)
  await testWorker(t, engine)
  const drafts = [create('vm', 'web-1', { size: 'm' }, { labels: { role: 'web' } })]
  await engine.decide(say, { scope: 'acme', input: { drafts } })
  await allSettled(engine)
  const path = '/resource?scope=acme&kind=vm&name=web-1'
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)
  const calm = (await ask(web, path, { headers })).text
  t.match(calm, /No path differs/)
  t.notMatch(calm, /class="marked"/)
  t.match(calm, /role=web/)
  t.match(calm, /class="life ok"/)
  t.match(calm, /class="call ok"/)
  t.match(calm, /call 1 of/)
  t.match(calm, /External id/)
  const [row] = await engine.sql<{ id: string }[]>`select external_id as id from foreword.resource`
  await fetch(`${cloud.url}/v1/vms/${row?.id ?? ''}`, {
    method: 'PATCH',
    headers: { 'x-account': 'acme', 'content-type': 'application/json' },
    body: JSON.stringify({ size: 'l' }),
  })
  await eventually('the drift was seen', async () => {
    await engine.reconcile({ scope: 'acme' }).catch(() => undefined)
    const [seen] = await engine.sql`select from foreword.drift_history where path = 'size'`
    return seen !== undefined
  })
  await eventually('the page tells it', async () => {
    const { text } = await ask(web, path, { headers })
    return /it differs at <code class="json">size<\/code>/.test(text.replaceAll(/\s+/g, ' '))
  })
})

t.test('names, reasons and answers from outside are inert on every page', async (t) => {
  const script = '<script>alert(1)</script>'
  const image = '"><img src=x onerror=alert(2)>'
  const turned = 'web\u202etxt.exe\u200b'
  const provider = scriptedProvider({
    call: ({ name }) => {
      if (name === script) return Promise.reject(new Error(`\u001b[31m${script}\u0007${turned}`))
      if (name === image) return Promise.resolve(rejected(`${image}\u001b]0;title\u0007`))
      return Promise.resolve(applied({ [script]: image, t: '\u001b[2J' }))
    },
  })
  const { engine } = await testEngine(t, { providers: [provider] })
  await testWorker(t, engine)
  const names = [script, image, turned, '</title></style><svg onload=alert(3)>', "';alert(4)//"]
  for (const name of names) {
    const labels = { [script]: image }
    const drafts = [create('thing', name, { [image]: script }, { labels })]
    const by = { actor: `${image}${turned}`, reason: `${script}${turned}` }
    const result = await engine.decide(say, { scope: 'acme', input: { drafts }, ...by })
    if (result.type !== 'decided') throw new Error(JSON.stringify(result))
  }
  await eventually('all has happened that will', async () => {
    const rows = await engine.sql`
      select from foreword.intent where settled_at is null and state <> 'in_doubt'`
    const [doubt] = await engine.sql`select from foreword.doubt where waits_for_a_person`
    return rows.length === 0 && doubt !== undefined
  })
  await engine.decide(say, {
    scope: 'acme',
    input: { drafts: [update('thing', turned, { z: 1 })] },
  })
  const web = await webOn(t, engine.sql)
  const pages = await reachable(web, await enter(web))
  t.ok(pages.size > 20, `${pages.size} pages`)
  for (const path of ['/resource?', '/intent?', '/decision?', '/doubts', '/graph', '/workers']) {
    t.ok(
      [...pages.keys()].some((page) => page.startsWith(path)),
      path,
    )
  }
  for (const [path, text] of pages) {
    const tags = text.match(/<(script|img|svg|iframe|object|embed|link|base)\b[^>]*>/gi) ?? []
    t.ok(
      tags.every((tag) => /^<(script\s+nonce="|svg\s+class="|link\s+rel="icon")/.test(tag)),
      `${path}: ${tags.join(' ')}`,
    )
    t.notMatch(text, / (on[a-z]+|style)=["']/i, path)
    // eslint-disable-next-line no-control-regex -- exactly these must not come through
    t.notMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/, path)
  }
  t.match(pages.get('/doubts'), /\\x1b\[31m&lt;script&gt;/, 'and can be read')
  t.match(pages.get('/resources'), /web\\u202etxt\.exe\\u200b/)
})

t.test('a page is followed at its own address, and no other is', async (t) => {
  const { engine } = await testEngine(t)
  const web = await webOn(t, engine.sql)
  const headers = await enter(web)
  const follow = async (at: string): Promise<string> => {
    const socket = connect(web.port, '127.0.0.1')
    let seen = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (seen += chunk))
    const path = `/live?at=${encodeURIComponent(at)}`
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${web.port}\r\nCookie: ${headers.cookie}\r\n\r\n`,
    )
    while (!/<\/section>|no such page/.test(seen)) await once(socket, 'data')
    socket.destroy()
    return seen
  }
  t.match(await follow('/doubts'), /Nothing waits for you/)
  t.match(await follow('/workers?x=1'), /No worker was ever started/)
  t.match(await follow('/intent?id=7'), /There is no such intent/)
  for (const at of [
    '//evil.example/doubts',
    'http://evil.example/',
    '/resources',
    '/healthz',
    '/live',
  ]) {
    t.match(await follow(at), /^HTTP\/1.1 404 /, at)
  }
})
