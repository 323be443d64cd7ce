import { connectionError } from './connect.ts'
import { askServer } from './pooler.ts'

/**
 * Connects once and returns the server's version as `server_version_num` tells it (150018 is 15.18).
 * Throws a ForewordError naming place and remedy when that is impossible.
 */
export const reachable = async (url: string): Promise<number> => {
  try {
    return (await askServer(url)).version
  } catch (error) {
    throw connectionError(url, error)
  }
}
