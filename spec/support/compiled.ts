import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, buildSync } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
// Below the project, so that a program finds the packages.
const folder = join(root, 'node_modules', '.cache', 'pg-redshift-iam', `programs-${process.pid}`)
const files = new Map<string, string>()

/**
 * A program as one file of plain JavaScript, with the files of this project that it uses. If each process compiled TypeScript file by
 * file, a small machine would be busy for a long time.
 * @param file its path below the project's folder
 * @param name distinguishes files that are compiled from one source with different options
 * @returns the path of the compiled file, which is removed when this process ends
 */
export function compiled(
  file: string,
  options: BuildOptions = { packages: 'external' },
  name = file.replace(/\.ts$/, ''),
): string {
  const known = files.get(name)
  if (known) return known
  if (files.size === 0) process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const made = join(folder, `${name}.mjs`)
  buildSync({
    entryPoints: { [name]: file },
    absWorkingDir: root,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // For c8, and for the stacks of errors.
    sourcemap: 'inline',
    logLevel: 'error',
    ...options,
  })
  files.set(name, made)
  return made
}
