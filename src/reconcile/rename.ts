/** Another name for what is there: its external thing stays, with its id, outputs and labels. */
import {
  defineDecider,
  refuse,
  type Assumed,
  type IntentDraft,
  type Query,
} from '../domain/decider.ts'
import { ForewordError } from '../domain/errors.ts'
import type { AnyProvider } from '../domain/provider.ts'
import type { DesiredRow, ReconcileStore } from '../domain/reconcile-ports.ts'
import { resourceKey } from '../domain/reference.ts'
import { resourceId } from '../domain/resource-id.ts'
import type { Decide } from './deciding.ts'

export interface RenameDeps {
  readonly store: Pick<ReconcileStore, 'held' | 'seen'>
  readonly decide: Decide
  readonly providers: ReadonlyMap<string, AnyProvider>
}

export interface Renaming {
  readonly kind: string
  readonly from: string
  readonly to: string
}

/** At these versions nothing was under way with either name: what is would be taken for the other's. */
export interface DueRenaming extends Renaming {
  readonly version: number
  readonly to_version: number
}

const moved = 'it has moved meanwhile'

/** Both names take part: who relied on either of them is decided again. */
const renaming = defineDecider({
  name: 'foreword/rename',
  version: 2,
  read: (_q, { kind, from, to }: DueRenaming) => {
    const names = [from, to]
    const both: Query<readonly (Assumed | null)[]> = {
      type: 'get_all',
      kind,
      names,
      absent: 'with_version',
    }
    return { both }
  },
  decide: ({ both: [old, young] }, { kind, from, to, version, to_version }: DueRenaming) => {
    if (old?.version !== version) return refuse(moved)
    if ((young?.state ?? null) !== null) return refuse(`${kind}/${to} is there already`)
    if (young?.version !== to_version) return refuse(`${kind}/${to} has moved meanwhile`)
    const draft: IntentDraft = {
      type: 'intent',
      kind,
      name: from,
      verb: 'rename',
      state: old.state,
      replace: { first_needs: [], deposed: to },
    }
    return draft
  },
})

/** Those that are still to be done: one that was done before is no matter any more. */
export const dueRenames = async (
  deps: RenameDeps,
  scope: string,
  asked: readonly Renaming[],
  desired: readonly DesiredRow[],
): Promise<readonly DueRenaming[]> => {
  if (asked.length === 0) return []
  const idOf = (kind: string, name: string): string => resourceId(scope, kind, name)
  const ids = asked.flatMap(({ kind, from, to }) => [idOf(kind, from), idOf(kind, to)])
  const [held, seen] = [await deps.store.held(ids), await deps.store.seen(ids)]
  const wanted = new Set(desired.filter(({ spec }) => spec !== null).map(resourceKey))
  return asked.flatMap(({ kind, from, to }) => {
    const old = held.get(idOf(kind, from))
    if (old === undefined || old.state === null) return []
    const refuseIt = (what: string, remedy: string): never => {
      throw new ForewordError(`${kind}/${from} cannot be renamed to ${to}: ${what}`, {
        where: `scope ${scope}`,
        remedy,
      })
    }
    const young = held.get(idOf(kind, to))
    if ((young?.state ?? null) !== null || wanted.has(`${kind}/${to}`)) {
      return refuseIt(
        'that one is there already',
        'take renamed_from out, or delete one of the two',
      )
    }
    if (deps.providers.get(kind)?.names !== 'free') {
      return refuseIt(
        'its provider knows it by its name',
        'take renamed_from out: it is deleted then, and created under the new name',
      )
    }
    if ([from, to].some((name) => seen.get(idOf(kind, name))?.open === true)) {
      return refuseIt('something is under way with it', 'apply it again once that is settled')
    }
    return [{ kind, from, to, version: old.version, to_version: young?.version ?? 0 }]
  })
}

export const rename = async (
  deps: RenameDeps,
  scope: string,
  due: readonly DueRenaming[],
  by: { readonly actor: string; readonly reason: string },
): Promise<readonly string[]> => {
  const decisions: string[] = []
  for (const input of due) {
    const result = await deps.decide(renaming, { scope, ...by, input })
    if (result.type === 'decided') {
      decisions.push(result.decision)
      continue
    }
    const reason = 'reason' in result ? result.reason : moved
    throw new ForewordError(`${input.kind}/${input.from} was not renamed: ${reason}`, {
      where: `scope ${scope}`,
      remedy: 'run it again',
    })
  }
  return decisions
}
