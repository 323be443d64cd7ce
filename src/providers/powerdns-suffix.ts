/** Which zone of the server holds a name: the longest suffix that is a zone. */
import type { Look } from '../domain/provider.ts'
import { get, type Api } from './powerdns-api.ts'

/** A zone that comes or goes elsewhere is noticed after this long; those of this process at once. */
const known_for_ms = 10_000
const known_max = 50_000

export class Suffixes {
  readonly #api: Api
  readonly #known = new Map<
    string,
    { readonly until: number; readonly is_zone: Promise<boolean> }
  >()

  constructor(api: Api) {
    this.#api = api
  }

  /** Zones have changed. */
  forget(): void {
    this.#known.clear()
  }

  /** null: no zone of the server holds it. A DS set belongs to the zone above its name. */
  async zoneOf(
    { name, type }: { readonly name: string; readonly type: string },
    look: Look,
  ): Promise<string | null> {
    const labels = name.split('.').slice(0, -1)
    for (let cut = type === 'DS' ? 1 : 0; cut <= labels.length; cut++) {
      const suffix = cut === labels.length ? '.' : `${labels.slice(cut).join('.')}.`
      // A wildcard is no zone, and PowerDNS refuses the question.
      if (!suffix.startsWith('*.') && (await this.#isZone(suffix, look))) return suffix
    }
    return null
  }

  async #isZone(suffix: string, look: Look): Promise<boolean> {
    const now = performance.now()
    const known = this.#known.get(suffix)
    if (known !== undefined && known.until > now) return known.is_zone
    if (this.#known.size >= known_max) this.#known.clear()
    // Shared by all who ask meanwhile: a stack of two hundred records asks for its zone once.
    const is_zone = this.#ask(suffix, look)
    this.#known.set(suffix, { until: now + known_for_ms, is_zone })
    is_zone.catch(() => this.#known.delete(suffix))
    return is_zone
  }

  async #ask(suffix: string, look: Look): Promise<boolean> {
    const zones = await get(this.#api, this.#api.zones, look, { zone: suffix, dnssec: 'false' })
    return Array.isArray(zones) && zones.length > 0
  }
}
