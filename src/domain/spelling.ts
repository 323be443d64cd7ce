/**
 * Unicode writes some names in two ways that look the same: é as one character (NFC), or as e and an accent (NFD). Names are
 * kept as they are given, so these are two resources; nearly always one was meant.
 */
import type { ResourceName } from './ports.ts'

/** Which normal form a name is in. */
export const spellingOf = (name: string): string => {
  if (name === name.normalize('NFC')) return 'NFC'
  return name === name.normalize('NFD') ? 'NFD' : 'neither NFC nor NFD'
}

/** The same name in the other forms; of plain ASCII none. */
export const otherSpellings = (name: string): readonly string[] =>
  [...new Set([name.normalize('NFC'), name.normalize('NFD')])].filter((other) => other !== name)

const keyOf = ({ scope, kind, name }: ResourceName): string =>
  JSON.stringify([scope, kind, name.normalize('NFC')])

/** Those among them that are spelled in several ways. */
export const spelledTwice = (
  names: readonly ResourceName[],
): readonly (readonly ResourceName[])[] => {
  const odd = names.filter(({ name }) => otherSpellings(name).length > 0)
  return [...Map.groupBy(odd, keyOf).values()]
    .map((group) => [...new Map(group.map((one) => [one.name, one])).values()])
    .filter((group) => group.length > 1)
}
