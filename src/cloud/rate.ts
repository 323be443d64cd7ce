/** A real rate limit: one token bucket per account. */
interface Bucket {
  tokens: number
  at: number
}

export class Rate {
  readonly #buckets = new Map<string, Bucket>()

  /** 0: let it pass. Otherwise the seconds, rounded up, after which the account may ask again. */
  take(account: string, now: number, limit: { per_s: number; burst: number }): number {
    if (limit.per_s === 0) return 0
    const most = Math.max(1, limit.burst === 0 ? limit.per_s : limit.burst)
    const bucket = this.#buckets.get(account) ?? { tokens: most, at: now }
    bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.at) / 1_000) * limit.per_s)
    bucket.at = now
    this.#buckets.set(account, bucket)
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / limit.per_s))
    bucket.tokens -= 1
    return 0
  }
}
