/** The style of what a person fills in: the search, and rulings. */
export const forms = `
.search {
  display: grid; grid-template-columns: 2fr repeat(4, minmax(0, 1.2fr)) auto; gap: .6rem; align-items: end;
}
.field { display: block; min-width: 0; }
.field > span { display: block; color: var(--soft); font-size: .82rem; margin-bottom: .15rem; }
input, select, textarea, button { font: inherit; color: inherit; }
input:not([type=radio]), select, textarea {
  width: 100%; min-height: 2.4rem; padding: .35rem .6rem; background: var(--field);
  border: 1px solid var(--edge); border-radius: 7px;
}
textarea { resize: vertical; display: block; }
::placeholder { color: var(--soft); opacity: 1; }
button {
  min-height: 2.4rem; padding: .35rem 1.1rem; border: 1px solid var(--ink); border-radius: 7px; cursor: pointer;
  background: var(--ink); color: var(--bg); font-weight: 500;
}
button:hover { opacity: .88; }
.parked { border-left: 4px solid var(--plain); padding: .1rem 0 .2rem 1rem; margin: .3rem 0 1.6rem; }
.parked.bad { border-color: var(--bad); } .parked.warn { border-color: var(--warn); }
.parked.busy { border-color: var(--busy); }
.parked:last-child { margin-bottom: .2rem; }
h3 { margin: 0; font-size: 1.02rem; overflow-wrap: anywhere; }
.parked h3 + p { margin: .1rem 0 .5rem; }
.ruling { margin-top: .8rem; }
.ruling > summary { cursor: pointer; width: max-content; color: var(--busy); font-weight: 500; padding: .3rem 0; }
.ruling form { display: grid; gap: .8rem; max-width: 38rem; padding-top: .4rem; }
.ruling fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: .1rem; }
.ruling legend { padding: 0 0 .2rem; color: var(--soft); font-size: .82rem; }
.choice { display: flex; gap: .6rem; padding: .4rem .5rem; border-radius: 7px; cursor: pointer; align-items: baseline; }
.choice:hover { background: var(--bg); }
.choice:has(:checked) { background: var(--bg); }
.choice b { font-weight: 500; }
.choice code { color: var(--soft); }
.choice input { accent-color: var(--busy); margin: 0; }
.ruling button { justify-self: start; }
button.grave { background: var(--bad); border-color: var(--bad); color: var(--card); }
.problem, .done { margin: .8rem 0; padding: .6rem .9rem; border-radius: 8px; border: 1px solid var(--bad); color: var(--ink); overflow-wrap: anywhere; }
.done { border-color: var(--ok); background: var(--card); }
@media (max-width: 60rem) { .search { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 40rem) {
  .search > .field:first-child, .search button { grid-column: 1 / -1; }
  input:not([type=radio]), select, textarea { font-size: 16px; }
}
`
