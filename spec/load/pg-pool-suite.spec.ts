import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'

const require = createRequire(import.meta.url)
const specs = join(dirname(require.resolve('pg-pool-suite/package.json')), 'test')
const root = fileURLToPath(new URL('../..', import.meta.url))

/** What may fail with RedshiftPool, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'Connection strings pool delegates connectionString property to client':
    'its connection string has a password, and its Client makes no client of pg',
  'events emits "connect" only with a successful connection': 'its Client makes no client of pg',
  'idle timeout keeps old behavior when allowExitOnIdle option is not set':
    'two connections race in it, which both wait for the first login',
}

interface Results {
  readonly passes: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[]
}

/** The newest release of pg-pool that comes with its specs is 3.8.0; the pools are the installed ones. */
describe("pg-pool's own specs, with RedshiftPool in place of the pool,", function () {
  this.timeout(180_000)

  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(() => emulator.close())

  const run = async (pool: 'stock' | 'ours'): Promise<Results> => {
    const { host: cluster, database } = emulator.poolConfig('serverless')
    const { aws, ca } = emulator
    const { user, password } = await new RedshiftCredentials({ aws }).get({ host: cluster, database })
    const login = { ...emulator.address, host: 'localhost', database, ca, cluster, user, password, aws }
    // The last one is a program that another one starts.
    const files = readdirSync(specs).filter(file => file !== 'setup.js' && file !== 'idle-timeout-exit.js')
    return new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        [
          require.resolve('mocha/bin/mocha.js'),
          ...['--no-config', '--reporter', 'json', '--retries', '4', '--timeout', '8000', '--exit'],
          ...files.map(file => join(specs, file)),
        ],
        {
          cwd: root,
          maxBuffer: 1 << 26,
          env: {
            ...process.env,
            NODE_OPTIONS: `--import tsx --require tsx/cjs --require ${join(root, 'spec/programs/pool-in-suite.cjs')}`,
            SUITE_POOL: pool,
            SUITE_LOGIN: JSON.stringify(login),
          },
        },
        (error, stdout, stderr) => {
          const json = stdout.slice(stdout.indexOf('{\n  "stats"'))
          if (json.startsWith('{')) resolve(JSON.parse(json) as Results)
          else reject(new Error(`${error?.message}\n${stdout}\n${stderr}`))
        },
      )
    })
  }

  it('pass as with the stock pool that has the login in hand', async () => {
    const stock = await run('stock')
    const ours = await run('ours')
    const passed = stock.passes.map(({ fullTitle }) => fullTitle)
    expect(passed).to.have.length.greaterThan(50)
    const failed = new Map(ours.failures.map(({ fullTitle, err }) => [fullTitle, err.message]))
    for (const title of Object.keys(OTHERWISE)) failed.delete(title)
    expect(passed.filter(title => failed.has(title)).map(title => [title, failed.get(title)])).to.deep.equal([])
    const seen = new Set([...ours.passes, ...ours.failures].map(({ fullTitle }) => fullTitle))
    expect(passed.filter(title => !seen.has(title))).to.deep.equal([])
  })
})
