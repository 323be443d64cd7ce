/** Which Node can run this. Imports nothing: what comes after it dies on an older one with words that tell nobody why. */

const node_min = [22, 19] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

/** What to tell whoever has a Node that is too old; null: it will do. */
export const node_too_old: string | null =
  major < node_min[0] || (major === node_min[0] && minor < node_min[1])
    ? `foreword: Node ${process.versions.node} is too old, ${process.execPath}; ` +
      `install Node ${node_min.join('.')} or later`
    : null
