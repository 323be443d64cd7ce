import { create, defineDecider } from '../../src/domain/decider.ts'

/** Relies on what `base` is, and makes one more follower each time that it is run. */
export const follow = defineDecider({
  name: 'follow',
  version: 1,
  read: (q) => ({ base: q.get('vm', 'base'), followers: q.find('vm', { role: 'follower' }) }),
  decide: ({ followers }) => {
    const options = { labels: { role: 'follower' } }
    return create('vm', `follower-${followers.length}`, { size: 's' }, options)
  },
})
