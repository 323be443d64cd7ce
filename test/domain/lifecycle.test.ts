import fc from 'fast-check'
import t from 'tap'
import { next, show_timeout_ms, type Learned, type Standing } from '../../src/domain/lifecycle.ts'
import { defaultTraits, type Idempotency, type Traits } from '../../src/domain/provider.ts'

const traits = (idempotency: Idempotency, over: Partial<Traits> = {}): Traits => ({
  ...defaultTraits,
  idempotency,
  settle_ms: 1_000,
  call_timeout_ms: 5_000,
  ...over,
})

const standing = (over: Partial<Standing> = {}): Standing => ({
  attempts: 1,
  looks: 0,
  applied_ms_ago: null,
  first_attempt_ms_ago: 100,
  deadline_in_ms: 4_900,
  ...over,
})

interface Case {
  readonly reason: string
  readonly standing?: Partial<Standing>
  readonly learned: Learned
  readonly traits: Traits
  readonly state: string
  readonly parked?: boolean
}

const unknown: Learned = { type: 'unknown', reason: 'reset' }

const cases: readonly Case[] = [
  {
    reason: 'an answer is confirmed by looks',
    learned: { type: 'applied' },
    traits: traits('none'),
    state: 'applied',
  },
  {
    reason: 'an answer that is its own proof needs no look',
    learned: { type: 'applied' },
    traits: traits('none', { sightings: 0 }),
    state: 'confirmed',
  },
  {
    reason: 'a final no is withdrawn',
    learned: { type: 'rejected', reason: 'invalid' },
    traits: traits('none'),
    state: 'rejected',
  },
  {
    reason: 'a no that asks for patience is tried again',
    learned: { type: 'rejected', reason: '429', retry_after_ms: 2_000 },
    traits: traits('none'),
    state: 'pending',
  },
  {
    reason: 'what was never sent is sent again, whatever the provider',
    learned: { type: 'not_sent', reason: 'refused' },
    traits: traits('none'),
    state: 'pending',
  },
  {
    reason: 'unknown, and doing it twice is doing it once: again',
    learned: unknown,
    traits: traits('natural'),
    state: 'pending',
  },
  {
    reason: 'unknown, and the API remembers the key: again with the same key',
    learned: unknown,
    traits: traits('token', { token_valid_ms: 60_000 }),
    state: 'pending',
  },
  {
    reason: 'unknown, and the API would have forgotten the key by then: looked at for a person',
    standing: { first_attempt_ms_ago: 56_000 },
    learned: unknown,
    traits: traits('token', { token_valid_ms: 60_000 }),
    state: 'in_doubt',
  },
  {
    reason: 'looked at, and the API would have forgotten the key: a person',
    standing: { first_attempt_ms_ago: 56_000 },
    learned: { type: 'doubted', reason: 'reset' },
    traits: traits('token', { token_valid_ms: 60_000 }),
    state: 'in_doubt',
    parked: true,
  },
  {
    reason: 'about to be called again, and the API may have forgotten the key by now: not called',
    learned: { type: 'token_expired' },
    traits: traits('token', { token_valid_ms: 60_000 }),
    state: 'in_doubt',
  },
  {
    reason: 'about to be called again, by a provider that has no tokens any more: not called',
    learned: { type: 'not_repeatable' },
    traits: traits('none'),
    state: 'in_doubt',
  },
  {
    reason: 'done, and gone since: done',
    learned: { type: 'applied', gone: true },
    traits: traits('token', { token_valid_ms: 60_000, sightings: 2 }),
    state: 'confirmed',
  },
  {
    reason: 'a final no to a repeat leaves the first call in doubt',
    learned: { type: 'rejected', reason: 'invalid', earlier: 'open' },
    traits: traits('natural'),
    state: 'in_doubt',
    parked: true,
  },
  {
    reason: 'a final no to a repeat under the same token speaks of both',
    learned: { type: 'rejected', reason: 'invalid', earlier: 'open' },
    traits: traits('token', { token_valid_ms: 60_000 }),
    state: 'rejected',
  },
  {
    reason: 'a final no after a look-up has proven that the first did not happen',
    learned: { type: 'rejected', reason: 'invalid', earlier: 'open' },
    traits: traits('lookup'),
    state: 'rejected',
  },
  {
    reason: 'a final no after a person knew that the first did not happen',
    learned: { type: 'rejected', reason: 'invalid', earlier: 'did_not_happen' },
    traits: traits('none'),
    state: 'rejected',
  },
  {
    reason: 'a final no after a person took the risk: the first is in doubt still',
    learned: { type: 'rejected', reason: 'exists', earlier: 'retry' },
    traits: traits('none'),
    state: 'in_doubt',
    parked: true,
  },
  {
    reason: 'unknown, and a look-up can tell: looked up',
    learned: unknown,
    traits: traits('lookup'),
    state: 'in_doubt',
  },
  {
    reason: 'unknown, and nobody can tell: looked at for a person',
    learned: unknown,
    traits: traits('none'),
    state: 'in_doubt',
  },
  {
    reason: 'looked at, and nobody can tell: a person',
    learned: { type: 'doubted', reason: 'reset' },
    traits: traits('none'),
    state: 'in_doubt',
    parked: true,
  },
  {
    reason: 'found: it happened',
    learned: { type: 'found' },
    traits: traits('lookup'),
    state: 'applied',
  },
  {
    reason: 'found again, and it never showed as it was decided: a person',
    standing: { applied_ms_ago: show_timeout_ms(traits('lookup')) + 1 },
    learned: { type: 'found' },
    traits: traits('lookup'),
    state: 'in_doubt',
    parked: true,
  },
  {
    reason: 'absent while the call may still arrive proves nothing',
    learned: { type: 'absent' },
    traits: traits('lookup'),
    state: 'in_doubt',
  },
  {
    reason: 'absent inside the settle window proves nothing',
    standing: { deadline_in_ms: -999 },
    learned: { type: 'absent' },
    traits: traits('lookup'),
    state: 'in_doubt',
  },
  {
    reason: 'absent after both, as often as the reads need, proves it',
    standing: { deadline_in_ms: -1_001 },
    learned: { type: 'absent' },
    traits: traits('lookup'),
    state: 'pending',
  },
  {
    reason: 'absent once where two looks must agree proves nothing yet',
    standing: { deadline_in_ms: -1_001 },
    learned: { type: 'absent' },
    traits: traits('lookup', { sightings: 2 }),
    state: 'in_doubt',
  },
  {
    reason: 'one look of two is not enough',
    standing: { applied_ms_ago: 10 },
    learned: { type: 'shown' },
    traits: traits('none', { sightings: 2 }),
    state: 'applied',
  },
  {
    reason: 'two agreeing looks are',
    standing: { applied_ms_ago: 10, looks: 1 },
    learned: { type: 'shown' },
    traits: traits('none', { sightings: 2 }),
    state: 'confirmed',
  },
  {
    reason: 'an answer that never shows is doubted like a lost one',
    standing: { applied_ms_ago: show_timeout_ms(traits('none')) + 1 },
    learned: { type: 'not_shown', pending: false },
    traits: traits('none'),
    state: 'in_doubt',
  },
  {
    reason: 'what is still being built is waited for',
    standing: { applied_ms_ago: show_timeout_ms(traits('none')) + 1 },
    learned: { type: 'not_shown', pending: true },
    traits: traits('none'),
    state: 'applied',
  },
  {
    reason: 'what shows as broken once its write has settled is asked about at once',
    standing: { applied_ms_ago: 1_001 },
    learned: { type: 'not_shown', pending: false, failed: true },
    traits: traits('lookup', { settle_ms: 1_000 }),
    state: 'in_doubt',
    parked: true,
  },
  {
    reason: 'before that a look may show what was there before',
    standing: { applied_ms_ago: 999 },
    learned: { type: 'not_shown', pending: false, failed: true },
    traits: traits('lookup', { settle_ms: 1_000 }),
    state: 'applied',
  },
  {
    reason: 'what was accepted is polled',
    learned: { type: 'accepted' },
    traits: traits('none'),
    state: 'accepted',
  },
  {
    reason: 'a poll that fails says nothing',
    standing: { deadline_in_ms: -60_000 },
    learned: { type: 'poll_failed', reason: '502' },
    traits: traits('none'),
    state: 'accepted',
  },
  ...(['natural', 'token', 'lookup', 'none'] as const).flatMap((kind): readonly Case[] => [
    {
      reason: `what takes too long may be under way still: a person is asked (${kind})`,
      standing: { deadline_in_ms: -4_000_000 },
      learned: { type: 'accepted' },
      traits: traits(kind),
      state: 'in_doubt',
      parked: true,
    },
    {
      reason: `and so where it cannot be asked any more (${kind})`,
      standing: { deadline_in_ms: -4_000_000 },
      learned: { type: 'poll_failed', reason: '502' },
      traits: traits(kind),
      state: 'in_doubt',
      parked: true,
    },
  ]),
  {
    reason: 'what never becomes ready is asked about',
    standing: { applied_ms_ago: 4_000_000 },
    learned: { type: 'not_shown', pending: true },
    traits: traits('natural'),
    state: 'in_doubt',
    parked: true,
  },
]

t.test('each thing learned has one next state', (t) => {
  for (const c of cases) {
    const move = next(standing(c.standing), c.learned, c.traits)
    t.equal(move.state, c.state, c.reason)
    t.equal(move.due_in_ms === null, (c.parked ?? false) || c.state === 'confirmed', c.reason)
  }
  t.end()
})

const anyLearned: fc.Arbitrary<Learned> = fc.oneof(
  fc.constantFrom<Learned>(
    { type: 'applied' },
    { type: 'applied', gone: true },
    { type: 'accepted' },
    { type: 'accepted', poll_after_ms: 60_000 },
    { type: 'accepted', poll_after_ms: 1e12 },
    { type: 'poll_failed', reason: '502' },
    { type: 'token_expired' },
    { type: 'not_repeatable' },
    { type: 'rejected', reason: 'no' },
    { type: 'rejected', reason: 'no', earlier: 'open' },
    { type: 'rejected', reason: 'no', earlier: 'retry' },
    { type: 'rejected', reason: 'later', retry_after_ms: 10 },
    { type: 'not_sent', reason: 'refused' },
    { type: 'unknown', reason: 'reset' },
    { type: 'doubted', reason: 'worker died' },
    { type: 'shown' },
    { type: 'not_shown', pending: false },
    { type: 'not_shown', pending: true },
    { type: 'not_shown', pending: false, failed: true },
    { type: 'look_failed', reason: '503' },
    { type: 'found' },
    { type: 'absent' },
  ),
)

const anyStanding: fc.Arbitrary<Standing> = fc.record({
  attempts: fc.nat(30),
  looks: fc.nat(3),
  applied_ms_ago: fc.option(fc.nat(10_000_000)),
  first_attempt_ms_ago: fc.nat(10_000_000),
  deadline_in_ms: fc.integer({ min: -1_000_000, max: 30_000 }),
})

t.test(
  'with a provider of idempotency none, an unknown outcome never leads to another call',
  (t) => {
    fc.assert(
      fc.property(anyStanding, anyLearned, (known, learned) => {
        if (learned.type !== 'unknown' && learned.type !== 'doubted') return
        const move = next(known, learned, traits('none'))
        t.equal(move.state, 'in_doubt')
        t.equal(move.due_in_ms, learned.type === 'unknown' ? 1_000 : null)
      }),
    )
    t.end()
  },
)

t.test('whatever is learned, an intent ends, waits for a person, or is looked at again', (t) => {
  const kinds: readonly Idempotency[] = ['natural', 'token', 'lookup', 'none']
  // An operation that asks for more time is asked about as soon as it takes too long: after an hour.
  const longest_ms = 3_600_000 + 1
  fc.assert(
    fc.property(anyStanding, anyLearned, fc.constantFrom(...kinds), (known, learned, kind) => {
      const move = next(known, learned, traits(kind))
      const rests = move.state === 'confirmed' || move.state === 'in_doubt'
      return move.due_in_ms === null ? rests : move.due_in_ms >= 0 && move.due_in_ms <= longest_ms
    }),
  )
  t.end()
})
