import postgres from 'postgres'
import { ForewordError } from '../../domain/errors.ts'

const lineOf = (text: string, position: string | undefined): string => {
  const characters = Number(position ?? 0)
  return characters > 0 ? `:${String(text.slice(0, characters).split('\n').length)}` : ''
}

/** An error of Postgres in one of our files, or on the way to it. Anything else is a bug and stays one. */
export const explained = (error: unknown, file: string, text: string, where: string): unknown => {
  if (!(error instanceof postgres.PostgresError)) return error
  const code = error.code
  const remedy =
    code === '42501'
      ? 'nothing was changed; grant the user CREATE on the database, or migrate as its owner'
      : ['55P03', '40P01'].includes(code)
        ? 'nothing was changed; somebody holds a lock on the views: try again'
        : 'nothing was changed; mend the cause and run `foreword migrate` again'
  return new ForewordError(`${error.message} (SQLSTATE ${code})`, {
    where: `${file}${lineOf(text, error.position)}, ${where}`,
    remedy,
    cause: error,
  })
}
