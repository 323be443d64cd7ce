/** Which page an address is, and what it shows. The same for a whole document and for the stream that follows it. */
import type { WebReads } from '../domain/web-story-ports.ts'
import { decisionMain } from './decision.ts'
import { doubtsMain } from './doubts.ts'
import { graphMain } from './graph.ts'
import { intentMain } from './intent.ts'
import { machineryMain } from './machinery.ts'
import { overviewMain } from './overview.ts'
import { headOf, type Html } from './parts.ts'
import { resourceMain } from './resource.ts'
import { resourcesMain, searchOf } from './resources.ts'
import { idOf } from './ruling-form.ts'
import { storable } from './text.ts'

export interface Page {
  readonly title: string
  readonly main: Html
  readonly status: 200 | 400 | 404 | 503
}

type View = (reads: WebReads, query: URLSearchParams, person: string) => Promise<Page>

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const shown = (title: string, main: Html): Page => ({ title, main, status: 200 })

export const missing = (says: string, then: string, status: 400 | 404 | 503 = 404): Page => ({
  title: says,
  status,
  main: headOf({ mood: 'warn', says, then, taken_at: null }),
})

const resource: View = async (reads, query) => {
  const [scope, kind, name] = ['scope', 'kind', 'name'].map((key) => storable(query.get(key) ?? ''))
  const unknown = missing(
    'There is no such resource',
    'Search for it: its scope, kind and name must be as they are.',
  )
  if (!scope || !kind || !name) return unknown
  const story = await reads.resource({ scope, kind, name })
  return story === null ? unknown : shown(`${kind}/${name}`, resourceMain(story))
}

const rulings = new Set(['happened', 'did_not_happen', 'retry', 'abandon', 'approve', 'cancel'])

const intent: View = async (reads, query, person) => {
  const id = idOf(query.get('id'))
  const story = id === null ? null : await reads.intent(id)
  if (story === null || story.intent.cause !== 'intent') {
    return missing(
      'There is no such intent',
      'See the newest on the overview, or select from foreword.intent.',
    )
  }
  const ruled = query.get('ruled') ?? ''
  return shown(
    `#${story.intent.id} ${story.intent.verb} ${story.intent.kind}/${story.intent.name}`,
    intentMain(story, person, rulings.has(ruled) ? { ruled } : {}),
  )
}

const decision: View = async (reads, query) => {
  const id = query.get('id') ?? ''
  const story = uuid.test(id) ? await reads.decision(id) : null
  if (story === null) {
    return missing('There is no such decision', 'Its id is a UUID, as foreword.decision has it.')
  }
  return shown(`decision of ${story.decision.decider}`, decisionMain(story))
}

export const views: ReadonlyMap<string, View> = new Map<string, View>([
  ['/', async (reads) => shown('overview', overviewMain(await reads.overview()))],
  [
    '/resources',
    async (reads, query) => {
      const search = searchOf(query)
      return shown('resources', resourcesMain(search, await reads.search(search)))
    },
  ],
  ['/resource', resource],
  [
    '/doubts',
    async (reads, _query, person) => shown('doubts', doubtsMain(await reads.parked(), person)),
  ],
  ['/intent', intent],
  ['/decision', decision],
  ['/graph', async (reads) => shown('graph', graphMain(await reads.waiting()))],
  ['/workers', async (reads) => shown('workers', machineryMain(await reads.machinery()))],
])

/** A search is made once, not every two seconds: it may look at much, and its rows are read in order. */
export const isLive = (path: string): boolean => views.has(path) && path !== '/resources'
