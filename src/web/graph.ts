/** The graph of unsettled intents: who waits for whom. */
import type { IntentRow } from '../domain/web-ports.ts'
import type { WaitGraph } from '../domain/web-story-ports.ts'
import { layOut, reduced, type Placed } from './graph-layout.ts'
import {
  headOf,
  intentLink,
  moodOf,
  named,
  numbered,
  pill,
  section,
  when,
  type Html,
} from './parts.ts'
import { waitsSection } from './resource.ts'
import { html } from './text.ts'
import { count, counted } from './words.ts'

const node = { width: 204, height: 42, gap_x: 64, gap_y: 12 }
const chars_max = 25

const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

const cut = (text: string, max: number): string => {
  const first = [...letters.segment(text.slice(0, 8 * max))].map((letter) => letter.segment)
  return first.length <= max ? text : `${first.slice(0, max - 1).join('')}…`
}

interface Point {
  readonly x: number
  readonly y: number
}

const corner = ({ layer, place }: Placed): Point => ({
  x: 2 + layer * (node.width + node.gap_x),
  y: 2 + place * (node.height + node.gap_y),
})

const nodeOf = (intent: IntentRow, at: Point): Html => {
  const { id, verb, kind, name, state } = intent
  return html`<a href="${intentLink(id)}"
    ><title>#${id} ${verb} ${kind}/${name} in ${intent.scope}: ${state.replaceAll('_', ' ')}</title
    ><rect
      class="node ${moodOf(state)}"
      x="${at.x}"
      y="${at.y}"
      width="${node.width}"
      height="${node.height}"
      rx="7"
    ></rect
    ><text class="label" x="${at.x + 11}" y="${at.y + 18}">${cut(name, chars_max)}</text
    ><text class="label small" x="${at.x + 11}" y="${at.y + 33}"
      >${cut(`#${id} ${verb} ${kind}, ${state.replaceAll('_', ' ')}`, 33)}</text
    ></a
  >`
}

/** From who is waited for (left) to who waits (right). */
const edgeOf = (from: Point, to: Point): Html => {
  const x1 = from.x + node.width
  const [y1, y2] = [from.y + node.height / 2, to.y + node.height / 2]
  const bend = Math.max(24, (to.x - x1) / 2)
  return html`<path
    class="edge"
    marker-end="url(#tip)"
    d="M${x1} ${y1}C${x1 + bend} ${y1} ${to.x - bend} ${y2} ${to.x - 3} ${y2}"
  ></path>`
}

const drawing = (graph: WaitGraph, nodes: readonly IntentRow[]): Html => {
  const byId = new Map(nodes.map((intent) => [intent.id, intent]))
  const placed = layOut([...byId.keys()], graph.edges)
  const at = new Map(placed.map((one) => [one.id, corner(one)]))
  const width = Math.max(0, ...[...at.values()].map((p) => p.x + node.width)) + 4
  const height = Math.max(0, ...[...at.values()].map((p) => p.y + node.height)) + 4
  const says = `${counted(nodes.length, 'intent')} that wait for each other; the table below tells who waits for whom`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Graph of what waits">
    <svg
      class="graph"
      width="${width}"
      height="${height}"
      viewBox="0 0 ${width} ${height}"
      role="group"
      aria-label="${says}"
    >
      <defs>
        <marker
          id="tip"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path class="tip" d="M0 0L8 4L0 8z"></path>
        </marker>
      </defs>
      ${reduced(graph.edges).map((edge) => {
        const [first, then] = [at.get(edge.to), at.get(edge.from)]
        return first === undefined || then === undefined ? '' : edgeOf(first, then)
      })}
      ${placed.map((one) => {
        const intent = byId.get(one.id)
        return intent === undefined ? '' : nodeOf(intent, corner(one))
      })}
    </svg>
  </div>`
}

const words = (graph: WaitGraph): Html => {
  const byId = new Map(graph.nodes.map((intent) => [intent.id, intent]))
  return waitsSection(
    graph.edges.flatMap((edge) => {
      const [intent, waits_for] = [byId.get(edge.from), byId.get(edge.to)]
      return intent === undefined || waits_for === undefined
        ? []
        : [{ intent, waits_for, why: edge.why }]
    }),
  )
}

const alone = (rows: readonly IntentRow[], now: Date): Html =>
  section(
    {
      id: 'alone',
      title: 'Wait for no other intent',
      empty: 'All that is open waits, or is waited for.',
      columns: [
        { head: 'Id', cell: (i) => numbered(i.id) },
        { head: 'State', cell: (i) => pill(i.state) },
        { head: 'Intent', look: 'wide', cell: (i) => html`<bdi>${i.verb}</bdi> ${named(i)}` },
        { head: 'Decided', look: 'number', cell: (i) => when(i.decided_at, now) },
      ],
    },
    rows,
  )

export const graphMain = (graph: WaitGraph): Html => {
  const touched = new Set(graph.edges.flatMap(({ from, to }) => [from, to]))
  const linked = graph.nodes.filter((intent) => touched.has(intent.id))
  const others = graph.nodes.filter((intent) => !touched.has(intent.id))
  const rest = graph.open - graph.nodes.length
  return html`${headOf({
      mood: graph.open === 0 ? 'ok' : 'busy',
      says: graph.open === 0 ? 'Nothing is open' : counted(graph.open, 'open intent'),
      then:
        rest > 0
          ? `The ${count(graph.nodes.length)} that matter most are drawn: doubts, approvals, what has begun, then the oldest. ${count(rest)} more are open: foreword.intent and foreword.waiting have all.`
          : 'An arrow leads from who must be through first to who waits for it.',
      taken_at: graph.taken_at,
    })}
    <section id="graph" class="panel">
      <h2>Graph</h2>
      ${
        linked.length === 0
          ? html`<p class="empty">
              No open intent waits for another
              one${graph.open === 0 ? ': what is decided now would stand here until it is settled' : ''}.
            </p>`
          : drawing(graph, linked)
      }
    </section>
    <div class="columns">
      <div>${linked.length === 0 ? alone(others, graph.taken_at) : words(graph)}</div>
      <div>${linked.length === 0 ? '' : alone(others, graph.taken_at)}</div>
    </div>`
}
