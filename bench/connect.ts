import pg from 'pg'
import type { Bench, Figure, Result, Setting } from './bench.js'
import { fetcher } from './peers/hand-written.js'
import { median, medianInterval, pairedRatio, quantile, seededRandom } from './statistics.js'
import { builtPackage } from './support/build.js'
import { startEmulators } from './support/emulators.js'

const CONNECTIONS = 500
const POOL_SIZE = 20

const FIXED = 'fixed password'
const PASSWORD = 'redshiftPassword()'
const POOL = 'RedshiftPool'
/** The third contestant runs beside every fifth pair only, so that a full run fits into minutes. */
const POOL_EVERY = 5

/** Opens and closes that many connections through a pool, each of its own, and says how long it took. */
async function openAndClose(pool: pg.Pool, connections: number): Promise<number> {
  const began = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await pool.connect()
      client.release()
    }),
  )
  const millis = performance.now() - began
  await pool.end()
  return millis
}

async function run({ quick, log }: Setting): Promise<Result> {
  const { RedshiftCredentials, RedshiftPool, redshiftPassword } = await builtPackage()
  await using emulators = await startEmulators()
  const emulator = await emulators.start({ lifetimeSeconds: 3_600 })
  const credentials = new RedshiftCredentials({ aws: emulator.aws, durationSeconds: 3_600 })
  const login = await fetcher(emulator.aws, 'alice')()
  // Each connection is used once, so that there are as many as asked for.
  const shared = { ...emulator.poolConfig(), max: POOL_SIZE, maxUses: 1 }
  const pools: Record<string, () => pg.Pool> = {
    [FIXED]: () => new pg.Pool({ ...shared, user: login.user, password: login.password }),
    [PASSWORD]: () => new pg.Pool({ ...shared, user: 'IAM:alice', password: redshiftPassword(credentials) }),
    [POOL]: () => new RedshiftPool({ ...shared, user: 'IAM:alice', redshift: credentials }),
  }
  const names = Object.keys(pools)
  const samples = new Map<string, number[]>(names.map(name => [name, []]))
  const pairs = quick ? 10 : 100
  const connections = quick ? 100 : CONNECTIONS
  for (let pair = -1; pair < pairs; pair++) {
    // In turn, each first as often as last. The first round is for warming up.
    const order = names.map((_, i) => names[(i + pair + names.length) % names.length] ?? '')
    for (const name of order) {
      const pool = name !== POOL || pair % POOL_EVERY === 0 ? pools[name]?.() : undefined
      if (!pool) continue
      const millis = await openAndClose(pool, connections)
      await emulator.quiet()
      if (pair >= 0) samples.get(name)?.push(millis)
    }
    if (pair % 10 === 9) log(`${pair + 1} of ${pairs} pairs`)
  }
  await credentials.close()
  const of = (name: string): number[] => samples.get(name) ?? []
  const figures = names.flatMap((subject): Figure[] => {
    const ratios = of(subject).map((millis, pair) => millis / (of(FIXED)[pair] ?? Number.NaN))
    const [, upper] = medianInterval(ratios, seededRandom(1))
    return [
      {
        subject,
        metric: `${connections} connections, median (95th percentile)`,
        value: median(of(subject)),
        also: quantile(of(subject), 0.95),
        unit: 'ms',
      },
      {
        subject,
        metric: 'against the fixed password, median of the pairs (upper end of its 95 % interval)',
        value: median(ratios),
        also: upper,
        unit: '×',
      },
    ]
  })
  return {
    figures,
    checks: [PASSWORD, POOL].map(name => ({
      what: `${name} against a fixed password`,
      value: pairedRatio(of(name), of(FIXED)),
      unit: '×',
      relation: '≤',
      limit: 1.03,
      exact: false,
    })),
  }
}

export const connect: Bench = {
  name: 'connect',
  title: 'Opening connections',
  about: `Opens and closes ${CONNECTIONS} connections over TLS through a pool of ${POOL_SIZE}, 100 times each, in turn. The server is in another process. The login is in the cache, as it nearly always is.`,
  silence:
    'Server and client share the machine, and there is no network between them: real connections take longer, so that the share of ours is smaller still.',
  cheap: false,
  run,
}
