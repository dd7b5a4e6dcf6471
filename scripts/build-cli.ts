/**
 * Bundles the command line into one file, so that what only it needs is not installed for a service. The package itself, the AWS
 * SDK and pg stay imports.
 */
import { chmod, copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** @param folder where `index.js` of the package is: the command line goes into `cli` below it */
export async function buildCli(folder: string): Promise<void> {
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
    // Names stay, for the stacks of --debug.
    minifyWhitespace: true,
    minifySyntax: true,
    external: ['@aws-sdk/*', 'pg'],
    // CommonJS in an ES module: what it requires of Node is only found by a require of its own.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    plugins: [
      {
        name: 'own-package',
        setup: ({ onResolve }) => {
          // The package's own entries, which are loaded when they are needed.
          onResolve({ filter: /^(\.\.\/)+(emulator\/)?index\.js$/ }, ({ path, resolveDir }) => {
            const entry = ['index.js', 'emulator/index.js'].find(
              name => join(resolveDir, path) === join(root, 'lib', name),
            )
            return entry === undefined ? undefined : { path: `../${entry}`, external: true }
          })
          onResolve({ filter: /\/sdk\.cjs$/ }, () => ({ path: '../aws/sdk.cjs', external: true }))
        },
      },
    ],
  })
  await chmod(outfile, 0o755)
  await copyFile(join(root, 'lib/cli/login/amazon-roots.pem'), join(folder, 'cli/amazon-roots.pem'))
  const page = await readFile(join(root, 'docs/troubleshooting.md'), 'utf8')
  await writeFile(join(folder, 'cli/troubleshooting.md'), withoutNeighbours(page))
  await writeFile(join(folder, 'cli/LICENSES.txt'), await licences(Object.keys(metafile.inputs)))
}

/** A page that stands alone: links to other files become the text that they have. */
const withoutNeighbours = (page: string): string => page.replace(/\[([^\]]+)\]\((?!#|https?:)[^)]+\)/g, '$1')

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
