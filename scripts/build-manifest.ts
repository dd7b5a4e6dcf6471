/** Tells resolvers of the entry points: those that read `exports`, and those that look into folders, as `require` did before. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entries, root } from './entries.js'
import { pages } from './pages.js'

/** What package.json has to say of the entry points. */
export const manifest = {
  // Folders that hold nothing but where an entry point is.
  files: ['dist', ...entries.filter(({ path }) => path !== '.').map(({ name }) => name), ...pages],
  exports: {
    ...Object.fromEntries(
      entries.map(({ name, path }) => [
        path,
        {
          types: { import: `./dist/import/${name}.d.mts`, default: `./dist/${name}.d.cts` },
          // Ahead of the others: for one bundle, `import` and `require` must not be two copies.
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
