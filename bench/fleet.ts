import { seededRandom } from '../spec/support/random.js'
import type { Bench, Result, Setting } from './bench.js'
import { ask, fiveMinutesAhead, ourCache, type World } from './peers/strategies.js'
import { SimulatedTime } from './support/simulated-time.js'

const LIFETIME_SECONDS = 900
const START_SECONDS = 5
const AWS_MILLIS = 300
// All responses to the first calls have arrived by then.
const AFTER_START_SECONDS = 10

/** One process: from its start, it requests a login every second, as a busy pool does. */
type Process = (world: World, startMillis: number) => void

/** The next second in which a request for a login can have an effect. None has while the login is fresh. */
function nextAsk(time: SimulatedTime, startMillis: number, freshMillis: number): number {
  const elapsed = time.millis - startMillis
  return startMillis + Math.max(Math.floor(elapsed / 1_000) + 1, Math.ceil((elapsed + freshMillis) / 1_000)) * 1_000
}

const oursInAProcess: Process = (world, startMillis) => {
  const { time } = world
  const cache = ourCache(world)
  const wake = async (): Promise<void> => {
    await ask(cache, LIFETIME_SECONDS)
    const [status] = cache.status()
    const fresh = status?.phase === 'fresh' && status.refreshAt ? status.refreshAt.getTime() - time.wall : 0
    time.at(nextAsk(time, startMillis, fresh), wake)
  }
  time.at(startMillis, wake)
}

const fixedMarginInAProcess: Process = (world, startMillis) => {
  const { time } = world
  const get = fiveMinutesAhead.create(world)
  const wake = async (): Promise<void> => {
    const { expiration } = await get()
    time.at(nextAsk(time, startMillis, expiration.getTime() - 300_000 - time.wall), wake)
  }
  time.at(startMillis, wake)
}

/** API calls in each second, of this many processes that start within five seconds. */
async function callsPerSecond(process: Process, processes: number, hours: number): Promise<number[]> {
  const time = new SimulatedTime()
  const random = seededRandom(42)
  const calls = new Array<number>(hours * 3_600).fill(0)
  const fetch = async (): Promise<{ expiration: Date }> => {
    const second = Math.floor(time.millis / 1_000)
    calls[second] = (calls[second] ?? 0) + 1
    await time.sleep(AWS_MILLIS)
    return { expiration: new Date(time.wall + LIFETIME_SECONDS * 1_000) }
  }
  for (let i = 0; i < processes; i++)
    process({ time, fetch, lifetimeSeconds: LIFETIME_SECONDS, random }, random() * START_SECONDS * 1_000)
  await time.advanceTo(hours * 3_600_000 - 1)
  return calls
}

const peak = (calls: readonly number[], from: number, to: number): number =>
  calls.slice(from, to).reduce((a, b) => Math.max(a, b), 0)

/** The lines of the picture: the maximum of each bucket, in calls per second. */
export interface FleetPlot {
  readonly bucketSeconds: number
  readonly lines: Readonly<Record<string, readonly number[]>>
}

function busiest(calls: readonly number[], bucketSeconds: number): number[] {
  return Array.from({ length: Math.ceil(calls.length / bucketSeconds) }, (_, bucket) =>
    peak(calls, bucket * bucketSeconds, (bucket + 1) * bucketSeconds),
  )
}

async function run({ quick, log }: Setting): Promise<Result> {
  const processes = 5_000
  const hours = quick ? 1 : 3
  const contestants = { 'pg-redshift-iam': oursInAProcess, 'fixed margin (5 minutes ahead)': fixedMarginInAProcess }
  const measured: Record<string, number[]> = {}
  for (const [name, process] of Object.entries(contestants)) {
    log(`${processes} processes with ${name}`)
    measured[name] = await callsPerSecond(process, processes, hours)
  }
  const end = hours * 3_600
  const ranges: [string, number, number][] = [
    ['peak in the first 5 s', 0, START_SECONDS + 1],
    ['peak afterwards', AFTER_START_SECONDS, end],
    ['peak in the first half-hour afterwards', AFTER_START_SECONDS, 1_800],
    ['peak in the last half-hour', end - 1_800, end],
  ]
  const figures = Object.entries(measured).flatMap(([subject, calls]) => [
    ...ranges.map(([metric, from, to]) => ({
      subject,
      metric,
      value: peak(calls, from, to),
      unit: 'calls/s' as const,
    })),
    { subject, metric: 'calls in all', value: calls.reduce((a, b) => a + b, 0), unit: 'calls' as const },
  ])
  const [ours = [], fixed = []] = Object.values(measured)
  const early = peak(ours, AFTER_START_SECONDS, 1_800)
  const late = peak(ours, end - 1_800, end)
  const bucketSeconds = 20
  return {
    figures,
    checks: [
      {
        what: 'peak after the start, against the fixed margin',
        value: peak(ours, AFTER_START_SECONDS, end) / peak(fixed, AFTER_START_SECONDS, end),
        unit: '×',
        relation: '≤',
        limit: 1 / 15,
        exact: true,
      },
      {
        what: 'peak in the last half-hour, against the first after the start',
        value: late / early,
        unit: '×',
        relation: '≤',
        // It still decreases.
        limit: 0.9,
        exact: true,
      },
    ],
    plot: {
      bucketSeconds,
      lines: Object.fromEntries(Object.entries(measured).map(([name, calls]) => [name, busiest(calls, bucketSeconds)])),
    } satisfies FleetPlot,
  }
}

export const fleet: Bench = {
  name: 'fleet',
  title: 'A fleet that starts at once',
  about:
    'Simulated time. 5,000 processes start within 5 seconds, and each opens a connection every second for three hours. Logins are valid for 900 s, and AWS responds in 300 ms. The bench counts the API calls in each second. The fixed margin refreshes 5 minutes before expiry, as the SDK does with AWS credentials.',
  limitations:
    'At the start, 5,000 processes without a login make 5,000 calls. Only a shared store prevents that. In real fleets, deployments and network delays spread the calls, which helps a fixed margin a little.',
  cheap: true,
  run,
}
