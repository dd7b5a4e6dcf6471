import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { buildLibrary } from '../scripts/build-library.js'

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
})
