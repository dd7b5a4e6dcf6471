import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PACKAGE = 'pg-redshift-iam'

/** An entry point of the package. */
export interface Entry {
  /** The name of its files, without extension. */
  readonly name: string
  /** Its key in the `exports` of package.json. */
  readonly path: string
  /** Its source file, relative to the project. */
  readonly source: string
}

const { compilerOptions } = JSON.parse(readFileSync(new URL('../tsconfig.json', import.meta.url), 'utf8'))
const paths: Readonly<Record<string, readonly [string]>> = compilerOptions.paths

/** The entry points, as listed in `paths` of tsconfig.json. */
export const entries: readonly Entry[] = Object.entries(paths).map(([specifier, [source]]) => ({
  name: specifier === PACKAGE ? 'index' : specifier.slice(PACKAGE.length + 1),
  path: specifier.replace(PACKAGE, '.'),
  source: source.replace(/^\.\//, ''),
}))

export const root = fileURLToPath(new URL('..', import.meta.url))
