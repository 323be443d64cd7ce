/** Seeded chance without state: every number is a hash of what it is for, so order does not matter. */

/** The finalizer of MurmurHash3: every input bit moves every output bit. */
const mix = (value: number): number => {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** FNV-1a, 32 bits. */
export const hashText = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h)
}

/** A number in [0, 1) that depends on all of `parts` and on nothing else. */
export const uniform = (...parts: readonly number[]): number => bits(...parts) / 0x1_0000_0000

/** 32 bits that depend on all of `parts` and on nothing else. */
export const bits = (...parts: readonly number[]): number => {
  let h = 0x9e3779b9
  for (const part of parts) h = mix(Math.imul(h, 31) + mix(part) + 0x7f4a7c15)
  return h
}

/** Sixteen hexadecimal digits for the `count`-th id of a seed. */
export const idDigits = (seed: number, count: number): string =>
  [1, 2].map((half) => bits(seed, half, count).toString(16).padStart(8, '0')).join('')
