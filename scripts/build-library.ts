/**
 * Bundles the package's own files. Separate files would take three times as long to load, which every process that starts would pay for
 * (docs/performance.md). Installed packages stay imports.
 *
 * There are two copies. Node.js gets CommonJS only, so that `import` and `require` reach the same classes: what it imports
 * re-exports what it requires. Bundlers get ES modules (condition `module`), from `import` and `require` alike.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { type OutputChunk, type OutputOptions, type RolldownBuild, rolldown } from 'rolldown'
import { entries, root } from './entries.js'

/** @param folder where to write the files, usually `dist` */
export async function buildLibrary(folder: string): Promise<void> {
  await using bundle = await rolldown({
    input: Object.fromEntries(entries.map(({ name, source }) => [name, source])),
    cwd: root,
    platform: 'node',
    // Installed packages, and Node's own.
    external: /^[^./]/,
    transform: { target: 'node20' },
  })
  await writeChunks(bundle, join(folder, 'module'), 'mjs', { format: 'esm' })
  // Jest refuses `import()` without a flag. And Node.js 20 takes half as long to require the SDK as to import it.
  const required = await writeChunks(bundle, folder, 'cjs', { format: 'cjs', dynamicImportInCjs: false })
  for (const { name, exports } of required)
    await write(join(folder, `import/${name}.mjs`), `export { ${exports.join(', ')} } from '../${name}.cjs'\n`)
}

/** @returns the entry points */
async function writeChunks(
  bundle: RolldownBuild,
  folder: string,
  extension: string,
  options: OutputOptions,
): Promise<OutputChunk[]> {
  const { output } = await bundle.generate({
    ...options,
    exports: 'named',
    // Names of functions and classes stay, for stacks. Restoring them by calls, as bundlers usually do, takes time at each start.
    minify: {
      compress: { keepNames: { function: true, class: true } },
      mangle: { toplevel: true, keepNames: true },
    },
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `shared/[name].${extension}`,
    codeSplitting: {
      groups: [
        // Each file takes time to load, so everything that index.ts needs at start-up is in one. The other entry points share its classes.
        { name: 'core', test: id => id === join(root, 'lib/index.ts'), priority: 1 },
        // Node.js searches a file for names before it imports them, so entry points are small.
        { name: 'emulator', test: id => id === join(root, 'lib/emulator/index.ts') },
      ],
      includeDependenciesRecursively: true,
    },
  })
  const chunks = output.filter((file): file is OutputChunk => file.type === 'chunk')
  await Promise.all(chunks.map(async ({ fileName, code }) => write(join(folder, fileName), await shrink(code))))
  return chunks.filter(({ isEntry }) => isEntry)
}

/** Removes white space: Node.js has less to read, and npm less to download. Lines stay short, because Node.js prints the one that threw. */
const shrink = async (code: string): Promise<string> =>
  (await transform(code, { minifyWhitespace: true, lineLimit: 120 })).code

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildLibrary(join(root, 'dist'))
