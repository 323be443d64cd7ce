/** Whole documents around what they show. */
import { raw } from 'hono/html'
import type { Html } from './parts.ts'
import { enterScript, liveScript } from './script.ts'
import { drawings } from './style-drawings.ts'
import { forms } from './style-forms.ts'
import { style } from './style.ts'
import { html } from './text.ts'

export interface Frame {
  readonly version: string
  /** Of this response only: by it the browser knows our style and script from anybody else's. */
  readonly nonce: string
  /** Where we are. */
  readonly path: string
}

const head = (frame: Frame, title: string, more: Html | string): Html =>
  html`<head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title === '' ? '' : `${title} – `}foreword</title>
    <link rel="icon" href="data:," />
    ${more}
    <style nonce="${frame.nonce}">
      ${raw(style + forms + drawings)}
    </style>
  </head>`

const places = [
  ['/', 'Overview'],
  ['/resources', 'Resources'],
  ['/doubts', 'Doubts'],
  ['/graph', 'Graph'],
  ['/workers', 'Workers'],
] as const

const isHere = (path: string, place: string): boolean =>
  path === place || (path === '/resource' && place === '/resources')

const header = (frame: Frame, link: Html | string): Html =>
  html`<header>
    <a class="skip" href="#main">Skip to the content</a>
    <b>foreword</b><span class="version">${frame.version}</span>
    <nav aria-label="Pages">
      ${places.map(
        ([place, name]) =>
          html`<a href="${place}" ${isHere(frame.path, place) ? raw('aria-current="page"') : ''}
            >${name}</a
          >`,
      )}
    </nav>
    ${link}
  </header>`

const footer = html`<footer>
  <span>All of this is a SELECT: <code>foreword psql</code>, schema <code>foreword</code>.</span>
</footer>`

/** A page; `live`: it follows the database. */
export const document = (
  frame: Frame,
  page: { readonly title: string; readonly main: Html },
  live: boolean,
): Html =>
  html`<!doctype html>
    <html lang="en">
      ${head(
        frame,
        page.title,
        live && frame.path === '/'
          ? html`<noscript><meta http-equiv="refresh" content="10" /></noscript>`
          : '',
      )}
      <body>
        ${header(frame, live ? html`<span id="link" role="status">opening</span>` : '')}
        <main id="main" tabindex="-1">${page.main}</main>
        ${footer}
        ${
          live
            ? html`<script nonce="${frame.nonce}">
                ${raw(liveScript)}
              </script>`
            : ''
        }
      </body>
    </html>`

/** A page that says one thing, to who may see no other. */
export const plainPage = (frame: Frame, title: string, text: string): Html =>
  html`<!doctype html>
    <html lang="en">
      ${head(frame, title, '')}
      <body>
        <header><b>foreword</b></header>
        <main>
          <section class="verdict warn">
            <h1>${title}</h1>
            <p>${text}</p>
          </section>
        </main>
      </body>
    </html>`

/**
 * Answers the link with the token. Not a redirect: when the link was followed from another site, a
 * browser would withhold the new SameSite=Strict cookie from the whole chain; this page's own step is ours.
 */
export const enterPage = (frame: Frame): Html =>
  html`<!doctype html>
    <html lang="en">
      ${head(frame, '', html`<noscript><meta http-equiv="refresh" content="0;url=/" /></noscript>`)}
      <body>
        <p><a href="/">foreword</a></p>
        <script nonce="${frame.nonce}">
          ${raw(enterScript)}
        </script>
      </body>
    </html>`
