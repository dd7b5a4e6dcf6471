/**
 * Bundles the package's own files into one for each entry point, with what they share apart. As files one by one they take three times
 * as long to be imported, which every process that starts would pay (docs/performance.md). What is installed stays an import.
 */
import { copyFile, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
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
    plugins: [
      {
        name: 'commonjs-stays-apart',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.\/sdk\.cjs$/ }, () => ({ path: './aws/sdk.cjs', external: true })),
      },
    ],
  })
  await mkdir(resolve(root, folder, 'aws'), { recursive: true })
  await copyFile(join(root, 'lib/aws/sdk.cjs'), resolve(root, folder, 'aws/sdk.cjs'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildLibrary(join(root, 'dist'))
