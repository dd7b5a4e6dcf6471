import { seededRandom } from '../spec/support/random.js'
import type { Bench, Check, Figure, Result, Setting } from './bench.js'
import {
  expiryOnly,
  fiveMinutesAhead,
  type Issued,
  ours,
  type Strategy,
  sharedRulesFive,
  sharedRulesWider,
} from './peers/strategies.js'
import { largest, mean } from './statistics.js'
import { SimulatedTime } from './support/simulated-time.js'

const LIFETIMES = [900, 3_600]
const OUTAGES = [30, 120, 300, 600]
const AWS_MILLIS = 300
// The duration of the SDK's three attempts.
const FAILURE_MILLIS = 1_000
// Longer than the longest pause of any strategy.
const AFTERMATH_SECONDS = 700
const MOMENTS = 150

const STRATEGIES = [ours, expiryOnly, fiveMinutesAhead, sharedRulesFive, sharedRulesWider]

interface Case {
  readonly strategy: Strategy
  readonly lifetimeSeconds: number
  readonly outageSeconds: number
}

/** The result of one outage. */
interface OutageResult {
  readonly failed: number
  /** From the end of the outage to the last failed connection, in seconds; 0 if none failed after it. */
  readonly recovery: number
}

/** A connection is opened each second. AWS starts to fail this long after the first login. */
async function simulate(
  { strategy, lifetimeSeconds, outageSeconds }: Case,
  beginSeconds: number,
): Promise<OutageResult> {
  const time = new SimulatedTime()
  const [begin, end] = [beginSeconds * 1_000, (beginSeconds + outageSeconds) * 1_000]
  const fetch = async (): Promise<Issued> => {
    const down = time.millis >= begin && time.millis < end
    await time.sleep(down ? FAILURE_MILLIS : AWS_MILLIS)
    if (down) throw new Error('AWS fails.')
    return { expiration: new Date(time.wall + lifetimeSeconds * 1_000) }
  }
  const get = strategy.create({ time, fetch, lifetimeSeconds, random: seededRandom(beginSeconds + 1) })
  let failed = 0
  let lastFailure = 0
  const open = (): void => {
    const openedAt = time.millis
    const fail = (): void => {
      failed++
      lastFailure = Math.max(lastFailure, openedAt)
    }
    get().then(({ expiration }) => {
      // An expired login is refused by the server.
      if (expiration.getTime() <= time.wall) fail()
    }, fail)
  }
  // Nothing can fail before the outage, so a connection every ten seconds is enough to keep the login fresh.
  for (let at = 0; at < begin; at += 10_000) time.at(at, open)
  for (let at = begin; at < end + AFTERMATH_SECONDS * 1_000; at += 1_000) time.at(at, open)
  await time.advanceTo(end + (AFTERMATH_SECONDS + 60) * 1_000)
  return { failed, recovery: Math.max(0, lastFailure - end) / 1_000 }
}

/** The same outage at many moments of a login's lifetime. */
async function overMoments(one: Case, moments: number): Promise<{ worst: number; mean: number; recovery: number }> {
  const results: OutageResult[] = []
  for (let moment = 0; moment < moments; moment++) {
    // By the last of them, every strategy has replaced its first login, so they cover each age of a login.
    const begin = Math.round(60 + ((moment + 0.5) / moments) * one.lifetimeSeconds * 1.2)
    results.push(await simulate(one, begin))
  }
  const failures = results.map(({ failed }) => failed)
  return { worst: largest(failures), mean: mean(failures), recovery: largest(results.map(({ recovery }) => recovery)) }
}

/** The bars of the picture. */
export interface OutagePlot {
  readonly bars: readonly {
    readonly strategy: string
    readonly lifetimeSeconds: number
    readonly outageSeconds: number
    readonly worst: number
    readonly mean: number
  }[]
}

async function run({ quick, log }: Setting): Promise<Result> {
  const figures: Figure[] = []
  const checks: Check[] = []
  const bars: OutagePlot['bars'][number][] = []
  const recoveries = new Map<Strategy, number>()
  for (const lifetimeSeconds of LIFETIMES)
    for (const outageSeconds of OUTAGES) {
      log(`lifetime ${lifetimeSeconds} s, outage ${outageSeconds} s`)
      const metric = `lifetime ${lifetimeSeconds} s, outage ${outageSeconds} s`
      const worst = new Map<Strategy, number>()
      const means = new Map<Strategy, number>()
      for (const strategy of STRATEGIES) {
        const outcome = await overMoments({ strategy, lifetimeSeconds, outageSeconds }, quick ? 12 : MOMENTS)
        worst.set(strategy, outcome.worst)
        means.set(strategy, outcome.mean)
        bars.push({ strategy: strategy.name, lifetimeSeconds, outageSeconds, worst: outcome.worst, mean: outcome.mean })
        recoveries.set(strategy, Math.max(recoveries.get(strategy) ?? 0, outcome.recovery))
        figures.push({
          subject: strategy.name,
          metric: `${metric}: failed at the worst moment (on average)`,
          value: outcome.worst,
          also: outcome.mean,
          unit: 'connections',
        })
      }
      const others = STRATEGIES.filter(strategy => strategy !== ours)
      const fewest = Math.min(...others.map(strategy => worst.get(strategy) ?? 0))
      const fewestOnAverage = Math.min(...others.map(strategy => means.get(strategy) ?? 0))
      const quarter = outageSeconds <= lifetimeSeconds / 4
      checks.push({
        what: quarter ? `failed, ${metric}` : `failed, ${metric}, against the fewest of the others`,
        value: worst.get(ours) ?? 0,
        unit: 'connections',
        relation: quarter ? '=' : '≤',
        limit: quarter ? 0 : fewest,
        exact: true,
      })
      if (!quarter)
        checks.push({
          what: `failed on average, ${metric}, against the fewest of the others`,
          value: means.get(ours) ?? 0,
          unit: 'connections',
          relation: '≤',
          limit: fewestOnAverage,
          exact: true,
        })
    }
  for (const [{ name }, value] of recoveries)
    figures.push({ subject: name, metric: 'longest recovery after AWS was back', value, unit: 's' })
  const recovery = recoveries.get(ours) ?? 0
  checks.push({ what: 'longest recovery', value: recovery, unit: 's', relation: '≤', limit: 10, exact: true })
  return { figures, checks, plot: { bars } satisfies OutagePlot }
}

export const outage: Bench = {
  name: 'outage',
  title: 'AWS fails for a while',
  about: `Simulated time. One connection is opened each second. AWS responds in 300 ms, and fails for a while, beginning at ${MOMENTS} moments of a login’s lifetime. The bench counts failed connections: no login was available, or the server refused an expired one. It runs the SDK’s own memoize. AWS’s shared rules are modelled after the sources of botocore and of the SDK for Rust: a mandatory window of one minute, an advisory window of 5 minutes (botocore: 15 for lifetimes of 20 to 90 minutes), and a pause of 300 to 600 s after a failure.`,
  limitations:
    'AWS’s rules were made for AWS credentials, which AWS may accept after their expiry. Redshift never accepts an expired login. Here, calls fail after a second; `spec/pg/rotation.spec.ts` tests calls that hang.',
  cheap: true,
  run,
}
