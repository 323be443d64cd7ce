/** How reconciling decides, and asks what it would decide: `decide` implements it. */
import type * as E from 'fp-ts/lib/Either.js'
import type { Decider, IntentDraft, Reads } from '../domain/decider.ts'
import type { Change, ResourceName, WritePlan } from '../domain/ports.ts'
import type { DecideResult } from '../domain/result.ts'

export interface SystemDecision {
  readonly scope: string
  readonly input: unknown
  readonly actor?: string
  readonly reason?: string
  readonly cause?: 'intent' | 'observation'
  readonly acted?: (drafts: readonly IntentDraft[]) => WritePlan['acted']
  /** Deletions of the same run, in other decisions. */
  readonly deletes_beside?: readonly ResourceName[]
}

export type Decide = <R extends Reads, Input>(
  decider: Decider<R, Input>,
  options: SystemDecision & { readonly input: Input },
) => Promise<DecideResult>

export type PreviewedChange = Pick<Change, 'kind' | 'name' | 'verb' | 'state' | 'replace'> &
  Partial<Pick<Change, 'initial' | 'held_because'>>

export type Preview = <R extends Reads, Input>(
  decider: Decider<R, Input>,
  options: SystemDecision & { readonly input: Input },
) => Promise<
  E.Either<{ readonly reason: string; readonly remedy?: string }, readonly PreviewedChange[]>
>
