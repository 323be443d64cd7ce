/** `foreword audit`: proves the log gap-free and consistent with what is assumed. Exit 1 on any breach. */
import { audit as runAudit } from '../audit/audit.ts'
import { auditStore } from '../store/audit-store.ts'
import type { Context } from './context.ts'
import { harmless } from './print.ts'
import { openReader } from './session.ts'

export const audit =
  () =>
  async (context: Context): Promise<number> => {
    const report = await runAudit(auditStore(await openReader(context)))
    if (context.options.json === true) {
      context.json(report)
      return report.ok ? 0 : 1
    }
    const { colors } = context
    for (const { law, says, checked, violated, violations } of report.checks) {
      const mark = violated === 0 ? colors.green('✓') : colors.red('✗')
      const count = violated === 0 ? `${checked}` : `${violated} of ${checked} broken`
      context.out(`${mark} ${says} ${colors.dim(`${law}, ${count}`)}`)
      for (const { subject, what } of violations) {
        context.out(`    ${harmless(subject)}: ${harmless(what)}`)
      }
      const untold = violated - violations.length
      if (untold > 0) context.out(colors.dim(`    … and ${untold} more`))
    }
    context.out(report.ok ? 'The log is whole.' : colors.red('The log is not whole.'))
    return report.ok ? 0 : 1
  }
