/** `node archive-process.ts URL FOLDER POINT TIMES`: archives, and dies by SIGKILL at a point, having passed it so often. */
import { armFailPoints } from '../../src/domain/fail-point.ts'
import { archive } from '../../src/store/archive/archive-store.ts'
import { connectSql } from '../../src/store/connect.ts'

const [url = '', folder = '', point = '', times = '1'] = process.argv.slice(2)
let left = Number(times)
armFailPoints((reached) => {
  if (reached === point && --left === 0) process.kill(process.pid, 'SIGKILL')
})
const sql = connectSql({ url, application_name: 'test:archive', max: 2 })
await archive(sql, { older_than_s: 86_400, folder, batch_decisions: 3 })
await sql.end({ timeout: 5 })
