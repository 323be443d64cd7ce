/** The law: who configures retention gets its schedule, and never one that forgets a key which an API still knows. */
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { decodeConfig } from '../../src/domain/codec/config.ts'
import { schedulesOf } from '../../src/domain/retention.ts'
import { simulatedCloud } from '../../src/providers/cloud.ts'
import { testConfig } from '../support/settings.ts'

const day_ms = 86_400_000

t.test('retention comes with a schedule of its own, and without it there is none', async (t) => {
  t.same(schedulesOf(testConfig('postgres://x', {})), [])
  t.match(schedulesOf(testConfig('postgres://x', { retention: { older_than_days: 30 } })), [
    { name: 'foreword_archive', cron: '17 3 * * *', decider: 'foreword/archive' },
  ])
})

t.test(
  'what is kept for less than tokens are valid is refused, with the days that it takes',
  async (t) => {
    const traits = { idempotency: 'token', token_valid_ms: 9.5 * day_ms } as const
    const providers = simulatedCloud({ url: 'http://127.0.0.1:1', traits })
    const problems = (older_than_days: unknown): unknown => {
      const decoded = decodeConfig({ providers, retention: { older_than_days } })
      return E.isLeft(decoded) ? decoded.left : []
    }
    t.match(problems(9), [{ path: 'retention.older_than_days', remedy: /keep 10 days at least/ }])
    t.same(problems(10), [])
    t.match(problems(0), [{ path: 'retention.older_than_days' }])
  },
)
