import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
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
  it('requires the SDK, which is faster than to import it', async () => {
    await using emulator = await startEmulator()
    const { RedshiftCredentials } = (await load('index.js')) as Package
    for (const kind of ['provisioned', 'serverless'] as const) {
      const { host, database } = emulator.poolConfig(kind)
      await using credentials = new RedshiftCredentials({ host, database, aws: emulator.aws })
      await credentials.get()
    }
    const { cache, resolve } = createRequire(join(folder, 'index.js'))
    expect(cache[join(folder, 'aws/sdk.cjs')]?.children.map(({ filename }) => filename)).to.have.members([
      resolve('@aws-sdk/client-redshift'),
      resolve('@aws-sdk/client-redshift-serverless'),
    ])
  })

  it('imports the SDK in a bundle that cannot require it', async () => {
    await using emulator = await startEmulator()
    const outfile = join(folder, 'bundled.mjs')
    const contents = `
      import { RedshiftCredentials } from './index.js'
      for (const options of JSON.parse(process.env.OPTIONS)) console.log((await new RedshiftCredentials(options).get()).user)`
    await build({
      stdin: { contents, resolveDir: folder },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['@aws-sdk/*', 'pg'],
      logLevel: 'error',
    })
    expect(readFileSync(outfile, 'utf8')).to.include('__require("@aws-sdk/client-redshift")')
    const options = (['provisioned', 'serverless'] as const).map(kind => {
      const { host, database } = emulator.poolConfig(kind)
      return { host, database, aws: emulator.aws }
    })
    const env = { ...process.env, OPTIONS: JSON.stringify(options) }
    const { stdout } = await promisify(execFile)(process.execPath, [outfile], { env })
    expect(stdout).to.equal('IAMR:analyst\nIAMR:analyst\n')
    expect(emulator.calls.map(({ operation }) => operation)).to.deep.equal([
      'GetClusterCredentialsWithIAM',
      'GetCredentials',
    ])
  })
})
