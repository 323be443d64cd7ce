/** A column of numbers that grows: what is too many to be objects. */

type Numbers = Int32Array | Float64Array | Uint8Array

class Column<N extends Numbers> {
  #values: N
  #length = 0
  readonly #make: (length: number) => N

  constructor(make: (length: number) => N) {
    this.#make = make
    this.#values = make(1_024)
  }

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const values = this.#make(this.#length * 2)
      values.set(this.#values)
      this.#values = values
    }
    this.#values[this.#length++] = value
  }

  /** All that was pushed, not copied. The column must not be pushed to any more. */
  done(): N {
    return this.#values.subarray(0, this.#length) as N
  }
}

export const int32Column = (): Column<Int32Array> => new Column((n) => new Int32Array(n))
export const float64Column = (): Column<Float64Array> => new Column((n) => new Float64Array(n))
export const uint8Column = (): Column<Uint8Array> => new Column((n) => new Uint8Array(n))
