import t from 'tap'
import { holdLaws, onServers } from './laws.ts'
import { readOnlySpecs } from './specs/read-only.ts'

t.setTimeout(900_000)

onServers(
  t,
  'decisions on what only a reader sees are serial in every order of their steps',
  (t, ground) => holdLaws(t, ground, readOnlySpecs),
)
