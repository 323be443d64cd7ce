/** Task names as they stand in the queue. */
export const tasks = { wake: 'foreword_wake', schedule: 'foreword_schedule' } as const
