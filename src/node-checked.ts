/** Imported first by what programs import, so that it is evaluated before all else: see there. */
import { node_too_old } from './node-version.ts'

if (node_too_old !== null) throw new Error(node_too_old)
