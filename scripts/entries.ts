import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PACKAGE = 'pg-redshift-iam'

/** An entry point of the package. */
export interface Entry {
  /** What its files are called. */
  readonly name: string
  /** Its key in the `exports` of package.json. */
  readonly path: string
  /** Its source, below the project's folder. */
  readonly source: string
}

const { compilerOptions } = JSON.parse(readFileSync(new URL('../tsconfig.json', import.meta.url), 'utf8'))
const paths: Readonly<Record<string, readonly [string]>> = compilerOptions.paths

/** The entry points: those that tsconfig.json maps to their sources. That is the one list of them. */
export const entries: readonly Entry[] = Object.entries(paths).map(([specifier, [source]]) => ({
  name: specifier === PACKAGE ? 'index' : specifier.slice(PACKAGE.length + 1),
  path: specifier.replace(PACKAGE, '.'),
  source: source.replace(/^\.\//, ''),
}))

export const root = fileURLToPath(new URL('..', import.meta.url))
