/**
 * Bundles the package's own files, with what entry points share apart: as files one by one they take three times as long to be
 * loaded, which every process that starts would pay (docs/performance.md). What is installed stays an import.
 *
 * There are two copies. Node.js gets CommonJS only, so that `import` and `require` reach the same classes: what it imports
 * re-exports what it requires. Bundlers take the ES modules (condition `module`), from `import` and `require` alike.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, transform } from 'esbuild'
import { entries, root } from './entries.js'

const common = {
  entryPoints: Object.fromEntries(entries.map(({ name, source }) => [name, source])),
  absWorkingDir: root,
  bundle: true,
  // Entry points share classes: an error of one is an instance of the other's class.
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  chunkNames: 'shared/[name]-[hash]',
} satisfies BuildOptions

/** @param folder `dist`, as a rule */
export async function buildLibrary(folder: string): Promise<void> {
  await Promise.all([
    // Names stay: to keep them apart, as below, would hinder the bundler in leaving out what is not used.
    build({ ...common, outdir: join(folder, 'module'), outExtension: { '.js': '.mjs' }, minifyWhitespace: true }),
    buildForNode(folder),
  ])
}

async function buildForNode(folder: string): Promise<void> {
  const { outputFiles, metafile } = await build({
    ...common,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    // For stacks.
    keepNames: true,
    write: false,
    metafile: true,
  })
  await Promise.all(outputFiles.map(async ({ path, text }) => write(path, await toCommonJs(text))))
  for (const [path, { exports, entryPoint }] of Object.entries(metafile.outputs)) {
    const entry = entries.find(({ source }) => source === entryPoint)
    if (entry) await writeFace(join(folder, 'import'), entry.name, exports)
    else if (entryPoint && !/(-sdk|diagnosis)-\w+\.\w+$/.test(path))
      throw new Error(`${entryPoint} is an entry point by mistake.`)
  }
}

/** esbuild splits ES modules only. So it splits those, and each file is made CommonJS afterwards. */
async function toCommonJs(code: string): Promise<string> {
  const { code: commonJs } = await transform(code, {
    // Node.js has less to read, and npm less to fetch.
    minify: true,
    // Node.js prints the line that threw.
    lineLimit: 120,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Jest refuses `import()` without a flag. And Node.js 20 takes half as long to require the SDK as to import it.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__filename' },
  })
  return commonJs
}

/**
 * The ES module that Node.js imports. Were it to import from the CommonJS file by name, Node.js would first search all of that for
 * names, which takes longer than to run it. So a file in between holds everything in one property.
 */
async function writeFace(folder: string, name: string, names: readonly string[]): Promise<void> {
  await write(join(folder, `${name}.cjs`), `exports.library = require('../${name}.cjs')\n`)
  const lines = [`import { library } from './${name}.cjs'`, `export const { ${names.join(', ')} } = library`]
  await write(join(folder, `${name}.mjs`), `${lines.join('\n')}\n`)
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildLibrary(join(root, 'dist'))
