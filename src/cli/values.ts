/** Values of options, as the command line gives them: texts. */
import { InvalidArgumentError } from 'commander'

export const wholeSeconds = (text: string): number => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 1_000_000) return value
  throw new InvalidArgumentError('It is not a whole number of seconds.')
}

export const wholeCount = (text: string): number => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 100_000) return value
  throw new InvalidArgumentError('It is not a whole number up to 100000.')
}

export const portNumber = (text: string): number => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 65_535) return value
  throw new InvalidArgumentError('It is not a port: 0 to 65535, 0 for any free one.')
}
