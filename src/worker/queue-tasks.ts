/** Task names as they stand in the queue. */
export const tasks = { wake: 'foreword_wake', schedule: 'foreword_schedule' } as const

/** What the queue has room for. */
const task_chars_max = 128

/**
 * Each schedule is a task of its own: the queue gives it only to who knows it, and of two configurations on one
 * database neither swallows the runs of the other.
 */
export const taskOf = (schedule: string): string =>
  `${tasks.schedule}:${schedule}`.slice(0, task_chars_max)
