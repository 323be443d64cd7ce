/** What a configuration says of /metrics. */
import { defaulted, rule, strictObject, wholeNumber } from './parts.ts'
import type { Secret } from '../provider.ts'

/** Where /metrics is, if it is asked for: on this machine only, unless the configuration says otherwise. */
export const default_metrics = { port: 3674, host: '127.0.0.1' }

const Host = rule<string>(
  'a host to listen on',
  (value) =>
    typeof value === 'string' && /^[A-Za-z0-9.:_-]{1,253}$/.test(value)
      ? undefined
      : 'expected a host name or an address',
  'write 127.0.0.1 for this machine only, 0.0.0.0 for every network that it is in',
)

/** Never the text itself: configurations are committed. */
const TokenReference = rule<Secret>(
  'a reference to a secret',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'secret' in value &&
    (value.secret === 'env' || value.secret === 'file') &&
    'name' in value &&
    typeof value.name === 'string' &&
    value.name !== ''
      ? undefined
      : 'expected a reference to a secret',
  "write secret.env('NAME') or secret.file('PATH')",
)

export const Metrics = strictObject(
  {
    port: defaulted(wholeNumber(0, 65_535), default_metrics.port),
    host: defaulted(Host, default_metrics.host),
  },
  { token: TokenReference },
)
