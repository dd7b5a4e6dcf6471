import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { build } from 'esbuild'
import { buildLibrary } from '../scripts/build-library.js'
import { startEmulator } from './support/emulator.js'

type Package = typeof import('../lib/index.js')

const root = fileURLToPath(new URL('..', import.meta.url))

describe('the package as it is built', function () {
  this.timeout(60_000)

  let folder: string

  before(async () => {
    // Below the project, so that it finds its dependencies.
    folder = mkdtempSync(join(root, 'node_modules/.pg-redshift-iam-'))
    await buildLibrary(folder)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const load = async (file: string): Promise<object> => import(pathToFileURL(join(folder, file)).href)

  it('is one file for the main entry point, and one for what the entry points share', () => {
    const files = readdirSync(folder).filter(file => file.endsWith('.js'))
    expect(files).to.have.lengthOf(2).and.include('index.js')
  })

  it('has its classes and functions under their own names', async () => {
    const library = (await load('index.js')) as Package
    for (const [name, value] of Object.entries(library)) expect(value).to.have.property('name', name)
    expect(library.RedshiftCredentialsError.prototype.name).to.equal('RedshiftCredentialsError')
  })

  it('has the emulator and the Redis store at their places', async () => {
    expect(await load('emulator/index.js')).to.have.keys('startRedshiftEmulator')
    expect(await load('store/redis.js')).to.have.property('redisStore')
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

  it('requires the SDK, which is faster than to import it', async () => {
    await logIn((await load('index.js')) as Package)
    const { cache, resolve } = createRequire(join(folder, 'index.js'))
    expect(cache[join(folder, 'aws/sdk.cjs')]?.children.map(({ filename }) => filename)).to.have.members([
      resolve('@aws-sdk/client-redshift'),
      resolve('@aws-sdk/client-redshift-serverless'),
    ])
  })

  it('imports the SDK in a bundle that cannot require it', async () => {
    const outfile = join(folder, 'bundled.mjs')
    await build({
      entryPoints: [join(folder, 'index.js')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['@aws-sdk/*', 'pg'],
    })
    expect(readFileSync(outfile, 'utf8')).to.include('__require("@aws-sdk/client-redshift")')
    await logIn((await load('bundled.mjs')) as Package)
  })
})
