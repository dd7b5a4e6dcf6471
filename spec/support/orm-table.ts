import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** A row of the table in docs/orms.md. */
export interface Row {
  readonly library: string
  /** The title of the section with its code. */
  readonly anchor: string
  readonly packages: readonly { readonly name: string; readonly version: string }[]
  readonly file: string
  readonly onRedshift: boolean
  /** Different for every row, and valid as the name of a database user. */
  readonly id: string
}

const pattern = /^\| \[([^\]]+)\]\(#([^)]+)\)([^|]*) \| ([^|]+) \| \[[^\]]+\]\(\.\.\/([^)]+)\) \| (yes|no) \|/gm

export const rows: readonly Row[] = [...read('docs/orms.md').matchAll(pattern)].map(
  ([, library = '', anchor = '', more = '', versions = '', file = '', onRedshift = '']) => {
    const packages = [...versions.matchAll(/`([^`]+)` ([^,\s]+)/g)]
    return {
      library: library + more,
      anchor,
      packages: packages.map(([, name = '', version = '']) => ({ name, version })),
      file,
      onRedshift: onRedshift === 'yes',
      id: `${file.replace(/^.*\/|\.ts$/g, '')}-${packages[0]?.[2]}`,
    }
  },
)

const { devDependencies }: { devDependencies: Record<string, string> } = JSON.parse(read('package.json'))

/** The name under which a version of a package is installed: its own, or an alias. */
export const installedAs = ({ name, version }: Row['packages'][number]): string | undefined =>
  Object.entries(devDependencies)
    .filter(([key, range]) => key === name || range.startsWith(`npm:${name}@`))
    .map(([key]) => key)
    .find(key => JSON.parse(read(`node_modules/${key}/package.json`)).version === version)

/** The example's file, or a copy of it if the row's version is installed under another name. */
export function programOf({ file, packages, id }: Row): string {
  const aliases = packages.map(each => [each.name, installedAs(each)] as const).filter(([name, key]) => name !== key)
  if (aliases.length === 0) return file
  const copy = `.cache/examples/${id}.ts`
  mkdirSync(join(root, '.cache/examples'), { recursive: true })
  const code = aliases.reduce((text, [name, key]) => text.replace(`from '${name}'`, `from '${key}'`), read(file))
  writeFileSync(join(root, copy), code)
  return copy
}
