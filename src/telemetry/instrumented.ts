/** A provider each of whose calls and looks is told of; what they answer is passed on as it is. */
import {
  unknown,
  type AnyProvider,
  type Call,
  type Listed,
  type ListLook,
  type Look,
  type Outcome,
} from '../domain/provider.ts'

/** Around one request of a provider. */
export interface Around {
  readonly call: (verb: string, of: Call, run: () => Promise<Outcome>) => Promise<Outcome>
  readonly look: <A>(verb: string, of: Look, run: () => Promise<A>) => Promise<A>
  readonly list: (of: ListLook, run: () => AsyncIterable<Listed>) => AsyncIterable<Listed>
}

const none = async function* (): AsyncGenerator<Listed> {
  yield* []
}

/** Its methods are called as its own: a provider may be an instance of somebody's class. */
export const instrumented = (provider: AnyProvider, around: Around): AnyProvider => {
  const has = (method: 'find' | 'confirm' | 'list' | 'poll'): boolean =>
    Reflect.get(provider, method) !== undefined
  const { kind, spec, state, traits, names, immutable, calls } = provider
  return {
    ...{ kind, spec, state, traits },
    ...(names !== undefined && { names }),
    ...(immutable !== undefined && { immutable }),
    create: (call) => around.call('create', call, () => provider.create(call)),
    update: (call) => around.call('update', call, () => provider.update(call)),
    delete: (call) => around.call('delete', call, () => provider.delete(call)),
    read: (look) => around.look('read', look, () => provider.read(look)),
    ...(has('find') && {
      find: (call) => around.look('find', call, async () => (await provider.find?.(call)) ?? null),
    }),
    ...(has('confirm') && {
      confirm: (call) =>
        around.look('confirm', call, async () => (await provider.confirm?.(call)) ?? 'shown'),
    }),
    ...(has('poll') && {
      poll: (call) =>
        around.call(
          'poll',
          call,
          async () => (await provider.poll?.(call)) ?? unknown('nothing can poll it'),
        ),
    }),
    ...(has('list') && {
      list: (look) => around.list(look, () => provider.list?.(look) ?? none()),
    }),
    ...(calls !== undefined && {
      calls: Object.fromEntries(
        Object.entries(calls).map(([verb, own]) => [
          verb,
          (call: Call) => around.call(verb, call, () => own(call)),
        ]),
      ),
    }),
  }
}
