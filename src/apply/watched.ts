/** A provider whose answers are watched: what each says about the account is told, and passed on as it is. */
import {
  Throttled,
  unknown,
  type AnyProvider,
  type Call,
  type Listed,
  type Look,
  type Outcome,
} from '../domain/provider.ts'
import { messageOf } from './call.ts'
import { checkedOutcome, wait_ms } from './checked-outcome.ts'

export interface Answer {
  readonly scope: string
  /** Whose call or look it was: one intent that always fails says little about an account. */
  readonly whose: string
  /** `failed`: unknown, never sent, or in vain; a refusal is a good answer too. */
  readonly said: 'well' | 'failed' | 'throttled'
  /** The API asks to be left alone for so long. */
  readonly retry_after_ms?: number
  readonly why?: string
}

type Tell = (provider: AnyProvider, answer: Answer) => void
type Asked = Pick<Look, 'scope' | 'signal'> & { readonly name?: string }
type Said = Omit<Answer, 'scope' | 'whose'>

const saidByError = (error: unknown): Said =>
  error instanceof Throttled
    ? { said: 'throttled', retry_after_ms: wait_ms(error.retry_after_ms), why: messageOf(error) }
    : { said: 'failed', why: messageOf(error) }

const saidByOutcome = (answer: unknown): Said => {
  const outcome = checkedOutcome(answer)
  return outcome.type === 'rejected' && outcome.throttled === true
    ? {
        said: 'throttled',
        retry_after_ms: outcome.retry_after_ms ?? 0,
        why: messageOf(outcome.reason),
      }
    : { said: 'well' }
}

const well = (): Said => ({ said: 'well' })

const watcher = (provider: AnyProvider, tell: Tell) => {
  const teller = ({ scope, name = '' }: Asked) => {
    let told = false
    return (said: Said): void => {
      if (told) return
      told = true
      tell(provider, { scope, whose: `${scope}/${name}`, ...said })
    }
  }
  return {
    watch: async <A>(of: Asked, run: () => Promise<A>, saidBy: (a: A) => Said): Promise<A> => {
      const say = teller(of)
      // What does not listen to its signal has failed when that fires, whatever it answers later.
      const late = (): void => {
        say({ said: 'failed', why: 'no answer in time' })
      }
      of.signal.addEventListener('abort', late, { once: true })
      try {
        const answer = await run()
        say(saidBy(answer))
        return answer
      } catch (error) {
        say(saidByError(error))
        throw error
      } finally {
        of.signal.removeEventListener('abort', late)
      }
    },
    watchList: async function* (of: Asked, run: () => AsyncIterable<Listed>) {
      const say = teller(of)
      try {
        yield* run()
        say(well())
      } catch (error) {
        say(saidByError(error))
        throw error
      }
    },
  }
}

/** Its methods are called as its own: a provider may be an instance of somebody's class. */
export const watched = (provider: AnyProvider, tell: Tell): AnyProvider => {
  const watching = watcher(provider, tell)
  const calling =
    (verb: (call: Call) => Promise<Outcome>) =>
    (call: Call): Promise<Outcome> =>
      watching.watch(call, () => verb(call), saidByOutcome)
  const has = (method: 'find' | 'confirm' | 'list' | 'poll'): boolean =>
    Reflect.get(provider, method) !== undefined
  return {
    kind: provider.kind,
    spec: provider.spec,
    state: provider.state,
    traits: provider.traits,
    ...(provider.names !== undefined && { names: provider.names }),
    ...(provider.immutable !== undefined && { immutable: provider.immutable }),
    create: calling((call) => provider.create(call)),
    update: calling((call) => provider.update(call)),
    delete: calling((call) => provider.delete(call)),
    read: (look) => watching.watch(look, () => provider.read(look), well),
    ...(has('find') && {
      find: (call) => watching.watch(call, async () => (await provider.find?.(call)) ?? null, well),
    }),
    ...(has('confirm') && {
      confirm: (call) =>
        watching.watch(call, async () => (await provider.confirm?.(call)) ?? 'shown', well),
    }),
    ...(has('poll') && {
      poll: (call) =>
        watching.watch(
          call,
          async () => (await provider.poll?.(call)) ?? unknown('nothing can poll it'),
          saidByOutcome,
        ),
    }),
    ...(has('list') && {
      list: (look) => watching.watchList(look, () => provider.list?.(look) ?? none()),
    }),
    ...(provider.calls !== undefined && {
      calls: Object.fromEntries(
        Object.entries(provider.calls).map(([verb, call]) => [verb, calling(call)]),
      ),
    }),
  }
}

const none = async function* (): AsyncGenerator<Listed> {
  yield* []
}
