/**
 * What the page runs: it takes each new `main` from the server and replaces what differs, so that
 * what somebody reads or has selected elsewhere stays as it is. Without it the page reloads itself.
 */
export const liveScript = `
const main = document.querySelector('main')
const link = document.querySelector('#link')
const tell = (look, text) => { link.className = look; link.textContent = text }
const ids = (root) => [...root.querySelectorAll('[id]')].map((part) => part.id).join()
const show = (text) => {
  const next = document.createElement('template')
  next.innerHTML = text
  if (ids(next.content) !== ids(main)) return main.replaceChildren(next.content)
  for (const part of next.content.querySelectorAll('[id]')) {
    const old = document.getElementById(part.id)
    if (old.outerHTML !== part.outerHTML) old.replaceWith(part)
  }
}
let source
const open = () => {
  source = new EventSource('/live')
  source.onmessage = (event) => { show(event.data); tell('live', 'live') }
  source.onerror = () => source.readyState === EventSource.CLOSED
    ? tell('lost', 'ended: open the link that foreword up prints')
    : tell('lost', 'connection lost, trying again')
}
document.addEventListener('visibilitychange', () => document.hidden ? source.close() : open())
open()
`

/** Leaves the link with the token, which stays neither in the history nor in the address bar. */
export const enterScript = `location.replace('/')`
