import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Figure, Result, Setting } from './bench.js'
import { fetcher, fetchWhenExpired, memoized } from './peers/hand-written.js'
import { largest, median, quantile, smallest } from './statistics.js'
import { builtPackage } from './support/build.js'
import { Contestant, type Opening } from './support/contestant.js'
import { startEmulators } from './support/emulators.js'

const LIFETIME_SECONDS = 5
const AWS_MILLIS = 300
/** Each opens a fifth of the connections. The second fixed password shows how much two equal contestants differ. */
const FIXED = 'fixed password'
const FIXED_AGAIN = 'fixed password, once more'
const PASSWORD = 'redshiftPassword()'
const MEMOIZE = "the SDK's memoize"
const EXPIRED = 'fetch when expired'
const MOST_PER_SECOND = 100
/** The share of the machine's capacity to use. With more, the bench would measure its queue. */
const SHARE_OF_CAPACITY = 0.4
const WARM_UP_SECONDS = 5
const RUNS = 10

/** How many connections per second the machine can open. Also a warm-up. */
async function capacity(contestants: readonly Contestant[]): Promise<number> {
  const end = performance.now() + WARM_UP_SECONDS * 1_000
  let opened = 0
  const lane = async (contestant: Contestant): Promise<void> => {
    while (performance.now() < end) {
      await contestant.open(0, false)
      opened++
    }
  }
  await Promise.all(contestants.map(lane))
  return opened / WARM_UP_SECONDS
}

/** Opens connections at regular intervals, even if earlier ones still wait, as a server under load does. */
async function open(
  contestants: readonly Contestant[],
  perSecond: number,
  seconds: number,
  log: Setting['log'],
): Promise<void> {
  const start = performance.now()
  const pending = new Set<Promise<void>>()
  for (let i = 0; i < seconds * perSecond; i++) {
    const wait = start + (i / perSecond) * 1_000 - performance.now()
    if (wait > 0) await sleep(wait)
    const opening = contestants[i % contestants.length]?.open(start, true)
    if (!opening) continue
    pending.add(opening)
    opening.finally(() => pending.delete(opening))
    if (i % (perSecond * 20) === 0) log(`${i / perSecond} of ${seconds} s`)
  }
  await Promise.all(pending)
}

/** The lines of the picture: the slowest connection in each bucket. */
export interface RotationPlot {
  readonly bucketMillis: number
  readonly lines: Readonly<Record<string, readonly (number | null)[]>>
}

const slowest = (openings: readonly Opening[], bucketMillis: number, seconds: number): (number | null)[] =>
  Array.from({ length: Math.ceil((seconds * 1_000) / bucketMillis) }, (_, bucket) => {
    const within = openings.filter(({ at }) => Math.floor(at / bucketMillis) === bucket)
    return within.length > 0 ? Math.round(largest(within.map(({ millis }) => millis)) * 10) / 10 : null
  })

const millisOf = (openings: readonly Opening[]): number[] => openings.map(({ millis }) => millis)

/** The 99.9th percentile of each part of the run. */
function tails(openings: readonly Opening[], seconds: number): number[] {
  return Array.from({ length: RUNS }, (_, run) =>
    quantile(millisOf(openings.filter(({ at }) => Math.floor((at / (seconds * 1_000)) * RUNS) === run)), 0.999),
  )
}

async function run({ quick, log }: Setting): Promise<Result> {
  const seconds = quick ? 15 : 100
  const { RedshiftCredentials, redshiftPassword } = await builtPackage()
  await using emulators = await startEmulators()
  const lasting = await emulators.start({ lifetimeSeconds: 3_600 })
  const rotating = await emulators.start({ lifetimeSeconds: LIFETIME_SECONDS })
  const fixed = await fetcher(lasting.aws, 'fixed')()
  await rotating.fail({ kind: 'latency', millis: AWS_MILLIS })
  const credentials = new RedshiftCredentials({ aws: rotating.aws })
  const password = redshiftPassword(credentials)
  // A third of the lifetime, like 5 of 15 minutes.
  const memo = memoized(fetcher(rotating.aws, 'memoize'), (LIFETIME_SECONDS * 1_000) / 3)
  const contestants = [
    new Contestant(FIXED, lasting, fixed.user, async () => fixed.password),
    new Contestant(PASSWORD, rotating, 'IAM:ours', connection => password(connection)),
    new Contestant(FIXED_AGAIN, lasting, fixed.user, async () => fixed.password),
    new Contestant(MEMOIZE, rotating, 'IAM:memoize', memo),
    new Contestant(EXPIRED, rotating, 'IAM:expired', fetchWhenExpired(fetcher(rotating.aws, 'expired'))),
  ]
  const perSecond = Math.round(Math.min(MOST_PER_SECOND, SHARE_OF_CAPACITY * (await capacity(contestants))))
  log(`${perSecond} openings a second`)
  await open(contestants, perSecond, seconds, log)
  await credentials.close()

  const logins = await rotating.logins()
  const rotations = (user: string): number =>
    new Set(logins.filter(login => login.ok && login.user === user).map(({ serial }) => serial)).size - 1
  const figures = contestants.flatMap(({ name: subject, user, emulator, openings, waited, failed }): Figure[] => {
    const millis = millisOf(openings)
    const of = (metric: string, share: number): Figure => ({
      subject,
      metric,
      value: quantile(millis, share),
      unit: 'ms',
    })
    const count = (metric: string, value: number): Figure => ({ subject, metric, value, unit: 'connections' })
    return [
      of('median', 0.5),
      of('99 %', 0.99),
      of('99.9 %', 0.999),
      { subject, metric: 'slowest', value: largest(millis), unit: 'ms' },
      count('opened', millis.length),
      count('waited for AWS', waited),
      count('failed', failed),
      { subject, metric: 'new logins met', value: emulator === rotating ? rotations(user) : 0, unit: 'calls' },
    ]
  })
  const find = (name: string): Contestant | undefined => contestants.find(contestant => contestant.name === name)
  const tail = (name: string): number => quantile(millisOf(find(name)?.openings ?? []), 0.999)
  const fixedTails = [FIXED, FIXED_AGAIN].flatMap(name => tails(find(name)?.openings ?? [], seconds))
  const spread = largest(fixedTails) - smallest(fixedTails)
  const bucketMillis = 250
  return {
    figures,
    checks: [
      {
        what: `99.9 % of the openings with ${PASSWORD}, against a fixed password's and the spread of its own runs (${spread.toFixed(1)} ms)`,
        value: tail(PASSWORD),
        unit: 'ms',
        relation: '≤',
        limit: tail(FIXED) + spread,
        exact: false,
      },
      {
        what: 'openings that waited for AWS',
        value: find(PASSWORD)?.waited ?? NaN,
        unit: 'connections',
        relation: '=',
        limit: 0,
        exact: true,
      },
      {
        what: 'openings that failed',
        value: find(PASSWORD)?.failed ?? NaN,
        unit: 'connections',
        relation: '=',
        limit: 0,
        exact: true,
      },
      {
        what: 'rotations met',
        value: rotations('IAM:ours'),
        unit: 'calls',
        relation: '≥',
        limit: quick ? 4 : 30,
        exact: true,
      },
    ],
    notes: [
      `${perSecond} connections were opened a second, a fifth of them with each.`,
      `The spread of the fixed password's 99.9th percentile over ${RUNS} runs is ${spread.toFixed(1)} ms (median run ${median(fixedTails).toFixed(1)} ms).`,
    ],
    plot: {
      bucketMillis,
      lines: Object.fromEntries(
        contestants.map(({ name, openings }) => [name, slowest(openings, bucketMillis, seconds)]),
      ),
    } satisfies RotationPlot,
  }
}

export const rotation: Bench = {
  name: 'rotation',
  title: 'Opening connections while logins rotate',
  about: `Opens connections for 100 s, in turn with each contestant, at regular intervals, even if earlier ones still wait: as many per second as the machine can handle, at most ${MOST_PER_SECOND}. Logins are valid for ${LIFETIME_SECONDS} s instead of 900, and AWS responds in ${AWS_MILLIS} ms. \`memoize\` refreshes when a third of the lifetime is left, because its 5 minutes are a third of 15.`,
  limitations:
    'With lifetimes of 5 seconds, rotations are 180 times as frequent as in production, where a rotation affects one connection in thousands. Compare the slowest connections, and not their number.',
  cheap: false,
  run,
}
