import { expect } from 'chai'
import { seededRandom } from './support/random.js'
import { type Behaviour, type Call, requestFor, Simulation } from './support/simulation.js'

const LIFETIMES = [6, 10, 60, 900, 3_600]
const FETCH_TIMEOUT = 15_000
const REQUEST = requestFor()

interface Kind {
  readonly how: string
  /** Whether a call ends only at its deadline. */
  readonly hangs: boolean
  readonly during: (latency: number, lifetimeMillis: number) => Behaviour
}

const KINDS: Kind[] = [
  { how: 'responds with errors', hangs: false, during: after => ({ kind: 'fail', after }) },
  { how: 'throttles', hangs: false, during: after => ({ kind: 'fail', after, code: 'ERR_REDSHIFT_THROTTLED' }) },
  {
    how: 'throttles, with a Retry-After that the SDK sleeps',
    hangs: true,
    during: (_, lifetimeMillis) => ({ kind: 'sleep', retryAfter: lifetimeMillis }),
  },
  { how: 'does not respond', hangs: true, during: () => ({ kind: 'hang' }) },
]

/** A program that repeatedly asks for its login while AWS is down. The same seed repeats the run. */
class Run {
  readonly sim: Simulation
  readonly lifetimeMillis: number
  readonly latency: number
  readonly random: () => number
  /** The outage, in true time. Pending calls fail as well when it begins. */
  from = Number.POSITIVE_INFINITY
  to = Number.POSITIVE_INFINITY

  constructor(kind: Kind, lifetimeSeconds: number, seed: number) {
    this.random = seededRandom(seed)
    this.lifetimeMillis = lifetimeSeconds * 1_000
    this.latency = Math.min(200, this.lifetimeMillis / 100) * (0.1 + 0.9 * this.random())
    this.sim = new Simulation({ lifetimeSeconds, random: this.random, fetchTimeoutMillis: FETCH_TIMEOUT })
    // The Date of a response has whole seconds, so the fraction at which the server responds matters.
    this.sim.clock.trueTime += Math.floor(this.random() * 1_000)
    this.sim.aws.always = ({ at }: Call): Behaviour =>
      at + this.latency >= this.from && at < this.to
        ? kind.during(this.latency, this.lifetimeMillis)
        : { kind: 'login', after: this.latency }
  }

  /** Fetches the first login, and returns when it becomes stale, in true time. */
  async begin(): Promise<number> {
    const first = this.sim.get()
    await this.sim.clock.advance(this.latency)
    await first
    const [status] = this.sim.cache.status()
    return Number(status?.refreshAt)
  }

  /** Asks, and lets up to this many milliseconds pass. Returns whether a login was returned at once. */
  async ask(most: number): Promise<boolean> {
    const served = this.sim.cache.peek('examplecluster') !== undefined
    this.sim.cache.get('examplecluster', REQUEST).catch(() => {})
    await this.sim.clock.pass(this.random() * most)
    return served
  }

  get fetched(): number {
    return this.sim.aws.issued.size
  }
}

describe('an outage of AWS', () => {
  // Hundreds of thousands of errors are created, and their stacks are not used.
  const { stackTraceLimit } = Error
  before(() => {
    Error.stackTraceLimit = 0
  })
  after(() => {
    Error.stackTraceLimit = stackTraceLimit
  })

  for (const kind of KINDS) {
    for (const seconds of LIFETIMES)
      it(`is not noticed if it lasts a quarter of ${seconds} seconds and AWS ${kind.how}`, async () => {
        for (let seed = 1; seed <= 1_000; seed++) {
          const run = new Run(kind, seconds, seed)
          const { clock } = run.sim
          const refresh = await run.begin()
          // Every other outage begins at the worst moment: when the login becomes stale.
          run.from = refresh + (seed % 2 ? 0 : (run.random() - 0.5) * (run.lifetimeMillis / 2))
          run.to = run.from + run.lifetimeMillis / 4
          clock.skip(Math.max(0, Math.min(refresh, run.from) - clock.trueTime))
          while (clock.trueTime < run.to || run.fetched < 2)
            if (!(await run.ask(run.lifetimeMillis / 100))) expect.fail(`Somebody had to wait, with seed ${seed}.`)
        }
      })

    const most = (kind.hangs ? FETCH_TIMEOUT : 0) + 5_000
    it(`of any length is over within ${most / 1_000} seconds after AWS recovers, if AWS ${kind.how}`, async () => {
      for (const seconds of LIFETIMES)
        for (let seed = 1; seed <= 10; seed++) {
          const run = new Run(kind, seconds, seed)
          const { clock } = run.sim
          const refresh = await run.begin()
          run.from = refresh
          run.to = refresh + run.lifetimeMillis + run.random() * 60_000
          clock.skip(refresh - clock.trueTime)
          while (clock.trueTime < run.to) await run.ask(run.to - clock.trueTime < 60_000 ? 500 : 10_000)
          expect(run.fetched).to.equal(1)
          while (run.fetched < 2) await run.ask(10)
          expect(clock.trueTime - run.to, `${seconds} s, seed ${seed}`).to.be.at.most(most + run.latency + 20)
        }
    })
  }
})

describe('without an outage', () => {
  // 1 / 0.575 on average, and somewhat more if the refresh of a short lifetime is brought forward.
  const table: [seconds: number, least: number, most: number][] = [
    [6, 1.95, 2.05],
    [10, 1.85, 1.95],
    [60, 1.75, 1.85],
    [900, 1.7, 1.77],
    [3_600, 1.7, 1.77],
  ]
  for (const [seconds, least, most] of table)
    it(`${seconds} seconds cost ${least} to ${most} calls`, async () => {
      const [kind] = KINDS
      if (!kind) throw new Error('There is no kind.')
      const run = new Run(kind, seconds, seconds)
      await run.begin()
      const start = run.sim.clock.trueTime
      for (let lifetimes = 0; lifetimes < 500; ) {
        await run.ask(run.lifetimeMillis / 100)
        lifetimes = (run.sim.clock.trueTime - start) / run.lifetimeMillis
      }
      expect(run.sim.aws.calls.length / 500).to.be.within(least, most)
    })
})
