/** `foreword migrate`: brings the database to this version, and says what it did. */
import type { MigrateReport } from '../store/migrate/migrate.ts'
import { placeOf } from '../store/database-url.ts'
import { migrateAll } from '../foreword.ts'
import { version } from '../version.ts'
import type { Context } from './context.ts'
import { plural } from './print.ts'
import { configOf, databaseOf } from './session.ts'
import { warnOfSettings } from './settings-warning.ts'

const tell = (context: Context, report: MigrateReport, where: string): void => {
  const { colors, say } = context
  if (!report.rebuilt) {
    say(`Nothing to do: ${where} has schema ${report.to}, as foreword ${version} needs it.`)
    return
  }
  for (const name of report.applied) say(`  ${colors.green('+')} ${name}`)
  const ran =
    report.applied.length === 0
      ? `schema ${report.to} stays`
      : `schema ${report.from} → ${report.to} by ${plural(report.applied.length, 'migration')}`
  say(`${colors.bold('Migrated:')} ${where}, ${ran}; views and functions of foreword ${version}.`)
}

export const migrate = () => async (context: Context) => {
  const config = await configOf(context)
  const database = await databaseOf(context, config)
  const report = await migrateAll(database.url, config.policies, true)
  if (context.options.json === true) context.json(report)
  else tell(context, report, placeOf(database.url))
  await warnOfSettings(context, database)
  return 0
}
