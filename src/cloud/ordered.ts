/** Things in the order of their number. Almost all are added at the end, so adding is a push. */
export class Ordered<T extends { readonly seq: number }> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    const last = this.#items.at(-1)
    if (last === undefined || last.seq < item.seq) {
      this.#items.push(item)
      return
    }
    const index = this.#firstAfter(item.seq - 1)
    if (this.#items[index] !== item) this.#items.splice(index, 0, item)
  }

  remove(item: T): void {
    const index = this.#firstAfter(item.seq - 1)
    if (this.#items[index] === item) this.#items.splice(index, 1)
  }

  /** From the first one whose number is greater than `seq`. Do not add or remove meanwhile. */
  *after(seq: number): Generator<T> {
    for (let i = this.#firstAfter(seq); i < this.#items.length; i += 1) {
      const item = this.#items[i]
      if (item !== undefined) yield item
    }
  }

  #firstAfter(seq: number): number {
    let low = 0
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#items[middle]?.seq ?? Infinity) <= seq) low = middle + 1
      else high = middle
    }
    return low
  }
}
