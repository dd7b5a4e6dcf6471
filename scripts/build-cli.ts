/**
 * Bundles the command line into one file, so that what only it needs is not installed for a service. The package itself, the AWS
 * SDK and pg stay imports.
 */
import { chmod, copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { entries, root } from './entries.js'

/** What the library's `…-sdk.ts` export parts of. */
const SDK_PACKAGES = {
  redshift: '@aws-sdk/client-redshift',
  serverless: '@aws-sdk/client-redshift-serverless',
  files: '@smithy/core/config',
}

/**
 * @param folder where the package's own files are: the command line goes into `cli` below it
 * @returns what it imports
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
    // For the stacks of --debug.
    keepNames: true,
    external: ['@aws-sdk/*', '@smithy/*', 'pg'],
    // Its ES modules, of which what is not used can be left out.
    alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
    // What is loaded late is required: Node.js 20 takes half as long for the SDK, and the package itself is CommonJS.
    supported: { 'dynamic-import': false },
    // CommonJS in an ES module: what it requires is only found by a require of its own.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    plugins: [
      {
        name: 'own-package',
        setup: ({ onResolve }) => {
          // The package's own entries, which are loaded when they are needed.
          onResolve({ filter: /^\..*\/index\.js$/ }, ({ path, resolveDir }) => {
            const source = join(resolveDir, path).replace(/\.js$/, '.ts')
            const entry = entries.find(entry => join(root, entry.source) === source)
            return entry && { path: `../${entry.name}.cjs`, external: true }
          })
          // An `import … from` of what is not bundled would be done at the start, by `--help` too.
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

/** The licences of all packages that went into the bundle. */
async function licences(inputs: readonly string[]): Promise<string> {
  // The last node_modules of the path: a package may hold one of its own.
  const folders = inputs.map(input => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input.replaceAll(sep, '/'))?.[0])
  const packages = [...new Set(folders)].filter(folder => folder !== undefined).sort()
  const parts = packages.map(async folder => {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'))
    return `${name} ${version} (${license})\n\n${(await readLicence(join(root, folder))).trim()}\n`
  })
  return ['main.js holds code of these packages.\n', ...(await Promise.all(parts))].join(`\n${'-'.repeat(80)}\n\n`)
}

async function readLicence(folder: string): Promise<string> {
  const name = (await readdir(folder)).find(file => /^licen[cs]e/i.test(file))
  if (name === undefined) throw new Error(`${folder} has no licence file. Do not bundle it.`)
  return readFile(join(folder, name), 'utf8')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildCli(join(root, 'dist'))
