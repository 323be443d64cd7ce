/**
 * What the page runs: it takes each new `main` from the server and replaces what differs, so that
 * what somebody reads or has selected elsewhere stays as it is. Without it the page reloads itself.
 */
export const liveScript = `
const main = document.querySelector('main')
const link = document.querySelector('#link')
const tell = (look, text) => { if (link.className !== look || link.textContent !== text) { link.className = look; link.textContent = text } }
const ids = (root) => [...root.querySelectorAll('[id]')].map((part) => part.id).join()
const flat = (part) => part.outerHTML.replaceAll(' open=""', '')
const written = (part) => [...part.querySelectorAll('input, textarea')].some((field) =>
  field.type === 'radio' ? field.checked !== field.defaultChecked : field.value !== field.defaultValue)
const busy = (part) => part.contains(document.activeElement) && document.activeElement !== main && document.activeElement.matches('input, textarea, summary, button')
const kept = (part) => written(part) || busy(part)
let waiting = false
const replace = (old, part) => {
  const open = [...old.querySelectorAll('details[open]'), ...(old.matches('details[open]') ? [old] : [])].map((one) => one.id)
  const scrolled = [...old.querySelectorAll('.scroll')].map((one) => one.scrollLeft)
  const held = old.contains(document.activeElement) ? document.activeElement : null
  const again = held && (held.id ? '#' + CSS.escape(held.id) : held.getAttribute('href') ? 'a[href="' + CSS.escape(held.getAttribute('href')) + '"]' : held.getAttribute('aria-label') ? '[aria-label="' + CSS.escape(held.getAttribute('aria-label')) + '"]' : null)
  old.replaceWith(part)
  for (const id of open) document.getElementById(id)?.setAttribute('open', '')
  part.querySelectorAll('.scroll').forEach((one, i) => { one.scrollLeft = scrolled[i] || 0 })
  if (again) (part.matches(again) ? part : part.querySelector(again))?.focus({ preventScroll: true })
}
const show = (text) => {
  const next = document.createElement('template')
  next.innerHTML = text
  if (ids(next.content) !== ids(main)) {
    waiting = kept(main)
    if (!waiting) main.replaceChildren(next.content)
    return
  }
  for (const part of [...next.content.querySelectorAll('[id]')]) {
    const old = main.querySelector('#' + CSS.escape(part.id))
    if (!old || flat(old) === flat(part)) continue
    if (kept(old)) waiting = true
    else replace(old, part)
  }
}
let source
const open = () => {
  source = new EventSource('/live?at=' + encodeURIComponent(location.pathname + location.search))
  source.onmessage = (event) => { waiting = false; show(event.data); waiting ? tell('held', 'held while you write: reload for what is new') : tell('live', 'live') }
  source.onerror = () => source.readyState === EventSource.CLOSED
    ? tell('lost', 'ended: open the link that foreword up prints')
    : tell('lost', 'connection lost, trying again')
}
document.addEventListener('visibilitychange', () => document.hidden ? source.close() : open())
addEventListener('pagehide', () => source.close())
addEventListener('pageshow', (event) => { if (event.persisted) open() })
open()
`

/** Leaves the link with the token, which stays neither in the history nor in the address bar. */
export const enterScript = `location.replace('/')`
