/** What happened to one resource on one time axis, as a drawing. The list of events beside it says the same in words. */
import type { AttemptRow, EntryRow, ResourceStory } from '../domain/web-story-ports.ts'
import { intentLink, moment, moodOf, type Html } from './parts.ts'
import { html } from './text.ts'
import { counted } from './words.ts'

const rows_max = 12
const width = 960
const left = 168
const right = 14
const row_height = 30

type Axis = (at: Date) => number

/**
 * Moments in their order, with gaps by their logarithm: calls last milliseconds, doubts days, and on an even
 * axis one of the two could not be seen.
 */
export const axisOf = (moments: readonly Date[]): Axis => {
  const times = [...new Set(moments.map((at) => at.getTime()))].toSorted((a, b) => a - b)
  const places = [0]
  for (const [i, time] of times.entries()) {
    const before = times[i - 1]
    if (before !== undefined)
      places.push((places.at(-1) ?? 0) + Math.log1p((time - before) / 5) + 0.4)
  }
  const scale = (width - left - right) / Math.max(places.at(-1) ?? 0, 0.001)
  return (at) => {
    const time = at.getTime()
    const i = times.findLastIndex((known) => known <= time)
    const [from, to] = [times[Math.max(0, i)] ?? time, times[i + 1]]
    const [a = 0, b = places.at(-1) ?? 0] = [places[Math.max(0, i)], places[i + 1]]
    const share = to === undefined || i < 0 ? 0 : (time - from) / (to - from)
    return left + (a + (b - a) * share) * scale
  }
}

const round = (x: number): string => x.toFixed(1)

const attemptMark = (attempt: AttemptRow, axis: Axis, y: number, now: Date): Html => {
  const from = axis(attempt.started_at)
  const to = axis(attempt.ended_at ?? now)
  const outcome = attempt.outcome ?? 'no outcome yet'
  return html`<rect
    class="call ${attempt.outcome === null ? 'busy' : moodOf(outcome === 'applied' ? 'confirmed' : outcome)}"
    x="${round(from)}"
    y="${y + 5}"
    width="${round(Math.max(4, to - from))}"
    height="20"
    rx="2"
    ><title>
      call ${attempt.number}, ${moment(attempt.started_at)}: ${outcome.replaceAll('_', ' ')}
    </title></rect
  >`
}

const diamond = (x: number, y: number, says: string): Html =>
  html`<path class="ruled" d="M${round(x)} ${y + 6}l9 9l-9 9l-9 -9z"><title>${says}</title></path>`

const stateOf = (entry: EntryRow): string => (entry.cause === 'intent' ? entry.state : entry.cause)

const label = (entry: EntryRow, y: number): Html => {
  const text = html`<text class="lane" x="0" y="${y + 14}"
      >v${entry.version} ${entry.verb.slice(0, 14)}</text
    >
    <text class="lane small" x="0" y="${y + 26}">${stateOf(entry).replaceAll('_', ' ')}</text>`
  return entry.cause === 'intent' ? html`<a href="${intentLink(entry.id)}">${text}</a>` : text
}

const entryRow = (story: ResourceStory, entry: EntryRow, axis: Axis, y: number): Html => {
  const { taken_at, attempts, rulings } = story
  const from = axis(entry.recorded_at)
  if (entry.cause !== 'intent') {
    return html`${label(entry, y)}<circle class="noted" cx="${round(from)}" cy="${y + 15}" r="6"
        ><title>${entry.cause} at ${moment(entry.recorded_at)}</title></circle
      >`
  }
  const to = axis(entry.settled_at ?? taken_at)
  return html`${label(entry, y)}
    <rect
      class="life ${moodOf(entry.state)}"
      x="${round(from)}"
      y="${y + 10}"
      width="${round(Math.max(4, to - from))}"
      height="10"
      rx="3"
      ><title>
        decided ${moment(entry.recorded_at)},
        ${entry.settled_at === null ? 'open' : `settled ${moment(entry.settled_at)}`}
      </title></rect
    >
    ${attempts
      .filter((attempt) => attempt.intent_id === entry.id)
      .map((attempt) => attemptMark(attempt, axis, y, taken_at))}
    ${rulings
      .filter((ruling) => ruling.intent_id === entry.id)
      .map((r) => diamond(axis(r.at), y, `${r.ruling.replaceAll('_', ' ')} by ${r.by}`))}`
}

const looksRow = ({ drifts, resource, taken_at }: ResourceStory, axis: Axis, y: number): Html =>
  html`<text class="lane" x="0" y="${y + 14}">looks</text
    ><text class="lane small" x="0" y="${y + 26}">and drift</text> ${drifts.map((drift) => {
      const from = axis(drift.since)
      return html`<rect
        class="life warn"
        x="${round(from)}"
        y="${y + 10}"
        width="${round(Math.max(4, axis(drift.resolved_at ?? taken_at) - from))}"
        height="10"
        rx="3"
        ><title>differed at ${drift.path} since ${moment(drift.since)}</title></rect
      >`
    })}
    ${
      resource.observed_at === null
        ? ''
        : html`<circle class="look" cx="${round(axis(resource.observed_at))}" cy="${y + 15}" r="5"
            ><title>last look ${moment(resource.observed_at)}</title></circle
          >`
    }`

/** A few moments with room between them; the last is now. */
const ticks = (
  moments: readonly Date[],
  axis: Axis,
  now: Date,
): readonly { x: number; text: string }[] => {
  const chosen: { x: number; text: string }[] = [{ x: axis(now), text: 'now' }]
  const day = now.toISOString().slice(0, 10)
  for (const at of moments.toSorted((a, b) => a.getTime() - b.getTime())) {
    const x = axis(at)
    const text = moment(at)
    const short = text.startsWith(day) ? text.slice(11, 19) : text.slice(5, 16)
    if (chosen.some((tick) => Math.abs(tick.x - x) < 84 || tick.text === short)) continue
    chosen.push({ x, text: short })
  }
  return chosen
}

const momentsOf = (story: ResourceStory, entries: readonly EntryRow[]): readonly Date[] => {
  const of = new Set(entries.map((entry) => entry.id))
  const oldest = Math.min(...entries.map((entry) => entry.recorded_at.getTime()))
  const mine = (row: { readonly intent_id: number }): boolean => of.has(row.intent_id)
  return [
    ...entries.flatMap((entry) => [entry.recorded_at, entry.settled_at]),
    ...story.attempts.filter(mine).flatMap((attempt) => [attempt.started_at, attempt.ended_at]),
    ...story.rulings.filter(mine).map((ruling) => ruling.at),
    ...story.drifts.flatMap((drift) => [drift.since, drift.resolved_at]),
    story.resource.observed_at,
    story.taken_at,
  ]
    .filter((at) => at !== null && at.getTime() >= oldest)
    .filter((at) => at !== null)
}

const legend = html`<p class="legend">
  <span class="pill plain">decided to settled</span><span class="pill ok">done</span
  ><span class="pill busy">under way</span><span class="pill bad">in doubt or refused</span
  ><span class="pill warn">drift, or waits for approval</span> <span>◆ a ruling</span
  ><span>Gaps are drawn by their logarithm. Times are UTC.</span>
</p>`

export const timeline = (story: ResourceStory): Html => {
  const entries = story.entries.slice(0, rows_max)
  if (entries.length === 0) return html`<p class="empty">Nothing was decided about it yet.</p>`
  const moments = momentsOf(story, entries)
  const axis = axisOf(moments)
  const drifts = story.drifts.filter((d) => moments.includes(d.since))
  const height = (entries.length + 1) * row_height + 30
  const bottom = height - 24
  const says = `${counted(entries.length, 'version')}, newest first, from ${moment(entries.at(-1)?.recorded_at ?? story.taken_at)} to now`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Timeline">
      <svg
        class="timeline"
        viewBox="0 0 ${width} ${height}"
        role="group"
        aria-label="${says}; the list below tells it in words"
      >
        ${ticks(moments, axis, story.taken_at).map(
          ({ x, text }) =>
            html`<line class="tick" x1="${round(x)}" x2="${round(x)}" y1="0" y2="${bottom}"></line
              ><text
                class="at"
                x="${round(x)}"
                y="${bottom + 16}"
                text-anchor="${x > width - 60 ? 'end' : 'middle'}"
                >${text}</text
              >`,
        )}
        ${entries.map((entry, i) => entryRow(story, entry, axis, i * row_height))}
        ${looksRow({ ...story, drifts }, axis, entries.length * row_height)}
      </svg>
    </div>
    ${legend}`
}
