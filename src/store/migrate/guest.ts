/** A login that was given a role owns nothing: it finds the database as its program needs it, or says who must act. */
import { codeOf, type Sql } from '../connect.ts'
import { ForewordError } from '../../domain/errors.ts'

/** Whether the database was made by somebody else, who keeps the tables for himself. */
export const isGuest = async (sql: Sql): Promise<boolean> => {
  const [made] = await sql<{ guest: boolean }[]>`
    select not has_schema_privilege(n.oid, 'usage') as guest
    from pg_namespace n
    where n.nspname = 'foreword_private'`
  return made?.guest === true
}

const deployedHash = async (sql: Sql, where: string): Promise<string | undefined> => {
  try {
    const [row] = await sql<{ hash: string }[]>`select foreword_code.deployed_hash() as hash`
    return row?.hash
  } catch (error) {
    // No such function: the database is of a release that knew no roles.
    if (codeOf(error) === '42883') return undefined
    if (codeOf(error) !== '42501') throw error
    throw new ForewordError('this user has no role of foreword here', {
      where,
      remedy: 'grant it foreword_decider, or what it needs, or connect as the user who migrates',
      cause: error,
    })
  }
}

/** Throws a ForewordError where the database is of another release than this hash. */
export const expectDeployed = async (sql: Sql, hash: string, where: string): Promise<void> => {
  if ((await deployedHash(sql, where)) === hash) return
  throw new ForewordError('the database is of another version of foreword', {
    where,
    remedy: 'run `foreword migrate` as the user who owns it; this one may not',
  })
}
