/** `foreword cloud`: the simulated cloud, in this process. */
import { runCloud, type CloudCommand } from '../cloud/command.ts'
import type { Context } from './context.ts'

export const cloud =
  (options: CloudCommand) =>
  async (context: Context): Promise<number> => {
    context.setPatience('long')
    await runCloud(options, (line) => context.out(line), context.signal)
    return 0
  }
