import fc from 'fast-check'
import t from 'tap'
import { literal } from '../../src/store/record-text.ts'
import { testDatabase } from '../support/database.ts'

t.test('a literal is read back as the text that it was made of, whatever is in it', async (t) => {
  const { sql } = await testDatabase(t, { migrated: false })
  const hostile = [
    "'",
    "''",
    '\\',
    "\\'",
    '$$',
    '$1',
    '--',
    '/*',
    ';',
    '\n',
    '%',
    '"',
    'é',
    '😀',
    "E'",
  ]
  const text = fc.array(fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'grapheme' })), {
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(text, async (parts) => {
      const written = parts.join('').replaceAll('\0', '')
      const [row] = await sql.unsafe(`select ${literal(written)} as read`).simple()
      return row?.['read'] === written
    }),
    { numRuns: 500 },
  )
})

t.test('a literal of JSON holds no NUL, and any other text with one is refused', async (t) => {
  t.equal(literal(JSON.stringify('a\0b')), `'"a\\u0000b"'`)
  t.throws(() => literal('a\0b'), { message: 'NUL in a statement' })
})
