import t from 'tap'
import { accountIn, accountOf, createGauge, rateOf } from '../../src/domain/budget.ts'
import { defaultTraits, type Traits } from '../../src/domain/provider.ts'

const paying = (kind: string, traits: Partial<Traits> = {}) => ({
  kind,
  traits: { ...defaultTraits, ...traits },
})

t.test('an account is the kind, where nothing else is said, or one for each scope', async (t) => {
  t.equal(accountOf(paying('vm')), 'vm')
  const account = accountOf(paying('vm', { account: 'cloud/{scope}' }))
  t.equal(accountIn(account, 'acme/prod'), 'cloud/acme/prod')
  t.equal(accountIn(account, '$& {scope}'), 'cloud/$& {scope}')
})

t.test('kinds of one account share its lowest rate', async (t) => {
  const all = [
    paying('vm', { account: 'api', rate: { per_second: 5, burst: 10 } }),
    paying('ip', { account: 'api', rate: { per_second: 8, burst: 2 } }),
    paying('disk', { account: 'api' }),
    paying('zone'),
  ]
  for (const one of all.slice(0, 3)) t.same(rateOf(one, all), { per_second: 5, burst: 2 })
  t.equal(rateOf(paying('zone'), all), undefined)
})

t.test(
  'an account is strained by two who fail, broken by five who fail eight times in a row',
  async (t) => {
    const gauge = createGauge()
    t.same(gauge.failed('a'), { strained: false, broken: false })
    for (let i = 0; i < 30; i++) t.same(gauge.failed('a'), { strained: false, broken: false })
    const fresh = createGauge()
    fresh.failed('a')
    t.same(fresh.failed('b'), { strained: true, broken: false })
    for (const whose of 'cdea') t.equal(fresh.failed(whose).broken, false)
    t.equal(fresh.failed('b').broken, false, 'seven')
    t.equal(fresh.failed('c').broken, true, 'eight')
    fresh.well()
    t.same(fresh.failed('d'), { strained: true, broken: false })
    for (let i = 0; i < 20; i++) fresh.well()
    t.same(fresh.failed('d'), { strained: false, broken: false }, 'all forgotten')
  },
)
