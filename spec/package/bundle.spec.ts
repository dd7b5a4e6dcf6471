import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type BuildOptions, build } from 'esbuild'
import { buildLibrary } from '../../scripts/build-library.js'
import { manifest } from '../../scripts/build-manifest.js'
import { entries } from '../../scripts/entries.js'
import { startEmulator } from '../support/emulator.js'
import { expectError, rejection } from '../support/rejection.js'

type Package = typeof import('../../lib/index.js')

const root = fileURLToPath(new URL('../..', import.meta.url))
const packageFile = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

describe('The built package', () => {
  /** A user's folder with the package installed. */
  let folder: string
  let dist: string
  let require: NodeJS.Require

  before(async () => {
    // Below the project, so that it finds its dependencies.
    folder = mkdtempSync(join(root, 'node_modules/.pg-redshift-iam-'))
    dist = join(folder, 'node_modules/pg-redshift-iam/dist')
    await buildLibrary(dist)
    cpSync(join(root, 'package.json'), join(dist, '../package.json'))
    // Otherwise this project would be found: a package may import itself by its name.
    writeFileSync(join(folder, 'package.json'), '{ "name": "user" }')
    require = createRequire(join(folder, 'user.js'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const importPath = async (path: string): Promise<object> => {
    const file = join(folder, `import-${path.replace(/\W/g, '-')}.mjs`)
    writeFileSync(file, `export * from '${path}'`)
    return await import(pathToFileURL(file).href)
  }
  const pathOf = (path: string): string => path.replace('.', 'pg-redshift-iam')

  it('declares its entry points', () => {
    const { files, exports, main, types } = packageFile
    expect({ files, exports, main, types }, 'npm run build').to.deep.equal(manifest)
  })

  it('exports the same classes and functions to import and to require', async () => {
    for (const { path } of entries) {
      const required = require(pathOf(path))
      const imported = await importPath(pathOf(path))
      expect(Object.keys(imported), path).to.have.members(Object.keys(required)).and.not.empty
      for (const [name, value] of Object.entries(imported)) expect(value, name).to.equal(required[name])
    }
  })

  it('shares its classes between its entry points', () => {
    const { RedshiftCredentialsError } = require('pg-redshift-iam') as Package
    const { redisStore } = require('pg-redshift-iam/redis') as typeof import('../../lib/store/redis.js')
    expect(() => redisStore({} as never, {} as never)).to.throw(RedshiftCredentialsError)
  })

  it('keeps the names of its classes and functions', () => {
    const library = require('pg-redshift-iam') as Package
    for (const [name, value] of Object.entries(library)) expect(value).to.have.property('name', name)
    expect(library.RedshiftCredentialsError.prototype.name).to.equal('RedshiftCredentialsError')
  })

  /** A login of each kind, from AWS. */
  async function logIn({ RedshiftCredentials }: Package): Promise<void> {
    await using emulator = await startEmulator()
    for (const kind of ['provisioned', 'serverless'] as const) {
      const { host, database } = emulator.poolConfig(kind)
      await using credentials = new RedshiftCredentials({ host, database, aws: emulator.aws })
      expect(await credentials.get()).to.have.property('user', 'IAMR:analyst')
    }
    expect(emulator.calls.map(({ operation }) => operation)).to.deep.equal([
      'GetClusterCredentialsWithIAM',
      'GetCredentials',
    ])
  }

  it('reports a missing SDK, and which of its packages to install', async () => {
    // Outside the project, with all dependencies but the SDK.
    const away = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-'))
    try {
      await buildLibrary(away)
      mkdirSync(join(away, 'node_modules'))
      for (const name of ['pg', 'lru-cache'])
        symlinkSync(join(root, 'node_modules', name), join(away, 'node_modules', name))
      const { RedshiftCredentials } = createRequire(join(away, 'user.js'))('./index.cjs') as Package
      for (const [options, name] of [
        [{ clusterIdentifier: 'sales', dbUser: 'alice' }, 'client-redshift'],
        [{ workgroupName: 'sales' }, 'client-redshift-serverless'],
      ] as const) {
        const credentials = new RedshiftCredentials({ ...options, database: 'dev', region: 'us-west-2' })
        const error = await rejection(credentials.get())
        expectError(error, { code: 'ERR_REDSHIFT_UNAVAILABLE', names: [`@aws-sdk/${name}`] })
        expect(error.cause).to.be.an('error').with.property('code', 'MODULE_NOT_FOUND')
        await credentials.close()
      }
    } finally {
      rmSync(away, { recursive: true, force: true })
    }
  })

  it('loads the SDK with require, which is faster than import', async () => {
    const { cache } = require
    await logIn((await importPath('pg-redshift-iam')) as Package)
    for (const client of ['redshift', 'redshift-serverless']) {
      const parents = Object.values(cache).filter(module =>
        module?.children.some(({ filename }) => filename === require.resolve(`@aws-sdk/client-${client}`)),
      )
      expect(parents.map(module => module?.filename).filter(name => name?.startsWith(dist))).to.have.length(1)
    }
  })

  it('loads no SDK client before the first use', () => {
    const code = `require('pg-redshift-iam'); console.log(Object.keys(require.cache).filter(file => /client-redshift/.test(file)).length)`
    expect(execFileSync(process.execPath, ['-e', code], { cwd: folder, encoding: 'utf8' })).to.equal('0\n')
  })

  /** A program that imports and requires the package, as one file. */
  async function bundle(name: string, options: BuildOptions): Promise<Package & { required: Package }> {
    const entry = join(folder, `${name}.mjs`)
    writeFileSync(entry, `export * from 'pg-redshift-iam'\nexport const required = require('pg-redshift-iam')\n`)
    const outfile = join(folder, `${name}.bundle.${options.format === 'esm' ? 'mjs' : 'cjs'}`)
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      external: ['@aws-sdk/*', 'pg'],
      ...options,
    })
    return options.format === 'esm' ? await import(pathToFileURL(outfile).href) : require(outfile)
  }

  for (const format of ['esm', 'cjs'] as const)
    it(`is bundled once, and logs in, as ${format}`, async () => {
      const library = await bundle(`bundled-${format}`, { format })
      expect(library.required.RedshiftCredentials).to.equal(library.RedshiftCredentials)
      await logIn(library)
    })

  it('keeps the name of its error in a minified bundle', async () => {
    const { RedshiftCredentialsError } = await bundle('minified', { format: 'cjs', minify: true })
    const error = new RedshiftCredentialsError('ERR_REDSHIFT_CLOSED', 'It is closed.')
    expect(error.name).to.equal('RedshiftCredentialsError')
    expect(error.constructor.name).to.equal('RedshiftCredentialsError')
    expect(error.stack).to.match(/^RedshiftCredentialsError: It is closed\./)
  })

  it('is bundled once if the bundler has its own conditions', async () => {
    const library = await bundle('conditions', { format: 'cjs', conditions: ['custom'] })
    expect(library.required.RedshiftCredentials).to.equal(library.RedshiftCredentials)
    await logIn(library)
  })
})
