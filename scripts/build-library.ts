/**
 * Bundles the package's own files into one for each entry point, with what they share apart. As files one by one they take three times
 * as long to be imported, which every process that starts would pay (docs/performance.md). What is installed stays an import.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** @param folder where the compiler puts the types */
export async function buildLibrary(folder: string): Promise<void> {
  await build({
    entryPoints: ['lib/index.ts', 'lib/emulator/index.ts', 'lib/store/redis.ts'],
    outbase: 'lib',
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    // Entry points share classes: an error of one is an instance of the other's class.
    splitting: true,
    chunkNames: 'shared-[hash]',
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // CommonJS stays as it is, at its place.
    loader: { '.cjs': 'copy' },
    assetNames: '[dir]/[name]',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildLibrary(join(root, 'dist'))
