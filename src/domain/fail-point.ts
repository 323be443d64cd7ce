/**
 * Places where a process may be made to die or to stand still, so that tests can do it to the letter
 * (test/torture). Off unless a program arms them: no setting and no variable of the environment does.
 */
import type { Step } from './ports.ts'

/** What is done between its `before_` and its `after_`. */
export type FailPoint = `${'before' | 'after'}_${

    // Deciding: the first flight, and the second one, which ends with COMMIT.
    | 'read'
    | 'commit'
    // Applying: the steps of a lease, and what is around them.
    | Step
    | 'claim'
    | 'settle'
    | 'sweep'
    | 'release'
    | 'decide_again'
    // Archiving: the file is on disk, its rows are deleted, the transaction has committed.
    | 'archive_move'
    | 'archive'
}`

let trap: ((point: FailPoint) => void) | null = null

/** Calls `onReached` wherever this process comes by from now on; what it does then is its own affair. */
export const armFailPoints = (onReached: (point: FailPoint) => void): void => {
  trap = onReached
}

export const failPoint = (point: FailPoint): void => {
  trap?.(point)
}
