import t from 'tap'
import { holdLaws, onServers } from './laws.ts'
import { hermitageSpecs } from './specs/hermitage.ts'

t.setTimeout(900_000)

onServers(
  t,
  'decisions on Hermitage’s anomalies are serial in every order of their steps',
  (t, ground) => holdLaws(t, ground, hermitageSpecs),
)
