/** What the laws of conformance are checked with: calls of one resource after another, and patience. */
import * as E from 'fp-ts/lib/Either.js'
import { inspect } from 'node:util'
import { formatErrors } from '../domain/codec/codec.ts'
import { diffPaths } from '../domain/diff.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { AnyProvider, Call, Look, Outcome, Secrets, Sighting } from '../domain/provider.ts'

/** What a suite must be told about the API behind a provider. */
export interface Harness {
  readonly scope: string
  /** Name of the n-th resource, fresh in every run of the suite. */
  readonly name: (n: number) => string
  /** The n-th spec; 0 and 1 must differ, and both be accepted by the API for any name. */
  readonly spec: (n: number) => Json
  /** Nonsense that the spec codec must refuse. */
  readonly bad_spec: Json
  /** Something that the codec accepts and the API refuses. Absent: there is no such thing. */
  readonly refused?: { readonly name?: string; readonly spec: Json }
  readonly secrets: Secrets
  /** Makes what the resources need, before each law. */
  readonly prepare?: () => Promise<void>
  /** How many effects of this key really happened, as an independent ledger saw it. */
  readonly effects?: (idempotency_key: string) => Promise<number>
  /** The same declaration against a port where nobody listens. */
  readonly dead: AnyProvider
  /** The API takes no second resource of a name. Default true. */
  readonly names_are_unique?: boolean
  /** The API refuses every change of an existing resource. Default false. */
  readonly immutable?: boolean
  /** How long a law waits for an effect to show, in milliseconds. Default 10,000 more than the settle window. */
  readonly patience_ms?: number
}

class LawBroken extends Error {
  override readonly name = 'LawBroken'
}

export const must = (holds: boolean, law: string, seen?: unknown): void => {
  if (holds) return
  const shown = seen === undefined ? '' : `: ${inspect(seen, { depth: 6, breakLength: 120 })}`
  throw new LawBroken(`${law}${shown}`)
}

const poll_ms = 25
const patience_beyond_settling_ms = 10_000

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Calls of one resource: remembers id, outputs and version as the log would. */
export class Bench {
  readonly provider: AnyProvider
  readonly harness: Harness
  readonly name: string
  readonly #secrets: Secrets
  #external_id: string | null = null
  #outputs: JsonObject = {}
  #generation = 0
  #assumed: Json = null

  constructor(provider: AnyProvider, harness: Harness, n: number, secrets?: Secrets) {
    this.provider = provider
    this.harness = harness
    this.name = harness.name(n)
    this.#secrets = secrets ?? harness.secrets
  }

  look(signal?: AbortSignal): Look {
    return {
      scope: this.harness.scope,
      name: this.name,
      external_id: this.#external_id,
      outputs: this.#outputs,
      signal: signal ?? AbortSignal.timeout(this.provider.traits.call_timeout_ms),
      secrets: this.#secrets,
    }
  }

  /** A new call: another key, a higher generation. */
  call(verb: string, spec: Json, over: Partial<Call> = {}): Call {
    const decoded = this.provider.spec.decode(spec)
    if (E.isLeft(decoded)) {
      const problems = formatErrors(decoded.left).map(({ path, message }) => `${path} ${message}`)
      throw new LawBroken(`the harness has a spec that its codec refuses: ${problems.join('; ')}`)
    }
    return {
      ...this.look(),
      verb,
      spec: decoded.right as unknown,
      before: this.#assumed,
      idempotency_key: crypto.randomUUID(),
      generation: ++this.#generation,
      now: new Date(),
      ...over,
    }
  }

  /** What was accepted is polled until it ends. */
  async do(call: Call): Promise<Outcome> {
    const { provider } = this
    let outcome = await (call.verb === 'create'
      ? provider.create(call)
      : call.verb === 'update'
        ? provider.update(call)
        : provider.delete(call))
    while (outcome.type === 'accepted') {
      const { operation, poll_after_ms = poll_ms } = outcome
      must(provider.poll !== undefined, 'what accepts operations can poll them', outcome)
      await sleep(poll_after_ms)
      outcome = (await provider.poll?.({ ...call, operation })) ?? outcome
    }
    if (outcome.type === 'applied') {
      this.#external_id = outcome.external_id ?? this.#external_id
      this.#outputs = outcome.outputs ?? this.#outputs
      this.#assumed = outcome.state
    }
    return outcome
  }

  /** Does it, and must have it applied. */
  async done(call: Call): Promise<Outcome & { readonly type: 'applied' }> {
    const outcome = await this.do(call)
    if (outcome.type === 'applied') return outcome
    const { type } = outcome
    const why = 'reason' in outcome ? `: ${outcome.reason}` : ''
    throw new LawBroken(`${call.verb} of ${call.name} was ${type}${why}`)
  }

  /** Waits until as many reads in a row as the traits ask for satisfy; throws when patience ends. */
  async eventually(
    what: string,
    satisfies: (sighting: Sighting | null) => boolean,
    read: () => Promise<Sighting | null> = () => this.provider.read(this.look()),
  ): Promise<Sighting | null> {
    const { settle_ms, sightings } = this.provider.traits
    const { patience_ms = settle_ms + patience_beyond_settling_ms } = this.harness
    const until = performance.now() + patience_ms
    let in_a_row = 0
    for (;;) {
      const seen = await read()
      in_a_row = satisfies(seen) ? in_a_row + 1 : 0
      if (in_a_row >= Math.max(sightings, 1)) return seen
      must(performance.now() < until, `${what}, within ${patience_ms} ms`, seen)
      await sleep(poll_ms)
    }
  }

  /** Waits until what is read has the spec's state, ready to be used. */
  async shows(spec: Json): Promise<Sighting> {
    const wanted = this.encoded(spec)
    const seen = await this.eventually(
      `read shows ${JSON.stringify(wanted)}`,
      (sighting) =>
        sighting !== null &&
        (sighting.condition ?? 'ready') === 'ready' &&
        diffPaths(wanted, sighting.state).length === 0,
    )
    if (seen === null) throw new LawBroken('unreachable: null does not satisfy')
    return seen
  }

  async isGone(): Promise<void> {
    await this.eventually('read says that there is none', (sighting) => sighting === null)
  }

  /** The spec as it would be stored. */
  encoded(spec: Json): Json {
    const decoded = this.provider.spec.decode(spec)
    return E.isRight(decoded) ? this.provider.spec.encode(decoded.right) : spec
  }

  /** How many of this name a list shows; null: the provider has no list. */
  async listed(): Promise<number | null> {
    const list = this.provider.list?.(this.look())
    if (list === undefined) return null
    let count = 0
    for await (const { name } of list) if (name === this.name) count++
    return count
  }

  /** Leaves nothing behind, whether or not the law held. */
  async clear(): Promise<void> {
    try {
      const seen = await this.provider.read(this.look())
      if (seen === null) return
      this.#external_id = seen.external_id ?? this.#external_id
      await this.provider.delete(this.call('delete', this.harness.spec(0)))
    } catch {
      // Several of one name, or an API that is down: the law itself has said what is wrong.
    }
  }
}

/** What a promise throws; a law is broken when it throws nothing. */
export const thrownBy = async (what: string, promise: Promise<unknown>): Promise<unknown> => {
  let answer: unknown
  try {
    answer = await promise
  } catch (error) {
    return error
  }
  throw new LawBroken(`${what} must throw, and answered ${inspect(answer)}`)
}
