/** Whole documents around what they show. */
import { html, raw } from 'hono/html'
import type { Html } from './parts.ts'
import { enterScript, liveScript } from './script.ts'
import { style } from './style.ts'

export interface Frame {
  readonly version: string
  /** Of this response only: by it the browser knows our style and script from anybody else's. */
  readonly nonce: string
}

const head = (frame: Frame, more: Html | string): Html =>
  html`<head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>foreword</title>
    ${more}
    <style nonce="${frame.nonce}">
      ${raw(style)}
    </style>
  </head>`

const header = (frame: Frame, link: Html | string): Html =>
  html`<header><b>foreword</b><span>${frame.version}</span>${link}</header>`

/** The page that follows the database. */
export const livePage = (frame: Frame, main: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      ${head(frame, html`<noscript><meta http-equiv="refresh" content="10" /></noscript>`)}
      <body>
        ${header(frame, html`<span id="link" role="status">opening</span>`)}
        <main>${main}</main>
        <footer>
          <span
            >All of this is a SELECT: <code>foreword psql</code>, schema
            <code>foreword</code>.</span
          >
        </footer>
        <script nonce="${frame.nonce}">
          ${raw(liveScript)}
        </script>
      </body>
    </html>`

/** A page that says one thing. */
export const plainPage = (frame: Frame, title: string, text: string): Html =>
  html`<!doctype html>
    <html lang="en">
      ${head(frame, '')}
      <body>
        ${header(frame, '')}
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
      ${head(frame, html`<noscript><meta http-equiv="refresh" content="0;url=/" /></noscript>`)}
      <body>
        <p><a href="/">foreword</a></p>
        <script nonce="${frame.nonce}">
          ${raw(enterScript)}
        </script>
      </body>
    </html>`
