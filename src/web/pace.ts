/** How fast intents are settled, drawn: the newest ones, over the time since the first of them was decided. */
import type { Pace } from '../domain/web-ports.ts'
import { moment, type Html } from './parts.ts'
import { html } from './text.ts'
import { count, counted, millis, span } from './words.ts'

const bar = { width: 10, gap: 3 }
const height = 64

const perBar = (pace: Pace): number =>
  (pace.ended.getTime() - pace.began.getTime()) / 1_000 / Math.max(1, pace.bars.length)

const drawing = (pace: Pace): Html => {
  const most = Math.max(1, ...pace.bars)
  const width = pace.bars.length * (bar.width + bar.gap) - bar.gap
  const label = `intents settled over time, ${count(most)} at most in ${span(perBar(pace))}`
  return html`<svg
    class="pace"
    viewBox="0 0 ${width} ${height}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    ${pace.bars.map((settled, i) => {
      const tall = settled === 0 ? 1 : Math.max(3, (settled / most) * height)
      return html`<rect
        class="${settled === 0 ? 'none' : ''}"
        x="${i * (bar.width + bar.gap)}"
        y="${(height - tall).toFixed(1)}"
        width="${bar.width}"
        height="${tall.toFixed(1)}"
        ><title>${counted(settled, 'intent')} settled</title></rect
      >`
    })}
  </svg>`
}

const figure = (value: string, says: string): Html =>
  html`<div><b>${value}</b><span>${says}</span></div>`

const tookText = (ms: number | null): string => (ms === null ? '–' : millis(ms))

export const paceSection = (pace: Pace | null): Html => {
  if (pace === null) return html`<div id="pace"></div>`
  const age = span((pace.ended.getTime() - pace.began.getTime()) / 1_000)
  return html`<section id="pace" class="panel paces">
    <div>
      <h2>Settled</h2>
      <p class="asof">
        ${count(pace.settled)} of the newest ${counted(pace.intents, 'intent')}, over
        <time datetime="${pace.began.toISOString()}" title="since ${moment(pace.began)}"
          >${age}</time
        >
      </p>
    </div>
    ${drawing(pace)}
    <div class="figures">
      ${figure(tookText(pace.median_ms), 'from decision to settled, half of them')}
      ${figure(tookText(pace.slowest_ms), 'nineteen of twenty')}
      ${figure(count(pace.conflicts), 'tries aborted meanwhile')}
    </div>
  </section>`
}
