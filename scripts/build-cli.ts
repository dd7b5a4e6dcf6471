/**
 * Bundles the command line and its dependencies into one file, so that a service does not install them. The package itself, the AWS SDK
 * and pg stay imports.
 */
import { chmod, copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { entries, root } from './entries.js'

/** The packages that the library's `…-sdk.ts` files re-export. */
const SDK_PACKAGES = {
  redshift: '@aws-sdk/client-redshift',
  serverless: '@aws-sdk/client-redshift-serverless',
  files: '@smithy/core/config',
}

/**
 * @param folder the folder with the built library. The command line is written to `cli` in it.
 * @returns the modules that the command line imports
 */
export async function buildCli(folder: string): Promise<string[]> {
  const outfile = join(folder, 'cli/main.js')
  const { metafile } = await build({
    entryPoints: [join(root, 'lib/cli/main.ts')],
    outfile,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    metafile: true,
    minify: true,
    // For the stack traces of --debug.
    keepNames: true,
    external: ['@aws-sdk/*', '@smithy/*', 'pg'],
    // Its ES modules, because unused code can be removed from them.
    alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
    // Lazy imports become `require`: Node.js 20 loads the SDK twice as fast that way, and the package itself is CommonJS.
    supported: { 'dynamic-import': false },
    // Bundled CommonJS modules need a `require`, which ES modules do not have.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    plugins: [
      {
        name: 'own-package',
        setup: ({ onResolve }) => {
          // The package's own entry points, which are loaded on first use.
          onResolve({ filter: /^\..*\/index\.js$/ }, ({ path, resolveDir }) => {
            const source = join(resolveDir, path).replace(/\.js$/, '.ts')
            const entry = entries.find(entry => join(root, entry.source) === source)
            return entry && { path: `../${entry.name}.cjs`, external: true }
          })
          // A static import of the SDK would load it at the start, even for `--help`.
          for (const [name, path] of Object.entries(SDK_PACKAGES))
            onResolve({ filter: new RegExp(`/${name}-sdk\\.js$`) }, () => ({ path, external: true }))
        },
      },
    ],
  })
  await chmod(outfile, 0o755)
  await copyFile(join(root, 'lib/cli/login/amazon-roots.pem'), join(folder, 'cli/amazon-roots.pem'))
  await writeFile(join(folder, 'cli/LICENSES.txt'), await licences(Object.keys(metafile.inputs)))
  return Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
}

/** The licences of all bundled packages. */
async function licences(inputs: readonly string[]): Promise<string> {
  // The last node_modules in the path, because packages may have nested ones.
  const folders = inputs.map(input => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input.replaceAll(sep, '/'))?.[0])
  const packages = [...new Set(folders)].filter(folder => folder !== undefined).sort()
  const parts = packages.map(async folder => {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'))
    return `${name} ${version} (${license})\n\n${(await readLicence(join(root, folder))).trim()}\n`
  })
  return ['main.js contains code of these packages.\n', ...(await Promise.all(parts))].join(`\n${'-'.repeat(80)}\n\n`)
}

async function readLicence(folder: string): Promise<string> {
  const name = (await readdir(folder)).find(file => /^licen[cs]e/i.test(file))
  if (name === undefined) throw new Error(`${folder} has no licence file. Do not bundle it.`)
  return readFile(join(folder, name), 'utf8')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildCli(join(root, 'dist'))
