import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { EXPECTED, IMPORTS, PRINT, USE_JS } from './program.js'
import { expectOutput, Project, type Row, type Setting } from './project.js'

/** Hand-written code, with all commands that the package may send. */
const HAND_WRITTEN = `
import { Pool } from 'pg'
import {
  DescribeClustersCommand, GetClusterCredentialsCommand, GetClusterCredentialsWithIAMCommand, RedshiftClient,
} from '@aws-sdk/client-redshift'
import { GetCredentialsCommand, GetWorkgroupCommand, RedshiftServerlessClient } from '@aws-sdk/client-redshift-serverless'
const cluster = new RedshiftClient({})
const workgroup = new RedshiftServerlessClient({})
export const all = [
  () => cluster.send(new DescribeClustersCommand({})),
  () => cluster.send(new GetClusterCredentialsCommand({})),
  () => cluster.send(new GetClusterCredentialsWithIAMCommand({})),
  () => workgroup.send(new GetCredentialsCommand({})),
  () => workgroup.send(new GetWorkgroupCommand({})),
]
export const pool = new Pool({ password: async () => (await all[1]()).DbPassword })
`
const OURS = `
import { RedshiftPool } from 'pg-redshift-iam'
export const pool = new RedshiftPool()
`

/** The limit of this package's own part of a bundle, including lru-cache. */
const MOST_KILOBYTES = 130

interface Bundler {
  readonly name: string
  readonly packages: readonly string[]
  /** Bundles a program and all its dependencies into a folder. */
  readonly bundle: (project: Project, file: string, folder: string) => Promise<unknown>
  /** The file to run. */
  readonly main: string
  /** The limit of our bundle's size without our own code, relative to the hand-written program. It is 1 if unused parts of the SDK are left out. */
  readonly limit: number
}

const esbuild = (name: string, main: string, limit: number, ...flags: readonly string[]): Bundler => ({
  name,
  packages: [],
  bundle: (project, file, folder) =>
    project.bin(
      'esbuild/bin/esbuild',
      ...[file, `--outdir=${folder}`, '--entry-names=index', `--out-extension:.js=${extname(main)}`],
      ...['--bundle', '--minify', '--platform=node', '--external:pg-native', '--log-level=error'],
      ...flags,
    ),
  main,
  limit,
})

/** Bundled CommonJS modules need a `require` for Node's built-in modules. */
const ESM = [
  '--format=esm',
  '--main-fields=module,main',
  '--banner:js=import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
]

const BUNDLERS: readonly Bundler[] = [
  esbuild('esbuild', 'index.cjs', 1.01),
  esbuild('esbuild-esm', 'index.mjs', 1.22, ...ESM),
  esbuild('esbuild-splitting', 'index.mjs', 1.02, ...ESM, '--splitting'),
  {
    name: 'webpack',
    packages: ['webpack', 'webpack-cli'],
    bundle: (project, file, folder) => {
      const config = `webpack.${file}.cjs`
      project.write(
        config,
        `module.exports = {
          mode: 'production', target: 'node', entry: './${file}', externals: { 'pg-native': 'commonjs pg-native' },
          output: { path: ${JSON.stringify(folder)}, filename: 'index.cjs', library: { type: 'commonjs2' } },
        }`,
      )
      return project.bin('webpack-cli/bin/cli.js', '-c', config)
    },
    main: 'index.cjs',
    limit: 1.02,
  },
  {
    name: 'rollup',
    packages: ['rollup', ...['node-resolve', 'commonjs', 'json', 'terser'].map(name => `@rollup/plugin-${name}`)],
    bundle: (project, file, folder) => {
      const config = `rollup.${file}.mjs`
      project.write(
        config,
        `import resolve from '@rollup/plugin-node-resolve'
        import commonjs from '@rollup/plugin-commonjs'
        import json from '@rollup/plugin-json'
        import terser from '@rollup/plugin-terser'
        export default {
          input: '${file}', external: ['pg-native'],
          plugins: [resolve({ preferBuiltins: true }), commonjs(), json(), terser()],
          output: { dir: ${JSON.stringify(folder)}, entryFileNames: 'index.mjs', chunkFileNames: '[name].mjs' },
        }`,
      )
      return project.bin('rollup/dist/bin/rollup', '--silent', '-c', config)
    },
    main: 'index.mjs',
    limit: 1.01,
  },
]

async function check(setting: Setting, { name, packages, bundle, main, limit }: Bundler): Promise<string> {
  const project = new Project(setting, name)
  await project.install('pg', 'esbuild', ...packages)
  const bundled = async (file: string, program: string): Promise<string> => {
    project.write(file, program)
    // Outside the project, so that node_modules is not found.
    const folder = join(setting.folder, `${name}-bundle`, file)
    mkdirSync(folder, { recursive: true })
    await bundle(project, file, folder)
    return folder
  }
  expectOutput(await project.node(join(await bundled('use.mjs', IMPORTS + USE_JS + PRINT), main)), EXPECTED)
  const ours = sizeOf(await bundled('ours.mjs', OURS))
  const handWritten = sizeOf(await bundled('hand-written.mjs', HAND_WRITTEN))
  const own = await ownSize(project)
  const ratio = (ours - own) / handWritten
  const note = `${(ours / handWritten).toFixed(3)} × the hand-written program, ${ratio.toFixed(3)} × without our own ${Math.round(own / 1024)} kB`
  if (ratio > limit) throw new Error(`${note}. The limit is ${limit} ×.`)
  if (own > MOST_KILOBYTES * 1024) throw new Error(`${note}. The limit of our own is ${MOST_KILOBYTES} kB.`)
  return note
}

/** The size of this package and lru-cache in a bundle. */
async function ownSize(project: Project): Promise<number> {
  const external = ['pg', '@aws-sdk/*', '@smithy/*'].map(name => `--external:${name}`)
  const flags = ['--bundle', '--minify', '--platform=node', '--format=esm', '--log-level=error', ...external]
  return Buffer.byteLength(await project.bin('esbuild/bin/esbuild', 'ours.mjs', ...flags))
}

const sizeOf = (folder: string): number =>
  readdirSync(folder)
    .filter(file => /\.[cm]?js$/.test(file))
    .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)

/** Runs a route handler in a production build. */
async function next(setting: Setting, name: string, ...flags: readonly string[]): Promise<void> {
  const project = new Project(setting, name)
  await project.install('next', 'react', 'react-dom', 'pg')
  project.write(
    'app/api/login/route.js',
    `${IMPORTS}${USE_JS}\nexport const dynamic = 'force-dynamic'\nexport const GET = async () => new Response(await use())\n`,
  )
  project.write(
    'app/layout.js',
    'export default function Layout({ children }) { return <html><body>{children}</body></html> }',
  )
  const env = { NEXT_TELEMETRY_DISABLED: '1' }
  await project.run(process.execPath, ['node_modules/next/dist/bin/next', 'build', ...flags], env)
  project.write('serve.cjs', SERVE)
  expectOutput(await project.run(process.execPath, ['serve.cjs'], env), EXPECTED)
}

/** Starts the built application, sends one request and prints the response. */
const SERVE = `
const { spawn } = require('node:child_process')
const server = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'start', '--port', '0'])
let output = ''
const listen = async part => {
  output += part
  const url = /http:\\/\\/localhost:\\d+/.exec(output)?.[0]
  if (!url || !/Ready/.test(output)) return
  server.stdout.off('data', listen)
  console.log(await (await fetch(url + '/api/login')).text())
  server.kill()
}
server.stdout.on('data', listen)
server.stderr.pipe(process.stderr)
`

export const bundlers: readonly Row[] = [
  ...BUNDLERS.map(bundler => ({ name: bundler.name, run: (setting: Setting) => check(setting, bundler) })),
  { name: 'next-turbopack', run: setting => next(setting, 'next-turbopack') },
  { name: 'next-webpack', run: setting => next(setting, 'next-webpack', '--webpack') },
]
