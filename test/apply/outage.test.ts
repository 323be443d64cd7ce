/**
 * A long outage at a small size: what has piled up meanwhile drains within the account's rate and without a
 * herd. At 100,000 intents it is a bench: `npm run bench -- outage`.
 */
import t from 'tap'
import { drainAfterOutage } from '../support/outage.ts'
import { testDatabase } from '../support/database.ts'

t.test('3,000 intents pile up in an outage, and drain within the rate', async (t) => {
  const { url } = await testDatabase(t)
  const told = await drainAfterOutage({
    url,
    intents: 3_000,
    rate: { per_second: 500, burst: 100 },
    outage_probes: 2,
    workers: 2,
  })
  t.comment(
    `outage: ${told.outage_calls} calls; drained in ${told.drain_s.toFixed(1)} s, ` +
      `${told.most_per_second} calls in its busiest second`,
  )
  t.equal(told.confirmed, 3_000)
  t.ok(told.calls_of_busiest_intent <= 4, 'no intent was called for again and again')
  t.ok(told.outage_calls <= 1.2 * 3_000)
  t.ok(told.ahead_max <= 0, `at no moment more calls than the bucket had: ${told.ahead_max}`)
  t.ok(told.first_wave <= 1, 'one probe found out that the API was back')
})
