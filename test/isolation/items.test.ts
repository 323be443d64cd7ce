import t from 'tap'
import { holdLaws, onServers } from './laws.ts'
import { itemSpecs } from './specs/items.ts'

t.setTimeout(900_000)

onServers(
  t,
  'decisions on rows that are read by name are serial in every order of their steps',
  (t, ground) => holdLaws(t, ground, itemSpecs),
)
