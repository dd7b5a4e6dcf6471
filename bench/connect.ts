import pg from 'pg'
import { seededRandom } from '../spec/support/random.js'
import type { Bench, Check, Figure, Result, Setting } from './bench.js'
import { median, medianInterval, quantile } from './statistics.js'
import { builtPackage } from './support/build.js'
import { startEmulators } from './support/emulators.js'

const CONNECTIONS = 500
const POOL_SIZE = 20
const PAIRS = 100
/** A busy machine completes fewer pairs in this time. */
const BUDGET_SECONDS = 1_500

const FIXED = 'fixed password'
const PASSWORD = 'redshiftPassword()'
const POOL = 'RedshiftPool'

/** Opens and closes this many connections through a pool. Returns the time in milliseconds. */
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
  // Both are valid for an hour, which is longer than the bench takes.
  const login = await credentials.get({ ...emulator.poolConfig(), user: 'IAM:alice' })
  // Each connection is used once, so that the pool opens as many as requested.
  const shared = { ...emulator.poolConfig(), max: POOL_SIZE, maxUses: 1 }
  const pools: Record<string, () => pg.Pool> = {
    [FIXED]: () => new pg.Pool({ ...shared, user: login.user, password: login.password }),
    [PASSWORD]: () => new pg.Pool({ ...shared, user: 'IAM:alice', password: redshiftPassword(credentials) }),
    [POOL]: () => new RedshiftPool({ ...shared, user: 'IAM:alice', redshift: credentials }),
  }
  const pairs = quick ? 10 : PAIRS
  const connections = quick ? 100 : CONNECTIONS
  const rounds: Map<string, number>[] = []
  const began = performance.now()
  const names = Object.keys(pools)
  for (let pair = -1; pair < pairs && performance.now() - began < BUDGET_SECONDS * 1_000; pair++) {
    // In turn, each first as often as last. The first round is a warm-up.
    const order = names.map((_, i) => names[(i + pair + names.length) % names.length] ?? '')
    const round = new Map<string, number>()
    for (const name of order) {
      const pool = pools[name]?.()
      if (pool) round.set(name, await openAndClose(pool, connections))
      await emulator.quiet()
    }
    if (pair >= 0) rounds.push(round)
    if (pair % 10 === 9) log(`${pair + 1} of ${pairs} pairs`)
  }
  await credentials.close()
  return summarize(rounds, names, connections)
}

function summarize(rounds: readonly Map<string, number>[], names: readonly string[], connections: number): Result {
  /** This contestant's time and the fixed password's, of each round. */
  const pairsOf = (name: string): { millis: number; fixed: number }[] =>
    rounds.flatMap(round => {
      const [millis, fixed] = [round.get(name), round.get(FIXED)]
      return millis === undefined || fixed === undefined ? [] : [{ millis, fixed }]
    })
  const ratiosOf = (name: string): number[] => pairsOf(name).map(({ millis, fixed }) => millis / fixed)
  const figures = names.flatMap((subject): Figure[] => {
    const times = pairsOf(subject).map(({ millis }) => millis)
    const [, upper] = medianInterval(ratiosOf(subject), seededRandom(1))
    return [
      {
        subject,
        metric: `${connections} connections, median (95th percentile)`,
        value: median(times),
        also: quantile(times, 0.95),
        unit: 'ms',
      },
      {
        subject,
        metric: 'against the fixed password, median of the pairs (upper end of its 95 % interval)',
        value: median(ratiosOf(subject)),
        also: upper,
        unit: '×',
      },
      { subject, metric: 'pairs', value: times.length, unit: 'calls' },
    ]
  })
  const checks = [PASSWORD, POOL].map(
    (name): Check => ({
      what: `${name} against a fixed password`,
      value: median(ratiosOf(name)),
      unit: '×',
      relation: '≤',
      limit: 1.03,
      exact: false,
    }),
  )
  return { figures, checks }
}

export const connect: Bench = {
  name: 'connect',
  title: 'Opening connections',
  about: `Opens and closes ${CONNECTIONS} connections over TLS through a pool of ${POOL_SIZE}, in turn: ${PAIRS} pairs, or as many as the machine completes in ${BUDGET_SECONDS / 60} minutes, each with a run of \`RedshiftPool\`. The server is in another process. The login is in the cache, as it usually is.`,
  limitations:
    'Server and client share the machine, without a network between them. Real connections take longer, so the share of this package is even smaller.',
  cheap: false,
  run,
}
