/**
 * Lint: what the compiler does not see. Layout is prettier's, directions are dependency-cruiser's,
 * dead code is knip's. Every rule that is off says why.
 */
import eslint from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const env = {
  object: 'process',
  property: 'env',
  message:
    'The environment is read in src/main.ts, src/connect.ts, src/cli and src/store/embedded only.',
}

/** Allowed: `fp-ts/lib/X.js`. tsc accepts the others, and Node cannot load them. */
const fpTs = {
  regex: '^fp-ts(?!/lib/\\w+\\.js$)',
  message: 'Import fp-ts by `fp-ts/lib/X.js`: nothing else loads under Node ESM.',
}
const ioTs = {
  regex: '^io-ts/(?!lib/PathReporter\\.js$)',
  message: 'Only `io-ts` (t.*) is stable, and `io-ts/X` does not load under Node ESM.',
}

export default defineConfig(
  globalIgnores(['dist/', '.tap/', '.foreword/', 'bench/peers/', '**/tap-snapshots/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { requireDefaultForNonUnion: true, considerDefaultExhaustiveForUnions: false },
      ],
      // tap's `t.test` returns a promise that tap itself awaits before the parent ends. Any other
      // promise, `t.rejects` included, is a bug when nobody waits for it.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafePromises: [
            { from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' },
          ],
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      // Numbers and booleans print as what they are; objects do not, and stay forbidden.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => close()` as a callback is no confusion; a void value in any other place is.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A leading underscore says that a parameter is there for its position.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Off: a port's method returns a promise also where this implementation has nothing to wait
      // for, and `async` turns what it throws into a rejection, as callers expect.
      '@typescript-eslint/require-await': 'off',
      // `while (true)` with a return inside is a loop that says so.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      eqeqeq: 'error',
      'no-restricted-imports': ['error', { patterns: [fpTs, ioTs] }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', env],
      'no-restricted-imports': [
        'error',
        {
          patterns: [fpTs, ioTs],
          paths: [
            { name: 'node:process', importNames: ['env'], message: env.message },
            { name: 'process', message: 'Use the global `process`.' },
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.property.name="begin"]',
          message: 'Transactions begin in src/store only: there the retries and the limits are.',
        },
      ],
    },
  },
  {
    files: ['src/main.ts', 'src/connect.ts', 'src/cli/**/*.ts', 'src/store/embedded/*.ts'],
    rules: { 'no-restricted-properties': 'off' }, // These are the doors of the environment.
  },
  {
    files: ['src/store/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off' }, // The room where transactions begin.
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Off: a test reads top to bottom, and subtests nest in their parent; files are limited to 600 lines.
      'max-lines-per-function': 'off',
    },
  },
  {
    // Configuration files: plain JavaScript, read by their tools.
    files: ['**/*.{js,cjs}'],
    languageOptions: { globals: { module: 'writable', require: 'readonly' } },
  },
)
