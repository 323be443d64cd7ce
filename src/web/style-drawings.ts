/** The style of the drawings: the timeline of a resource and the graph of what waits. */
export const drawings = `
svg text { fill: var(--ink); font-size: 13px; }
svg .small, svg .at { fill: var(--soft); font-size: 11px; }
svg a { text-decoration: none; }
svg a:focus-visible { outline-offset: 0; }
.timeline { display: block; min-width: 44rem; width: 100%; padding: .2rem 1rem 0; overflow: visible; }
.tick { stroke: var(--line); stroke-width: 1; }
.life { fill: var(--plain); opacity: .45; }
.life.ok { fill: var(--ok); } .life.busy { fill: var(--busy); }
.life.warn { fill: var(--warn); } .life.bad { fill: var(--bad); }
.call { fill: var(--plain); stroke: var(--card); stroke-width: 1; }
.call.ok { fill: var(--ok); } .call.busy { fill: var(--busy); } .call.bad { fill: var(--bad); }
.ruled { fill: var(--ink); stroke: var(--card); stroke-width: 1.5; }
.noted { fill: var(--card); stroke: var(--busy); stroke-width: 2.5; }
.look { fill: var(--card); stroke: var(--ink); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; padding: .2rem 1rem .8rem; margin: 0; font-size: .82rem; }
.legend .pill { color: var(--soft); }
.paces { display: grid; grid-template-columns: auto minmax(8rem, 1fr) auto; gap: .4rem 1.6rem; align-items: center; padding: .8rem 1rem; }
.paces h2 { padding: 0; }
.paces p { max-width: 12rem; }
.pace { display: block; width: 100%; height: 3.4rem; }
.pace rect { fill: var(--ok); } .pace .none { fill: var(--line); }
.figures { display: flex; gap: .3rem 1.4rem; flex-wrap: wrap; }
.figures div { max-width: 9rem; }
.figures b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.figures span { display: block; color: var(--soft); font-size: .8rem; line-height: 1.25; }
@media (max-width: 60rem) { .paces { grid-template-columns: minmax(0, 1fr); } .paces p { max-width: none; } }
.graph { display: block; margin: .4rem 1rem 1rem; }
.node { fill: var(--bg); stroke: var(--edge); stroke-width: 1.2; }
.node.ok { stroke: var(--ok); } .node.busy { stroke: var(--busy); }
.node.warn { stroke: var(--warn); stroke-width: 2; } .node.bad { stroke: var(--bad); stroke-width: 2; }
a:hover > .node, a:focus-visible > .node { fill: var(--mark); }
.edge { fill: none; stroke: var(--edge); stroke-width: 1.3; }
.tip { fill: var(--edge); }
@media (max-width: 40rem) { .timeline { min-width: 56rem; } }
`
