/** The page as a person meets it: in a browser, by keyboard, narrow and dark, and with a checker of accessibility. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { create, remove } from '../../src/domain/decider.ts'
import type { Json } from '../../src/domain/json.ts'
import { applied } from '../../src/domain/provider.ts'
import type { Engine } from '../../src/foreword.ts'
import { chromium, openTab, type Tab } from '../support/browser.ts'
import { testEngine, testWorker } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { say, scriptedProvider } from '../support/scripted-provider.ts'
import { webOn } from '../support/web.ts'

const program = chromium()
const options = program === undefined ? { skip: 'no Chromium on this machine' } : {}

const hostile = '<script>alert(1)</script>'

/** A world in which something is done, something in doubt, something to be approved, and something waits. */
const world = async (t: Test) => {
  const lost = new Set<string>()
  const provider = scriptedProvider({
    call: ({ name, spec }) => {
      if (!name.startsWith('doubt') || lost.has(name)) return Promise.resolve(applied(spec as Json))
      lost.add(name)
      return Promise.reject(new Error(`${hostile} the line went dead`))
    },
  })
  const { engine } = await testEngine(t, {
    providers: [provider],
    policies: [{ scope: '*', kind: 'thing', approve: ['delete'] }],
  })
  await testWorker(t, engine)
  const decide = async (...drafts: Parameters<typeof create>[1][]): Promise<void> => {
    const input = { drafts: drafts.map((name) => create('thing', name, { size: 1, tags: ['a'] })) }
    await engine.decide(say, { scope: 'acme', input })
  }
  await decide('done', hostile)
  const needs = ['thing/doubt-1']
  const input = {
    drafts: [
      create('thing', 'doubt-1', { size: 2 }),
      create('thing', 'waits', { a: 1 }, { needs }),
    ],
  }
  await engine.decide(say, { scope: 'acme', input })
  await confirmed(engine, 'done')
  await engine.decide(say, { scope: 'acme', input: { drafts: [remove('thing', 'done')] } })
  await parked(engine, 1)
  const web = await webOn(t, engine.sql)
  const tab = await openTab(t, program ?? '')
  await tab.go(web.url)
  await seen(tab, /the overview came/, `location.search === '' ? 'the overview came' : ''`)
  return { engine, tab, decide, at: (path: string) => `http://127.0.0.1:${web.port}${path}` }
}

const confirmed = (engine: Engine, name: string): Promise<unknown> =>
  eventually(`${name} is confirmed`, async () => {
    const [row] = await engine.sql`
      select from foreword.intent where name = ${name} and state = 'confirmed'`
    return row !== undefined
  })

const parked = (engine: Engine, count: number): Promise<unknown> =>
  eventually(`${count} wait for a person`, async () => {
    const rows = await engine.sql`select from foreword.doubt where waits_for_a_person`
    return rows.length === count
  })

const seen = (tab: Tab, text: RegExp, of = `document.querySelector('main').innerText`) =>
  eventually(String(text), async () => text.test(await tab.ask<string>(of).catch(() => '')))

/** Presses Tab until something is focused, as who has no mouse does. */
const tabTo = async (tab: Tab, selector: string): Promise<void> => {
  for (let i = 0; i < 80; i++) {
    await tab.press('Tab')
    if (await tab.ask<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`))
      return
  }
  throw new Error(`${selector} is not reached by Tab`)
}

t.test('the overview follows the work, and the document stays', options, async (t) => {
  const { tab, decide, at, engine } = await world(t)
  await tab.go(at('/'))
  await tab.ask('window.kept = true')
  await decide('while-it-is-open')
  await confirmed(engine, 'while-it-is-open')
  await seen(tab, /while-it-is-open/)
  await seen(tab, /^live$/, `document.querySelector('#link').textContent`)
  t.ok(await tab.ask('window.kept'), 'it was not loaded again')
  t.same(tab.complaints, [])
})

t.test('a doubt is ruled on by the keyboard alone', options, async (t) => {
  const { tab, at, engine } = await world(t)
  await tab.go(at('/doubts'))
  await tab.press('Tab')
  t.equal(await tab.ask('document.activeElement.className'), 'skip', 'first of all: past the links')
  await tabTo(tab, 'summary')
  t.match(
    await tab.ask('getComputedStyle(document.activeElement).outlineStyle'),
    'solid',
    'one sees where one is',
  )
  await tab.press('Enter')
  await tabTo(tab, 'input[name=ruling]')
  await tab.press('Space')
  await tabTo(tab, 'textarea[name=note]')
  await tab.type('seen in the console')
  await tabTo(tab, 'input[name=confirm]')
  await tab.type('doubt-1')
  const ruling = await tab.ask<string>(`document.querySelector('input[name=ruling]:checked').value`)
  t.equal(ruling, 'happened')
  await tab.press('Enter')
  await seen(tab, /Recorded: happened/)
  t.match(await tab.ask('location.pathname'), '/intent')
  await confirmed(engine, 'doubt-1')
  await seen(tab, /confirmed/)
  t.same(tab.complaints, [], 'no policy of the page was broken')
})

t.test(
  'an approval is given with the mouse, and what it holds back is done',
  options,
  async (t) => {
    const { tab, at, engine } = await world(t)
    await tab.go(at('/doubts'))
    await tab.ask(`(() => {
    const form = [...document.forms].find((form) => form.querySelector('[value=approve]'))
    form.closest('details').open = true
    form.querySelector('[value=approve]').click()
    form.querySelector('[name=confirm]').value = 'approve'
    form.querySelector('button').click()
  })()`)
    await seen(tab, /Recorded: approve/)
    await eventually('it is gone', async () => {
      const [row] = await engine.sql`
      select from foreword.intent where name = 'done' and verb = 'delete' and state = 'confirmed'`
      return row !== undefined
    })
    t.same(tab.complaints, [])
  },
)

t.test('what somebody writes stays while the page goes on', options, async (t) => {
  const { tab, at, decide, engine } = await world(t)
  await tab.go(at('/doubts'))
  await tabTo(tab, 'summary')
  await tab.press('Enter')
  await tabTo(tab, 'textarea[name=note]')
  await tab.type('I am still')
  await decide('doubt-2')
  await parked(engine, 2)
  await seen(tab, /held while you write/, `document.querySelector('#link').textContent`)
  await tab.type(' writing')
  t.equal(await tab.ask('document.activeElement.value'), 'I am still writing')
})

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}

t.test('nothing serious stands in anybody’s way, light, dark or narrow', options, async (t) => {
  const { tab, at, engine } = await world(t)
  const axe = await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
  const [decision] = await engine.sql<{ id: string }[]>`
    select decision_id as id from foreword.intent where name = 'doubt-1'`
  const [doubt] = await engine.sql<{ id: number }[]>`
    select id from foreword.intent where name = 'doubt-1'`
  const key = new URLSearchParams({ scope: 'acme', kind: 'thing', name: hostile }).toString()
  const paths = ['/', '/resources', `/resource?${key}`, '/doubts', `/intent?id=${doubt?.id ?? 0}`]
  for (const path of [...paths, `/decision?id=${decision?.id ?? ''}`, '/graph', '/workers']) {
    for (const as of [
      { width: 1280, dark: false },
      { width: 360, dark: true },
    ]) {
      await tab.look(as)
      await tab.go(at(path))
      await tab.ask(`document.querySelectorAll('details').forEach((one) => { one.open = true })`)
      await tab.ask(axe)
      const { violations, passes } = await tab.ask<{
        violations: readonly Violation[]
        passes: number
      }>(`axe.run().then(({ violations, passes }) => ({ violations, passes: passes.length }))`)
      const told = violations.map(
        ({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html ?? ''}`,
      )
      t.same(told, [], `${path} ${JSON.stringify(as)}`)
      t.ok(passes > 15, `${passes} rules hold`)
      const wide = await tab.ask<number>('document.documentElement.scrollWidth - innerWidth')
      t.ok(wide <= 0, `${path} fits ${as.width}, or is ${wide} wider`)
    }
  }
  t.same(tab.complaints, [], 'and no script of anybody else ran')
})
