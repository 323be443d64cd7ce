import t from 'tap'
import { holdLaws, onServers } from './laws.ts'
import { predicateSpecs } from './specs/predicates.ts'

t.setTimeout(900_000)

onServers(
  t,
  'decisions on what a find or a counter answers are serial in every order of their steps',
  (t, ground) => holdLaws(t, ground, predicateSpecs),
)
