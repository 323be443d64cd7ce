/** The time axis of a resource's drawing. */
import t from 'tap'
import { axisOf } from '../../src/web/timeline.ts'

t.test('the time axis keeps the order of moments and stays within the drawing', async (t) => {
  const at = (ms: number): Date => new Date(1_700_000_000_000 + ms)
  const moments = [0, 1, 2, 40, 41, 5_000, 86_400_000, 86_400_001].map(at)
  const axis = axisOf(moments)
  const places = moments.map(axis)
  t.same(
    places,
    places.toSorted((a, b) => a - b),
  )
  t.equal(new Set(places).size, places.length, 'no two in one place')
  t.ok(places.every((x) => x >= 160 && x <= 960))
  t.ok(axis(at(20)) > axis(at(2)) && axis(at(20)) < axis(at(40)), 'also in between')
  t.ok(Number.isFinite(axisOf([at(0)])(at(0))))
})
