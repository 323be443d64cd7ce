/** Workers, schedules and accounts. */
import type { Machinery } from '../domain/web-story-ports.ts'
import { headOf, linkTo, pill, section, when, why, type Html } from './parts.ts'
import { html } from './text.ts'
import { count, counted, span } from './words.ts'

const livesOf = (worker: Machinery['workers'][number]): Html => {
  if (worker.alive) return pill('alive')
  return worker.stopped_at === null ? pill('dead') : html`<span class="pill plain">stopped</span>`
}

const workers = ({ workers: rows, taken_at }: Machinery): Html =>
  section(
    {
      id: 'workers',
      title: 'Workers',
      empty: html`No worker was ever started: <code>foreword up</code> has one,
        <code>foreword worker</code> is one more.`,
      columns: [
        { head: 'Id', look: 'number', cell: (w) => String(w.id) },
        { head: 'Lives', cell: livesOf },
        {
          head: 'Worker',
          look: 'wide',
          cell: (w) =>
            html`<bdi>${w.host}</bdi> <span class="soft">${w.pid}</span
              ><bdi class="sub">${w.kinds.join(', ')}</bdi>`,
        },
        { head: 'Version', look: 'extra', cell: (w) => html`<bdi>${w.version}</bdi>` },
        { head: 'Leases', look: 'number', cell: (w) => count(w.running) },
        { head: 'Started', look: 'number', cell: (w) => when(w.started_at, taken_at) },
      ],
    },
    rows,
  )

const tookOf = (from: Date | null, to: Date | null): string =>
  from === null || to === null || to < from ? '' : span((to.getTime() - from.getTime()) / 1_000)

const schedules = ({ schedules: rows, taken_at }: Machinery): Html =>
  section(
    {
      id: 'schedules',
      title: 'Schedules',
      empty: html`None is configured: <code>schedules</code> in
        <code>foreword.config.ts</code> reconciles by the clock.`,
      columns: [
        {
          head: 'Schedule',
          look: 'wide',
          cell: (s) =>
            html`<bdi>${s.name}</bdi
              ><span class="sub"
                >${s.decider === null ? html`reconcile <bdi>${s.kind ?? 'every kind'}</bdi>` : html`<bdi>${s.decider}</bdi>`}
                in
                <a href="${linkTo('/resources', { scope: s.scope, kind: s.kind ?? '' })}"
                  ><bdi>${s.scope}</bdi></a
                ></span
              >${why(s.last_outcome)}`,
        },
        { head: 'Cron', cell: (s) => html`<code>${s.cron}</code>` },
        { head: 'Took', look: 'extra', cell: (s) => tookOf(s.last_started_at, s.last_ended_at) },
        { head: 'Last run', look: 'number', cell: (s) => when(s.last_started_at, taken_at) },
      ],
    },
    rows,
  )

const budgets = ({ budgets: rows }: Machinery): Html =>
  section(
    {
      id: 'budgets',
      title: 'Accounts',
      empty: 'No account has a rate, and with none was anything wrong.',
      columns: [
        { head: 'Health', cell: (b) => pill(b.health) },
        {
          head: 'Account',
          look: 'wide',
          cell: (b) =>
            html`<bdi>${b.account}</bdi
              ><bdi class="sub"
                >${b.kinds.join(', ')}${b.scope === null ? '' : ` in ${b.scope}`}</bdi
              >${why(b.reason)}`,
        },
        {
          head: 'May call',
          cell: (b) =>
            b.per_second === null
              ? html`<span class="soft">any number</span>`
              : html`${b.per_second}/s, ${count(b.burst ?? 0)} at once`,
        },
        {
          head: 'Left now',
          look: 'number',
          cell: (b) => (b.tokens === null ? '–' : String(Math.floor(b.tokens))),
        },
        {
          head: 'Until (UTC)',
          look: 'extra',
          cell: (b) => (b.until === null ? '' : b.until.toISOString().slice(11, 19)),
        },
      ],
    },
    rows,
  )

const paused = ({ paused: rows, taken_at }: Machinery): Html =>
  section(
    {
      id: 'paused',
      title: 'Paused scopes',
      empty: html`None: <code>foreword pause SCOPE</code> lets nothing more be decided or begun in
        one.`,
      columns: [
        {
          head: 'Scope',
          look: 'wide',
          cell: (s) =>
            html`<a href="${linkTo('/resources', { scope: s.scope })}"><bdi>${s.scope}</bdi></a
              ><bdi class="sub">by ${s.by ?? 'nobody named'}</bdi>${why(s.note)}`,
        },
        { head: 'Wait', look: 'number', cell: (s) => count(s.waiting) },
        { head: 'For', look: 'number', cell: (s) => when(s.since, taken_at) },
      ],
    },
    rows,
  )

export const machineryMain = (machinery: Machinery): Html => {
  const live = machinery.workers.filter((worker) => worker.alive).length
  const unwell = machinery.budgets.filter((budget) => budget.health !== 'well').length
  return html`${headOf({
      mood: live === 0 ? 'bad' : unwell > 0 ? 'warn' : 'ok',
      says:
        live === 0
          ? 'No worker lives'
          : `${counted(live, 'worker')} ${live === 1 ? 'lives' : 'live'}`,
      then:
        unwell === 0
          ? 'Every account is well.'
          : `${counted(unwell, 'account')} ${unwell === 1 ? 'fails or throttles' : 'fail or throttle'}: only ${unwell === 1 ? 'its' : 'their'} intents wait.`,
      taken_at: machinery.taken_at,
    })}
    <div class="columns">
      <div>${workers(machinery)} ${schedules(machinery)}</div>
      <div>${budgets(machinery)} ${paused(machinery)}</div>
    </div>`
}
