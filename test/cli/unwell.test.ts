/** An API that is away, as people see it: status, the page, the intents, and SELECT. */
import t from 'tap'
import type { HealthRow } from '../../src/domain/web-ports.ts'
import { verdictOf } from '../../src/web/words.ts'
import { eventually } from '../support/eventually.ts'
import { bench, recordStack } from './harness.ts'

t.test(
  'whoever asks while an API is away is told which account, and that only its intents wait',
  async (t) => {
    const b = await bench(t)
    const up = b.start(['up', '--port', '0'], { env: { CLOUD_URL: 'http://127.0.0.1:9' } })
    await up.shows(/Ready\./)
    await b.foreword(['apply', '-f', await b.write('s.json', recordStack(12))])
    const [account] = await eventually('its circuit is open', async () => {
      const rows = await b.database.sql<{ account: string; reason: string }[]>`
      select account, reason from foreword.budget where health = 'open'`
      return rows.length > 0 ? rows : null
    })
    t.match(account, { account: '127.0.0.1:9/acme', reason: /ECONNREFUSED/ })
    const status = await b.foreword(['status'])
    t.match(
      status.stdout,
      /12 intents under way, 1 account fails or throttles: see foreword.budget/,
    )
    await eventually('an intent says what it waits for', async () => {
      const rows = await b.database.sql`
      select from foreword.intent where reason ~ 'account 127.0.0.1:9/acme: its calls fail'`
      return rows.length > 0
    })
    const [health] = await b.database.sql<HealthRow[]>`select * from foreword.health`
    t.match(
      health === undefined ? {} : verdictOf(health),
      { says: '1 account fails or throttles' },
      'the page',
    )
    up.child.kill('SIGTERM')
    t.equal((await up.ended).code, 0)
  },
)
