/** The style of every page, inline: one request, nothing to cache, nothing from elsewhere. */
export const style = `
:root {
  color-scheme: light dark;
  --bg: #f6f6f3; --card: #fff; --ink: #1b1d22; --soft: #5d616b; --line: #e5e5e0; --edge: #8b8f99;
  --ok: #177245; --busy: #2f55cc; --warn: #8f5400; --bad: #bd2436; --plain: #7b7f89;
  --mark: #fdf1d8; --field: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #0f1115; --card: #171a20; --ink: #e8e9ed; --soft: #a2a7b3; --line: #2a2e37; --edge: #6d727e;
    --ok: #4fc48c; --busy: #8ba6ff; --warn: #efb350; --bad: #ff8a93; --plain: #7d828e;
    --mark: #2e2716; --field: #10131a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem clamp(.9rem, 3vw, 2rem) 3rem; max-width: 84rem;
  background: var(--bg); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
header, footer { display: flex; gap: .3rem .6rem; align-items: baseline; color: var(--soft); flex-wrap: wrap; }
header b { color: var(--ink); font-size: 1.05rem; letter-spacing: -.01em; }
header .version { font-size: .85rem; }
nav { display: flex; flex-wrap: wrap; gap: .1rem; }
header nav { margin-left: .8rem; }
header nav a { padding: .3rem .6rem; border-radius: 7px; color: var(--ink); text-decoration: none; }
header nav a:hover { background: var(--line); }
header nav a[aria-current] { background: var(--ink); color: var(--bg); }
.skip { position: absolute; left: -99rem; top: .5rem; padding: .5rem .8rem; background: var(--card); z-index: 1; }
.skip:focus { left: .5rem; }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, textarea:focus-visible,
summary:focus-visible { outline: 2px solid var(--busy); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
#link { margin-left: auto; font-size: .85rem; }
#link::before { content: "● "; color: var(--plain); }
#link.live::before { color: var(--ok); }
#link.lost::before { color: var(--bad); }
#link.held::before { color: var(--warn); }
h1 { margin: 0; font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.15; letter-spacing: -.02em; }
h2 { margin: 0; padding: .8rem 1rem .5rem; font-size: .95rem; }
p { margin: .3rem 0 0; color: var(--soft); }
.verdict { margin: 1.4rem 0 1.2rem; padding-left: 1rem; border-left: 5px solid var(--plain); }
.verdict.ok { border-color: var(--ok); } .verdict.busy { border-color: var(--busy); }
.verdict.warn { border-color: var(--warn); } .verdict.bad { border-color: var(--bad); }
.asof { font-size: .85rem; font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(8, 1fr); gap: .6rem; }
.tile, .columns section, .panel {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
}
.panel { margin-top: 1rem; overflow: hidden; }
.inside { padding: 0 1rem 1rem; }
.tile { padding: .7rem .85rem; color: inherit; text-decoration: none; }
.tile:hover { border-color: var(--edge); }
.tile b {
  display: block; font-size: 1.7rem; line-height: 1.1; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; white-space: nowrap;
}
.tile span { color: var(--soft); font-size: .8rem; line-height: 1.25; display: block; margin-top: .2rem; }
.tile.busy b { color: var(--busy); } .tile.warn b { color: var(--warn); } .tile.bad b { color: var(--bad); }
.bar { display: block; width: 100%; height: 8px; margin-top: .6rem; border-radius: 4px; }
.bar .pending { fill: var(--plain); } .bar .applying { fill: var(--busy); }
.bar .applied { fill: var(--ok); } .bar .awaiting_approval { fill: var(--warn); }
.bar .in_doubt { fill: var(--bad); }
.columns { display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 5fr); gap: 1rem; margin-top: 1rem; }
.columns section { margin-bottom: 1rem; overflow: hidden; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--busy); outline-offset: -2px; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; }
th, td { padding: .42rem .5rem; text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 1rem; }
th:last-child, td:last-child { padding-right: 1rem; }
th { color: var(--soft); font-weight: 500; font-size: .8rem; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.wide { width: 99%; min-width: 9rem; }
td.half { width: 50%; min-width: 9rem; }
td.at { white-space: nowrap; font-variant-numeric: tabular-nums; }
#states td { min-width: 7.5rem; }
.twosome { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2.5rem; align-items: start; }
.twosome .ruling { margin-top: 0; }
td.extra { color: var(--soft); font-variant-numeric: tabular-nums; }
.name { font-weight: 500; }
a.name { color: var(--ink); text-decoration: none; }
a.name:hover { text-decoration: underline; }
tr.marked { background: var(--mark); }
.differs { color: var(--warn); }
pre, code.json { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { margin: 0; font: .86em/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.facts { margin: 0; }
.facts > div { display: grid; grid-template-columns: 7.2rem minmax(0, 1fr); gap: .2rem .8rem; padding: .34rem 0; }
.facts > div + div { border-top: 1px solid var(--line); }
dt { color: var(--soft); font-size: .88rem; }
dd { margin: 0; font-size: .92rem; overflow-wrap: anywhere; }
.changes { margin: 0; padding-left: 1.1rem; }
.tag { display: inline-block; padding: 0 .45rem; border: 1px solid var(--line); border-radius: 6px; text-decoration: none; }
.pager { padding: .6rem 1rem .9rem; gap: .3rem 1.2rem; border-top: 1px solid var(--line); font-size: .9rem; }
bdi { overflow-wrap: break-word; }
.wide bdi { overflow-wrap: anywhere; }
.soft { color: var(--soft); font-weight: 400; }
.sub { display: block; color: var(--soft); font-size: .82rem; }
.why { color: var(--ink); }
.empty { padding: 0 1rem .9rem; margin: 0; }
.pill { white-space: nowrap; }
.pill::before { content: "● "; font-size: .75em; vertical-align: .1em; color: var(--plain); }
.pill.ok::before { color: var(--ok); } .pill.busy::before { color: var(--busy); }
.pill.warn::before { color: var(--warn); } .pill.bad::before { color: var(--bad); }
.pill.warn { color: var(--warn); } .pill.bad { color: var(--bad); }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: nowrap; }
a { color: var(--busy); text-underline-offset: .15em; }
@media (prefers-reduced-motion: no-preference) { .tile, header nav a, button { transition: background-color .12s, border-color .12s; } }
footer { margin-top: 1rem; font-size: .85rem; flex-wrap: wrap; }
@media (max-width: 70rem) {
  .tiles { grid-template-columns: repeat(4, 1fr); }
  .columns, .twosome { grid-template-columns: minmax(0, 1fr); gap: 0; }
}
@media (max-width: 40rem) {
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .tile { padding: .55rem .75rem; } .tile b { font-size: 1.45rem; }
  .extra { display: none; }
  .extra:first-child + th, .extra:first-child + td { padding-left: 1rem; }
  header nav { margin-left: 0; order: 3; width: 100%; }
  header nav { margin-left: -.5rem; }
  header nav a { padding: .45rem .5rem; font-size: .95rem; }
  td.at { white-space: normal; min-width: 5.6rem; }
  .facts > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
  td.wide { min-width: 7.5rem; }
  th, td { padding: .4rem .3rem; }
}
`
