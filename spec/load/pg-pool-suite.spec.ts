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

/** The specs that fail with RedshiftPool, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'Connection strings pool delegates connectionString property to client':
    'its connection string has a password, and its Client is not a client of pg',
  'events emits "connect" only with a successful connection': 'its Client is not a client of pg',
  'idle timeout keeps old behavior when allowExitOnIdle option is not set':
    'two connections race in it, which both wait for the first login',
  'idle timeout unrefs the connections and timeouts so the program can exit when idle when the allowExitOnIdle option is set':
    'two connections race in it, which both wait for the first login',
  'idle timeout times out and removes clients when others are also removed':
    'the end of one client races with the 10 ms idle timeout of another, also with the stock pool',
}

/** As a part of a regular expression. */
const escaped = (title: string): string => title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

interface Results {
  readonly passes: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[]
}

/** The newest release of pg-pool that includes its specs is 3.8.0; the pools are the installed ones. */
describe("pg-pool's own specs, run with RedshiftPool,", () => {
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(() => emulator.close())

  /** @param titles the specs to run; undefined for all */
  const run = async (pool: 'stock' | 'ours', slowdown = 1, titles?: readonly string[]): Promise<Results> => {
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
          ...['--no-config', '--reporter', 'json', '--retries', '1', '--timeout', '60000', '--exit'],
          ...(titles ? ['--grep', `^(${titles.map(escaped).join('|')})$`] : []),
          ...files.map(file => join(specs, file)),
        ],
        {
          cwd: root,
          maxBuffer: 1 << 26,
          env: {
            ...process.env,
            NODE_OPTIONS: `--import tsx --require tsx/cjs --require ${join(root, 'spec/programs/pool-in-suite.cjs')}`,
            SUITE_POOL: pool,
            SUITE_SLOWDOWN: String(slowdown),
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

  it('pass as with a stock pool that has a fixed password', async () => {
    const stock = await run('stock')
    const passed = stock.passes.map(({ fullTitle }) => fullTitle)
    expect(passed).to.have.length.greaterThan(50)
    const expected = passed.filter(title => !(title in OTHERWISE))
    let failures = expected.map((title): readonly [title: string, reason: string] => [title, 'did not run'])
    // Some of them wait for fixed times, which a busy machine exceeds. A real failure also occurs if all timers are slow.
    for (const slowdown of [1, 5, 25]) {
      if (failures.length === 0) break
      const titles = slowdown === 1 ? undefined : failures.map(([title]) => title)
      const ours = await run('ours', slowdown, titles)
      const passes = new Set(ours.passes.map(({ fullTitle }) => fullTitle))
      const messages = new Map(ours.failures.map(({ fullTitle, err }) => [fullTitle, err.message]))
      failures = failures
        .filter(([title]) => !passes.has(title))
        .map(([title]) => [title, messages.get(title) ?? 'did not run'])
    }
    expect(failures).to.deep.equal([])
  })
})
