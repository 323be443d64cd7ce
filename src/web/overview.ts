/** The overview: what matters most in one sentence, the figures, and what is newest of everything. */
import type { HealthRow, Overview } from '../domain/web-ports.ts'
import { headOf, linkTo, named, numbered, pill, section, when, why, type Html } from './parts.ts'
import { paceSection } from './pace.ts'
import { html } from './text.ts'
import { count, counted, span, verdictOf, type Mood } from './words.ts'

interface Tile {
  readonly name: string
  readonly value: string
  /** Undefined: nothing to look at. */
  readonly mood?: Mood | undefined
  /** Where there is more about it. */
  readonly link: string
}

const tilesOf = (health: HealthRow): readonly Tile[] => {
  const tile = (name: string, value: number, mood: Mood, link: string): Tile => ({
    name,
    value: count(value),
    mood: value > 0 ? mood : undefined,
    link,
  })
  const found = (condition: string): string => linkTo('/resources', { condition })
  const dead = health.dead_workers > 0 ? `, ${count(health.dead_workers)} died` : ''
  return [
    tile('pending', health.pending, 'busy', '/graph'),
    tile('applying', health.applying, 'busy', found('applying')),
    tile('applied, to be confirmed', health.applied, 'busy', found('applied')),
    tile('in doubt', health.in_doubt, 'bad', '/doubts'),
    tile('awaiting approval', health.awaiting_approval, 'warn', '/doubts'),
    tile('drifted paths', health.drifted_paths, 'warn', found('drifted')),
    {
      name: health.oldest_due_s > 0 ? 'since the oldest was due' : 'nothing is due',
      value: health.oldest_due_s > 0 ? span(health.oldest_due_s) : '–',
      link: '/graph',
    },
    {
      name: `${health.live_workers === 1 ? 'worker lives' : 'workers live'}${dead}`,
      value: count(health.live_workers),
      mood: health.live_workers === 0 ? 'bad' : undefined,
      link: '/workers',
    },
  ]
}

const tilesSection = (health: HealthRow): Html =>
  html`<section id="health" class="tiles" aria-label="Health">
    ${tilesOf(health).map(
      (tile) =>
        html`<a class="tile ${tile.mood ?? ''}" href="${tile.link}">
          <b>${tile.value}</b><span>${tile.name}</span>
        </a>`,
    )}
  </section>`

/** The open intents by state as one bar. Attributes of SVG, since the page allows no inline styles. */
const barSection = (health: HealthRow): Html => {
  const shares = (['pending', 'applying', 'applied', 'awaiting_approval', 'in_doubt'] as const).map(
    (state) => ({ state, value: health[state] }),
  )
  const total = shares.reduce((sum, share) => sum + share.value, 0)
  const starts = shares.map((_, i) => shares.slice(0, i).reduce((sum, s) => sum + s.value, 0))
  const label = shares.map(({ state, value }) => `${state} ${value}`).join(', ')
  return total === 0
    ? html`<div id="bar"></div>`
    : html`<div id="bar">
        <svg class="bar" viewBox="0 0 ${total} 1" preserveAspectRatio="none" role="img">
          <title>${counted(total, 'open intent')}: ${label}</title>
          ${shares.map(
            ({ state, value }, i) =>
              html`<rect
                class="${state}"
                x="${starts[i] ?? 0}"
                width="${value}"
                height="1"
              ></rect>`,
          )}
        </svg>
      </div>`
}

const backlog = ({ backlog, taken_at }: Overview): Html =>
  section(
    {
      id: 'backlog',
      title: 'Backlog',
      empty: 'No intent is open.',
      columns: [
        { head: 'State', cell: (b) => pill(b.state) },
        { head: 'Kind', cell: (b) => html`${b.kind}<bdi class="sub">${b.scope}</bdi>` },
        { head: 'Open', look: 'number', cell: (b) => count(b.count) },
        { head: 'Oldest', look: 'number', cell: (b) => when(b.oldest, taken_at) },
      ],
    },
    backlog,
  )

const outOfSync = ({ out_of_sync, taken_at }: Overview): Html =>
  section(
    {
      id: 'out-of-sync',
      title: 'Not in sync',
      empty: 'Every resource was last seen as it is assumed to be.',
      columns: [
        { head: 'Condition', cell: (r) => pill(r.condition) },
        { head: 'Resource', look: 'wide', cell: (r) => html`${named(r)}${why(r.reason)}` },
        { head: 'For', look: 'number', cell: (r) => when(r.since, taken_at) },
      ],
    },
    out_of_sync,
  )

const intents = ({ intents, taken_at }: Overview): Html =>
  section(
    {
      id: 'intents',
      title: 'Newest intents',
      empty: 'Nothing was decided yet.',
      columns: [
        { head: 'Id', look: 'extra', cell: (i) => numbered(i.id) },
        { head: 'State', cell: (i) => pill(i.state) },
        {
          head: 'Intent',
          look: 'wide',
          cell: (i) => html`<bdi>${i.verb}</bdi> ${named(i)}${why(i.reason)}`,
        },
        { head: 'Calls', look: 'number', cell: (i) => count(i.attempts) },
        { head: 'Decided', look: 'number', cell: (i) => when(i.decided_at, taken_at) },
      ],
    },
    intents,
  )

/** What Postgres calls it, in words. */
const conflictOf: Readonly<Record<string, string>> = {
  '40001': 'somebody else was first',
  '40P01': 'deadlock',
  '23505': 'the same key was taken',
}

const conflicts = ({ conflicts, taken_at }: Overview): Html =>
  section(
    {
      id: 'conflicts',
      title: 'Newest conflicts',
      empty: 'No decision ever had to be decided again.',
      columns: [
        {
          head: 'Decider',
          look: 'wide',
          cell: (c) =>
            html`<bdi>${c.decider}</bdi
              ><bdi class="sub">${c.scope}</bdi>${why(conflictOf[c.sqlstate] ?? c.sqlstate)}`,
        },
        { head: 'Try', look: 'number', cell: (c) => count(c.tries) },
        { head: 'Ago', look: 'number', cell: (c) => when(c.at, taken_at) },
      ],
    },
    conflicts,
  )

const workers = ({ workers, taken_at }: Overview): Html =>
  section(
    {
      id: 'workers',
      title: 'Workers',
      empty: 'No worker was ever started.',
      columns: [
        {
          head: 'Worker',
          look: 'wide',
          cell: (w) =>
            html`<bdi>${w.host}</bdi> <span class="soft">${w.pid}</span
              ><bdi class="sub">${w.kinds.join(', ')}</bdi>`,
        },
        {
          head: 'Lives',
          cell: (w) =>
            w.alive
              ? html`<span class="pill ok">alive</span>`
              : html`<span class="pill bad">dead</span>`,
        },
        { head: 'Version', look: 'extra', cell: (w) => w.version },
        { head: 'Leases', look: 'number', cell: (w) => count(w.running) },
        { head: 'Started', look: 'number', cell: (w) => when(w.started_at, taken_at) },
      ],
    },
    workers,
  )

const schedules = ({ schedules, taken_at }: Overview): Html =>
  section(
    {
      id: 'schedules',
      title: 'Schedules',
      empty: 'None is configured.',
      columns: [
        {
          head: 'Schedule',
          look: 'wide',
          cell: (s) =>
            html`<bdi>${s.name}</bdi
              ><bdi class="sub"
                >${s.decider === null ? `reconcile ${s.kind ?? 'every kind'}` : s.decider} in
                ${s.scope}</bdi
              >${why(s.last_outcome)}`,
        },
        { head: 'Cron', cell: (s) => html`<code>${s.cron}</code>` },
        { head: 'Last run', look: 'number', cell: (s) => when(s.last_started_at, taken_at) },
      ],
    },
    schedules,
  )

/** Everything inside `main`; whatever has an id is replaced by itself when it changes. */
export const overviewMain = (overview: Overview): Html => {
  const column = (parts: readonly ((of: Overview) => Html)[]): Html =>
    html`<div>${parts.map((part) => part(overview))}</div>`
  const verdict = verdictOf(overview.health)
  const { waits_for_a_person, awaiting_approval } = overview.health
  const then =
    waits_for_a_person + awaiting_approval === 0
      ? verdict.then
      : html`${verdict.then} <a href="/doubts">See what waits</a>`
  return html`${headOf({ ...verdict, then, taken_at: overview.taken_at })}
    ${tilesSection(overview.health)} ${barSection(overview.health)} ${paceSection(overview.pace)}
    <div class="columns">
      ${column([outOfSync, intents])} ${column([backlog, workers, schedules, conflicts])}
    </div>`
}

/** What `main` holds while the database does not answer. */
export const troubleMain = (): Html =>
  headOf({
    mood: 'bad',
    says: 'The database does not answer',
    then: 'What was decided is written down there and goes on when it does. The log of foreword says more.',
    taken_at: null,
  })
