/** `foreword audit`: proves the log gap-free and consistent with what is assumed. Exit 1 on any breach. */
import { audit as runAudit } from '../audit/audit.ts'
import { auditStore } from '../store/audit/audit-store.ts'
import type { Context } from './context.ts'
import { harmless, moment, plural } from './print.ts'
import { configOf, openReaderOf } from './session.ts'

const dateOf = (at: Date | null): string => (at === null ? '?' : moment(at).slice(0, 10))

export const audit =
  () =>
  async (context: Context): Promise<number> => {
    // It reads the whole log: what a role or database gives to single statements is too little for it.
    const connection = { statement_timeout: '0' }
    const { sql } = await openReaderOf(context, await configOf(context), { connection })
    const report = await runAudit(auditStore(sql))
    if (context.options.json === true) {
      context.json(report)
      return report.ok ? 0 : 1
    }
    const { colors } = context
    const { archived } = report
    for (const { law, says, checked, violated, violations, unproven = 0 } of report.checks) {
      const mark = violated === 0 ? colors.green('✓') : colors.red('✗')
      const count = violated === 0 ? `${checked}` : `${violated} of ${checked} broken`
      const skipped = unproven === 0 ? '' : `, not held against ${unproven} of what is archived`
      context.out(`${mark} ${says} ${colors.dim(`${law}, ${count}${skipped}`)}`)
      for (const { subject, what } of violations) {
        context.out(`    ${harmless(subject)}: ${harmless(what)}`)
      }
      const untold = violated - violations.length
      if (untold > 0) context.out(colors.dim(`    … and ${untold} more`))
    }
    if (archived.files > 0) {
      context.out(
        `${plural(archived.decisions, 'decision')} of ${dateOf(archived.decided_from)} to ${dateOf(archived.decided_until)} ` +
          `${archived.decisions === 1 ? 'is' : 'are'} archived in ${plural(archived.files, 'file')}: the laws hold of what is kept.`,
      )
    }
    const whole = archived.files > 0 ? 'What is kept of the log is whole.' : 'The log is whole.'
    context.out(report.ok ? whole : colors.red('The log is not whole.'))
    return report.ok ? 0 : 1
  }
