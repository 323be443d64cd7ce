/** What programs import from 'foreword'. Everything else may change with any release. */
import './node-checked.ts'
export {
  connect,
  type Connected,
  type DecideCall,
  type IntentStanding,
  type Settled,
} from './connect.ts'
export {
  act,
  call,
  create,
  defineDecider,
  refuse,
  remove,
  update,
  type Assumed,
  type Compensation,
  type DecideContext,
  type Decider,
  type Facts,
  type IntentDraft,
  type IntentOptions,
  type Queries,
  type Query,
  type Reads,
  type Refusal,
  type Verdict,
} from './domain/decider.ts'
export { defineConfig, secret, type ConfigInput } from './domain/define-config.ts'
export { ForewordError } from './domain/errors.ts'
export type { Json, JsonObject } from './domain/json.ts'
export type { Notice, Noted } from './domain/notice.ts'
export {
  accepted,
  applied,
  defaultTraits,
  notSent,
  rejected,
  Throttled,
  unknown,
  type AnyProvider,
  type Call,
  type Idempotency,
  type Listed,
  type ListLook,
  type Look,
  type NotSent,
  type Outcome,
  type Provider,
  type Secret,
  type Secrets,
  type Sighting,
  type Traits,
} from './domain/provider.ts'
export type { DecideResult, IntentRef } from './domain/result.ts'
export { simulatedCloud, type CloudOptions } from './providers/cloud.ts'
export { conformance, type Check, type Harness } from './providers/conformance.ts'
export { httpProvider, type HttpDeclaration } from './providers/http.ts'
export { powerdns, type PowerdnsOptions } from './providers/powerdns.ts'
export type { Sql } from './store/connect.ts'
