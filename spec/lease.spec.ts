import { expect } from 'chai'
import fc from 'fast-check'
import { elapsed, type Instant } from '../lib/clock.js'
import {
  createLease,
  fetchBackoff,
  type Lease,
  noProgressDelay,
  phaseOf,
  refreshBackoff,
  refreshDeadline,
  remaining,
} from '../lib/lease.js'

const SERVER = Date.parse('2026-03-01T12:00:00Z')
// The host's clocks are independent of the server's.
const SENT: Instant = { wall: 1_000_000, monotonic: 5_000 }

/** The clocks, this many milliseconds after the start of the lease. */
const at = (millis: number): Instant => ({ wall: SENT.wall + millis, monotonic: SENT.monotonic + millis })

interface Given {
  random?: number
  durationSeconds?: number
  /** Milliseconds after the server's time. */
  next?: number
}

const lease = (
  lifetimeMillis: number,
  { random = 0.5, durationSeconds = 3_600, next }: Given = {},
): Lease | undefined =>
  createLease(
    {
      sentAt: SENT,
      serverTime: SERVER,
      expiration: new Date(SERVER + lifetimeMillis),
      durationSeconds,
      ...(next !== undefined && { nextRefreshTime: new Date(SERVER + next) }),
    },
    random,
  )

const valid = (lifetimeMillis: number, given?: Given): Lease => {
  const made = lease(lifetimeMillis, given)
  if (!made) throw new Error('There is no lease.')
  return made
}

const LIFETIMES = [6, 10, 60, 900, 3_600]
const calm = { throttled: false, retryAfter: undefined }
const ALMOST_ONE = 1 - Number.EPSILON

describe('a lease', () => {
  // [seconds, lifetime, refreshAt for a draw of 0, of almost 1, expireAt], in milliseconds
  const table: [number, number, number, number, number][] = [
    [6, 5_000, 2_500, 4_750 - 1_500 - 1_000 / 3, 4_750],
    [10, 9_000, 4_500, 8_550 - 2_500 - 600, 8_550],
    [60, 59_000, 29_500, 56_050 - 15_000 - 11_800 / 3, 56_050],
    [900, 899_000, 449_500, 584_350, 889_000],
    [3_600, 3_599_000, 1_799_500, 2_339_350, 3_589_000],
  ]
  for (const [seconds, lifetime, earliest, latest, expireAt] of table)
    it(`of ${seconds} seconds becomes stale between ${earliest} and ${Math.round(latest)} ms and expires at ${expireAt} ms`, () => {
      const first = valid(seconds * 1_000, { random: 0 })
      const last = valid(seconds * 1_000, { random: ALMOST_ONE })
      expect(first).to.include({ lifetime, expireAt, sentAt: SENT, nextRefreshAt: undefined })
      expect(first.refreshAt).to.be.closeTo(earliest, 1e-6)
      expect(last.refreshAt).to.be.closeTo(latest, 1e-6)
      expect(valid(seconds * 1_000).refreshAt).to.be.closeTo((earliest + latest) / 2, 1e-6)
    })

  it('leaves more than a quarter of the lifetime between its first refresh and its expiry', () => {
    for (const seconds of LIFETIMES) {
      const { refreshAt, expireAt } = valid(seconds * 1_000, { random: ALMOST_ONE })
      expect(expireAt - refreshAt).to.be.greaterThan(seconds * 250 * 1.05)
    }
  })

  it('is fresh, stale or expired on each side of each boundary', () => {
    for (const seconds of LIFETIMES)
      for (const random of [0, 0.5, ALMOST_ONE]) {
        const one = valid(seconds * 1_000, { random })
        // The clocks start at whole milliseconds: a hundredth is precise enough.
        expect(phaseOf(one, SENT)).to.equal('fresh')
        expect(phaseOf(one, at(one.refreshAt - 0.01))).to.equal('fresh')
        expect(phaseOf(one, at(one.refreshAt + 0.01))).to.equal('stale')
        expect(phaseOf(one, at(one.expireAt - 0.01))).to.equal('stale')
        expect(phaseOf(one, at(one.expireAt + 0.01))).to.equal('expired')
        expect(phaseOf(one, at(one.lifetime))).to.equal('expired')
        expect(phaseOf(one, at(1e12))).to.equal('expired')
      }
    const round = valid(900_000, { random: 0 })
    expect(phaseOf(round, at(449_500))).to.equal('stale')
    expect(phaseOf(round, at(889_000))).to.equal('expired')
  })

  it('never exceeds the requested duration', () => {
    expect(valid(3_600_000, { durationSeconds: 900 })).to.include({ lifetime: 900_000, expireAt: 890_000 })
    expect(valid(900_999, { durationSeconds: 900 }).lifetime).to.equal(899_999)
    expect(valid(901_000, { durationSeconds: 900 }).lifetime).to.equal(900_000)
    expect(valid(901_001, { durationSeconds: 900 }).lifetime).to.equal(900_000)
  })

  it('cannot have an expiry that is missing, past, about to pass, or too far ahead', () => {
    for (const millis of [
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      -3_600_000,
      -1,
      0,
      1,
      1_000,
      1_001,
      1_999,
    ])
      expect(lease(millis), String(millis)).to.equal(undefined)
    expect(lease(2_000)).to.include({ lifetime: 1_000, expireAt: 950 })
    expect(lease(24 * 3_600_000)).to.include({ lifetime: 3_600_000 })
    expect(lease(24 * 3_600_000 + 1)).to.equal(undefined)
    const times = { sentAt: SENT, expiration: new Date(SERVER + 900_000), durationSeconds: 900 }
    for (const serverTime of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(createLease({ ...times, serverTime }, 0)).to.equal(undefined)
  })

  describe('with a nextRefreshTime', () => {
    const drawn = valid(900_000).refreshAt
    const rows: [string, number, number][] = [
      ['a quarter of the lifetime on: too early', 899_000 / 4, drawn],
      ['just after a quarter', 899_000 / 4 + 1, 899_000 / 4 + 1],
      ['between a quarter and the draw', 400_000, 400_000],
      ['just before the draw', Math.floor(drawn), Math.floor(drawn)],
      ['after the draw', drawn + 1, drawn],
      ['beyond the expiry', 2_000_000, drawn],
      ['past', -5_000, drawn],
      ['now', 0, drawn],
      ['that is not a date', Number.NaN, drawn],
    ]
    for (const [when, next, refreshAt] of rows)
      it(when, () => expect(valid(900_000, { next }).refreshAt).to.be.closeTo(refreshAt, 1))
    it('keeps the value of AWS', () => {
      expect(valid(900_000, { next: 400_000 }).nextRefreshAt).to.equal(400_000)
      expect(valid(900_000, { next: -1 }).nextRefreshAt).to.equal(-1)
      expect(valid(900_000, { next: Number.NaN }).nextRefreshAt).to.equal(undefined)
      expect(valid(900_000).nextRefreshAt).to.equal(undefined)
    })
  })

  it('keeps its order for every response and draw', () => {
    const seconds = fc.integer({ min: 900, max: 3_600 })
    const millis = fc.oneof(fc.integer({ min: -2_000, max: 5_000 }), fc.integer({ min: -1e9, max: 1e9 }))
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(millis, seconds, draw, fc.option(millis), (ahead, durationSeconds, random, next) => {
        const made = lease(ahead, { random, durationSeconds, ...(next !== null && { next }) })
        expect(made !== undefined).to.equal(ahead >= 2_000 && ahead <= 24 * 3_600_000)
        if (!made) return
        expect(made.refreshAt).to.be.greaterThan(0)
        expect(made.refreshAt)
          .to.be.at.least(made.lifetime / 4)
          .and.at.most(made.lifetime * 0.65)
        expect(made.expireAt).to.be.greaterThan(made.refreshAt)
        expect(made.lifetime).to.be.greaterThan(made.expireAt)
        expect(made.lifetime)
          .to.be.at.most(ahead - 1_000)
          .and.at.most(durationSeconds * 1_000)
        expect(made.lifetime - made.expireAt).to.be.at.most(10_000)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('elapsed time', () => {
  it('is the longer of what the two clocks measure', () => {
    expect(elapsed(SENT, at(700))).to.equal(700)
    expect(elapsed(SENT, { wall: SENT.wall + 3_600_000, monotonic: SENT.monotonic + 5 })).to.equal(3_600_000)
    expect(elapsed(SENT, { wall: SENT.wall - 3_600_000, monotonic: SENT.monotonic + 5 })).to.equal(5)
  })

  it('never makes a lease valid again when a clock is set back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: -1e10, max: 0 }), (millis, jump) => {
        const one = valid(900_000)
        const now = at(millis)
        expect(phaseOf(one, { ...now, wall: now.wall + jump })).to.equal(phaseOf(one, now))
        expect(remaining(one, { ...now, wall: now.wall + jump })).to.equal(remaining(one, now))
      }),
    )
  })
})

describe('the deadline of a refresh', () => {
  it('is half of the remaining lifetime, and at least 2 seconds or a thirtieth of the lifetime', () => {
    for (const seconds of LIFETIMES) {
      const one = valid(seconds * 1_000)
      const shortest = Math.min(2_000, one.lifetime / 30)
      expect(refreshDeadline(one, at(one.refreshAt))).to.be.closeTo((one.expireAt - one.refreshAt) / 2, 1e-6)
      expect(refreshDeadline(one, at(one.expireAt - 2 * shortest - 10))).to.be.closeTo(shortest + 5, 1e-6)
      expect(refreshDeadline(one, at(one.expireAt - 2 * shortest + 10))).to.equal(shortest)
      expect(refreshDeadline(one, at(one.expireAt + 1_000))).to.equal(shortest)
    }
  })
})

describe('the wait after a refresh without a newer login', () => {
  const held = valid(900_000)
  const now = at(500_000)
  const newer = (next?: number): Lease => ({ ...valid(400_000, next === undefined ? {} : { next }), sentAt: now })

  it('ends at nextRefreshTime, if that is ahead and before the expiry', () => {
    expect(noProgressDelay(held, newer(30_000), now)).to.equal(30_000)
    expect(noProgressDelay(held, newer(30_000), at(510_000))).to.equal(20_000)
    expect(noProgressDelay(held, newer(388_999), now)).to.equal(388_999)
  })

  it('is at least a hundredth of the lifetime, or 250 ms', () => {
    expect(noProgressDelay(held, newer(1), now)).to.equal(250)
    const short = valid(6_000)
    const next = { ...valid(5_000, { next: 1 }), sentAt: at(4_000) }
    expect(noProgressDelay(short, next, at(4_000))).to.equal(50)
  })

  it('is otherwise a tenth of the lifetime', () => {
    for (const next of [undefined, -1, 0, 389_000, 3_600_000])
      expect(noProgressDelay(held, newer(next), now)).to.equal(89_900)
  })
})

describe('the back-off while a login is served', () => {
  const one = valid(3_600_000)
  const early = at(one.refreshAt)

  it('is drawn between half and all of 1, 2, 4 … 60 seconds', () => {
    const table = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    for (const [failures, most] of table.entries()) {
      expect(refreshBackoff(one, failures, calm, early, 0)).to.equal(most / 2)
      expect(refreshBackoff(one, failures, calm, early, 1)).to.equal(most)
    }
  })

  it('starts at 5 seconds when throttled', () => {
    const throttled = { throttled: true, retryAfter: undefined }
    for (const [failures, most] of [5_000, 10_000, 20_000, 40_000, 60_000].entries()) {
      expect(refreshBackoff(one, failures, throttled, early, 0)).to.equal(most / 2)
      expect(refreshBackoff(one, failures, throttled, early, 1)).to.equal(most)
    }
  })

  it('honours Retry-After, up to a quarter of the remaining lifetime', () => {
    const left = one.expireAt - one.refreshAt
    const asked = (retryAfter: number) => refreshBackoff(one, 0, { throttled: true, retryAfter }, early, 0)
    expect(asked(100)).to.equal(2_500)
    expect(asked(30_000)).to.equal(30_000)
    expect(asked(left / 4 - 1)).to.equal(left / 4 - 1)
    expect(asked(left / 4 + 1)).to.equal(left / 4)
    expect(asked(86_400_000)).to.equal(left / 4)
  })

  it('gets shorter as the expiry nears, down to 250 ms, or a hundredth of the lifetime', () => {
    for (const seconds of LIFETIMES) {
      const lease = valid(seconds * 1_000)
      const floor = Math.min(250, lease.lifetime / 100)
      let before = Number.POSITIVE_INFINITY
      for (let left = lease.expireAt - lease.refreshAt; left > 1; left *= 0.75) {
        const wait = refreshBackoff(lease, 50, calm, at(lease.expireAt - left), 1)
        expect(wait).to.be.closeTo(Math.max(floor, Math.min(60_000, left / 4)), 1e-6)
        expect(wait).to.be.at.most(before)
        before = wait
      }
      expect(before).to.equal(floor)
    }
  })
})

describe('the back-off without a login', () => {
  it('is drawn between half and all of 0.5, 1, 2, 4, 5 seconds', () => {
    for (const [failures, most] of [500, 1_000, 2_000, 4_000, 5_000, 5_000].entries()) {
      expect(fetchBackoff(failures, calm, 0)).to.equal(most / 2)
      expect(fetchBackoff(failures, calm, 1)).to.equal(most)
    }
  })

  it('honours Retry-After up to 5 seconds', () => {
    const asked = (retryAfter: number) => fetchBackoff(0, { throttled: true, retryAfter }, 0)
    expect(asked(100)).to.equal(250)
    expect(asked(3_000)).to.equal(3_000)
    expect(asked(3_600_000)).to.equal(5_000)
  })
})

describe('any back-off', () => {
  it('is finite, positive and within its bounds after any number of failures', () => {
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const failures = fc.oneof(fc.nat(10), fc.nat(100_000))
    const failure = fc.record({ throttled: fc.boolean(), retryAfter: fc.option(fc.nat(1e9), { nil: undefined }) })
    fc.assert(
      fc.property(
        fc.constantFrom(...LIFETIMES),
        draw,
        failures,
        failure,
        fc.integer({ min: 0, max: 4e6 }),
        (seconds, random, count, what, millis) => {
          const one = valid(seconds * 1_000)
          const served = refreshBackoff(one, count, what, at(millis), random)
          expect(served).to.be.finite.and.at.least(Math.min(250, one.lifetime / 100))
          expect(served).to.be.at.most(Math.max(one.expireAt / 4, 250))
          const cold = fetchBackoff(count, what, random)
          expect(cold).to.be.finite.and.at.least(250).and.at.most(5_000)
        },
      ),
      { numRuns: 1_000 },
    )
    for (const count of [1_000, 1_024, 1e9]) {
      expect(refreshBackoff(valid(3_600_000), count, calm, at(1_800_000), 1)).to.equal(60_000)
      expect(fetchBackoff(count, calm, 1)).to.equal(5_000)
    }
  })
})
