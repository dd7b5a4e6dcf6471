/** Lists the entry points in package.json, and in one folder each for resolvers that do not support `exports`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entries, root } from './entries.js'
import { pages } from './pages.js'

/** The fields of package.json that list the entry points. */
export const manifest = {
  // The folders of the entry points contain only a package.json.
  files: ['dist', ...entries.filter(({ path }) => path !== '.').map(({ name }) => name), ...pages],
  exports: {
    ...Object.fromEntries(
      entries.map(({ name, path }) => [
        path,
        {
          types: { import: `./dist/import/${name}.d.mts`, default: `./dist/${name}.d.cts` },
          // First, so that `import` and `require` in one bundle share one copy.
          module: `./dist/module/${name}.mjs`,
          import: `./dist/import/${name}.mjs`,
          default: `./dist/${name}.cjs`,
        },
      ]),
    ),
    './package.json': './package.json',
  },
  main: './dist/index.cjs',
  types: './dist/index.d.cts',
}

export function buildManifest(): void {
  const file = join(root, 'package.json')
  const text = readFileSync(file, 'utf8')
  const written = `${JSON.stringify({ ...JSON.parse(text), ...manifest }, null, 2)}\n`
  if (written !== text) writeFileSync(file, written)
  for (const { name, path } of entries) {
    if (path === '.') continue
    mkdirSync(join(root, name), { recursive: true })
    const folder = { main: `../dist/${name}.cjs`, types: `../dist/${name}.d.cts` }
    writeFileSync(join(root, name, 'package.json'), `${JSON.stringify(folder, null, 2)}\n`)
  }
}
