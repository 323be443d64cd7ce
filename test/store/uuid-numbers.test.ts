import { createHash } from 'node:crypto'
import t from 'tap'
import { UuidNumbers } from '../../src/store/uuid-numbers.ts'

const bytesOf = (text: string): DataView =>
  new DataView(Uint8Array.from(createHash('sha256').update(text).digest()).buffer)
const textOf = (bytes: DataView): string =>
  Buffer.from(bytes.buffer, 0, 16)
    .toString('hex')
    .replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

t.test('uuids are numbered as they come, and keep their numbers however many come', async (t) => {
  const numbers = new UuidNumbers()
  const many = 150_000
  const all = Array.from({ length: many }, (_, i) => bytesOf(`${i}`))
  let wrong = 0
  const expect = (is: boolean): void => {
    if (!is) wrong += 1
  }
  for (const [i, bytes] of all.entries()) {
    expect(numbers.find(bytes, 0) === -1)
    expect(numbers.add(bytes, 0) === i)
    expect(numbers.add(all[i >> 1] ?? bytes, 0) === i >> 1)
  }
  for (const [i, bytes] of all.entries()) {
    expect(numbers.find(bytes, 0) === i)
    expect(numbers.text(i) === textOf(bytes))
  }
  t.equal(wrong, 0)
  t.equal(numbers.count, many)
})

t.test(
  'ids that share all but one of their words are told apart, the empty one included',
  async (t) => {
    const numbers = new UuidNumbers()
    const bytes = new DataView(new ArrayBuffer(20))
    t.equal(numbers.find(bytes, 4), -1)
    t.equal(numbers.add(bytes, 4), 0)
    for (const [i, at] of [4, 8, 12, 16].entries()) {
      bytes.setUint32(at, 0xffff_ffff)
      t.equal(numbers.add(bytes, 4), i + 1)
      bytes.setUint32(at, 0)
    }
    t.equal(numbers.find(bytes, 4), 0)
    t.equal(numbers.text(0), '00000000-0000-0000-0000-000000000000')
    t.equal(numbers.text(1), 'ffffffff-0000-0000-0000-000000000000')
  },
)
