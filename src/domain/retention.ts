/** How long the log keeps what is settled, and when what is older goes to files. */
import type { Config, Schedule } from './config.ts'

/** The decider that a schedule of retention bears in `foreword.schedule`: foreword's own. */
export const archiving = 'foreword/archive'

/** Decisions that were under way together are certified against each other within it. */
export const kept_ms_min = 3_600_000

const default_cron = '17 3 * * *'

/** Those of the configuration and, where it keeps less than everything, the one that archives. */
export const schedulesOf = ({ schedules, retention }: Config): readonly Schedule[] =>
  retention === undefined
    ? schedules
    : [
        ...schedules,
        {
          name: 'foreword_archive',
          cron: retention.cron ?? default_cron,
          scope: '*',
          decider: archiving,
        },
      ]

/** The longest time in which a call of any of them might be answered as the same one. */
export const tokenValidMs = ({ providers }: Pick<Config, 'providers'>): number =>
  Math.max(0, ...providers.map(({ traits }) => traits.token_valid_ms))
