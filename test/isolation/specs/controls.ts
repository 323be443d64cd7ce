/** Actors who have nothing in common: whoever of them aborts does so for nothing. */
import { create, remove, update, type IntentDraft } from '../../../src/domain/decider.ts'
import { decides, numberIn, previews, refuses, type Actor, type Spec } from '../spec.ts'

const control = (
  name: string,
  law: string,
  initial: readonly IntentDraft[],
  actors: readonly Actor[],
): Spec => ({
  name,
  source: 'ours, P8',
  law,
  initial: initial.length === 0 ? [] : [initial],
  actors,
  meet: 'never',
})

const increment = (kind: string, name: string): Actor =>
  decides(
    `increment ${kind}/${name}`,
    (q) => ({ it: q.get(kind, name) }),
    ({ it }) => update(kind, name, { value: numberIn(it) + 1 }),
  )

const createNew = (name: string): Actor =>
  decides(
    `create ${name}`,
    (q) => ({ it: q.get('vm', name) }),
    ({ it }) => (it === null ? create('vm', name, {}, { labels: { of: name } }) : []),
  )

const removeOld = (name: string): Actor =>
  decides(
    `remove ${name}`,
    (q) => ({ it: q.get('vm', name) }),
    ({ it }) => (it === null ? [] : remove('vm', name)),
  )

const consume = (name: string): Actor =>
  decides(
    `consume ${name}`,
    (q) => ({ used: q.counter(`cores of ${name}`), it: q.get('vm', name) }),
    ({ used }) =>
      used < 8 ? create('vm', name, {}, { counters: { [`cores of ${name}`]: 4 } }) : [],
  )

const row = (name: string): IntentDraft => create('row', name, { value: 0 })
const vm = (name: string): IntentDraft => create('vm', name, {}, { labels: { of: name } })

/** Finds under one label and adds under another that nobody looks for. */
const spread = (kind: string, found: string, added: string): Actor =>
  decides(
    `${kind} ${found} to ${added}`,
    (q) => ({ all: q.find(kind, { p: found }) }),
    ({ all }) => create(kind, `from ${found}`, { saw: all.length }, { labels: { p: added } }),
  )

const point = (kind: string, p: string): IntentDraft => create(kind, p, {}, { labels: { p } })

export const controlSpecs: readonly Spec[] = [
  control(
    'rows',
    'deciders on different rows',
    [row('1'), row('2')],
    [increment('row', '1'), increment('row', '2')],
  ),
  {
    ...control(
      'three rows',
      'three deciders on different rows',
      [row('1'), row('2'), row('3')],
      [increment('row', '1'), increment('row', '2'), increment('row', '3')],
    ),
    alike: 'all',
  },
  control('creators', 'creators of different names', [], [createNew('a'), createNew('b')]),
  control(
    'removers',
    'removers of different names',
    [vm('a'), vm('b')],
    [removeOld('a'), removeOld('b')],
  ),
  control('consumers', 'consumers of different counters', [vm('z')], [consume('a'), consume('b')]),
  control(
    'readers',
    'a writer and those who read something else',
    [row('1'), vm('a')],
    [
      increment('row', '1'),
      refuses('look', (q) => ({ it: q.get('vm', 'a'), none: q.get('vm', 'b') })),
      previews('preview', (q) => ({ all: q.find('vm', { of: 'a' }) })),
    ],
  ),
  control(
    'one sided',
    'who looks for what the other adds, and adds nothing himself',
    [row('1')],
    [spread('point', '20', '50'), increment('row', '1')],
  ),
]

/**
 * Actors who find and add, each beside the other. A find locks the page of `member` on which its answer
 * lies: strangers meet there by chance.
 */
export const neighbourSpecs: readonly Spec[] = [
  ...['hash', 'gist', 'gin', 'gin-nomatch'].map((index) =>
    control(
      `predicate-${index}, no match`,
      'two who find under one label and add under another',
      [point('point', '20'), point('point', '30')],
      index === 'gin-nomatch'
        ? [spread('point', '-1', '50'), spread('point', '-2', '60')]
        : [spread('point', '20', '50'), spread('point', '30', '60')],
    ),
  ),
  control(
    'a relabelling',
    'who looks for a label and adds to another kind, beside who takes the label away',
    [point('point', '20')],
    [
      decides(
        'copy',
        (q) => ({ all: q.find('point', { p: '20' }) }),
        ({ all }) => create('copy', '1', { saw: all.length }),
      ),
      decides(
        'relabel',
        (q) => ({ it: q.get('point', '20') }),
        () => update('point', '20', {}, { labels: { p: '30' } }),
      ),
    ],
  ),
  control(
    'different kinds',
    'two who find and add among different kinds',
    [point('a', '20'), point('b', '30')],
    [spread('a', '20', '50'), spread('b', '30', '60')],
  ),
]
