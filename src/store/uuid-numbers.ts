/**
 * Numbers uuids in the order in which they come. Open addressing over all 128 bits, at most half full,
 * the bits in the slot itself: a look-up costs one miss of the cache, and an id 44 to 84 bytes where a
 * Map of texts takes twice that and a text to be made of every value.
 */

/** Number + 1 (0: free), and the four words of the uuid. */
const words = 5

export class UuidNumbers {
  #slots = new Int32Array(2 ** 16 * words)
  /** Where each number's slot begins. */
  #places = new Int32Array(2 ** 15)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The number of the uuid whose 16 bytes begin there; a new one where it has none. */
  add(bytes: DataView, at: number): number {
    const place = this.#placeOf(bytes, at)
    const slots = this.#slots
    const found = slots[place] ?? 0
    if (found > 0) return found - 1
    const number = this.#count++
    slots[place] = number + 1
    for (let word = 1; word < words; word++) slots[place + word] = bytes.getInt32(at + word * 4 - 4)
    this.#places[number] = place
    if (this.#count === this.#places.length) this.#widen()
    return number
  }

  /** Its number; -1: it has none. */
  find(bytes: DataView, at: number): number {
    return (this.#slots[this.#placeOf(bytes, at)] ?? 0) - 1
  }

  /** As Postgres writes it. */
  text(number: number): string {
    const place = this.#places[number] ?? 0
    const hex = [...this.#slots.subarray(place + 1, place + words)]
      .map((word) => (word >>> 0).toString(16).padStart(8, '0'))
      .join('')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }

  /** The slot that holds the uuid, or the free one where it belongs. */
  #placeOf(bytes: DataView, at: number): number {
    const slots = this.#slots
    const [a, b] = [bytes.getInt32(at), bytes.getInt32(at + 4)]
    const [c, d] = [bytes.getInt32(at + 8), bytes.getInt32(at + 12)]
    const count = slots.length / words
    let place = (mixed(a, b, c, d) & (count - 1)) * words
    while (
      slots[place] !== 0 &&
      (slots[place + 1] !== a ||
        slots[place + 2] !== b ||
        slots[place + 3] !== c ||
        slots[place + 4] !== d)
    ) {
      place += words
      if (place === slots.length) place = 0
    }
    return place
  }

  #widen(): void {
    const slots = new Int32Array(this.#slots.length * 2)
    const places = new Int32Array(this.#places.length * 2)
    const mask = slots.length / words - 1
    const old = this.#slots
    for (let number = 0; number < this.#count; number++) {
      const from = this.#places[number] ?? 0
      const [a, b] = [old[from + 1] ?? 0, old[from + 2] ?? 0]
      const [c, d] = [old[from + 3] ?? 0, old[from + 4] ?? 0]
      let place = (mixed(a, b, c, d) & mask) * words
      while (slots[place] !== 0) place = place + words === slots.length ? 0 : place + words
      for (let word = 0; word < words; word++) slots[place + word] = old[from + word] ?? 0
      places[number] = place
    }
    this.#slots = slots
    this.#places = places
  }
}

/** Ids made from the time share their first bits, and those of clients may share any. */
const mixed = (a: number, b: number, c: number, d: number): number => {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15) ^ b, 0xc2b2ae35)
  hash = Math.imul(hash ^ (hash >>> 13) ^ c, 0x27d4eb2f)
  hash = Math.imul(hash ^ (hash >>> 16) ^ d, 0x165667b1)
  return hash ^ (hash >>> 15)
}
