import { expect } from 'chai'
import type { RedshiftLogin } from '../lib/login.js'
import { expectError } from './support/rejection.js'
import {
  EXPIRE,
  expectFailure,
  failureOf,
  REFRESH,
  requestFor,
  Simulation,
  settle,
  stateOf,
} from './support/simulation.js'

describe('the cache without a login', () => {
  let sim: Simulation
  beforeEach(() => {
    sim = new Simulation()
  })

  it('fetches once for a thousand callers, and returns the same object to all', async () => {
    sim.aws.script.push({ kind: 'login', after: 100 })
    const all = Array.from({ length: 1_000 }, () => sim.get())
    await sim.clock.advance(50)
    all.push(sim.get())
    await sim.clock.advance(50)
    const logins = new Set(await Promise.all(all))
    expect(logins.size).to.equal(1)
    expect(sim.aws.calls).to.have.lengthOf(1)
    expect(await sim.get()).to.equal([...logins][0])
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('returns user and password as a pair, in a frozen object', async () => {
    const login = await sim.get()
    expect(login).to.be.frozen
    expect(login).to.include({ user: 'IAMR:analyst', password: 'hunter1' })
    expect(login.expiration).to.deep.equal(new Date(sim.clock.trueTime + 900_000))
  })

  it('fetches separately for each key', async () => {
    const [one, other] = await Promise.all([sim.get('one'), sim.get('other')])
    expect(one.password).to.not.equal(other.password)
    expect(sim.aws.calls.map(({ request }) => 'workgroupName' in request && request.workgroupName)).to.deep.equal([
      'one',
      'other',
    ])
  })

  it('gives each waiting caller its own error', async () => {
    sim.aws.script.push({ kind: 'fail', after: 100, code: 'ERR_REDSHIFT_ACCESS_DENIED' })
    const all = Array.from({ length: 10 }, () => failureOf(sim.get()))
    await sim.clock.advance(100)
    const errors = await Promise.all(all)
    expect(new Set(errors).size).to.equal(10)
    for (const error of errors)
      expect(error).to.deep.include({ code: 'ERR_REDSHIFT_ACCESS_DENIED', message: errors[0]?.message })
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('replays a failure during the back-off, each time as a new error, then tries again', async () => {
    sim.aws.script.push({ kind: 'fail' })
    const seen = new Set([await failureOf(sim.get())])
    // 0.5 s × 0.75
    for (let passed = 0; passed < 375; passed += 75) {
      const replayed = sim.get()
      expect(await stateOf(replayed)).to.equal('rejected')
      seen.add(await expectFailure(replayed, 'ERR_REDSHIFT_UNAVAILABLE'))
      sim.clock.skip(75)
    }
    expect(seen.size).to.equal(6)
    expect(sim.aws.calls).to.have.lengthOf(1)
    await sim.get()
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('waits longer after each failure, at most 5 seconds, and resets after a success', async () => {
    const waits: number[] = []
    sim.aws.always = { kind: 'fail' }
    await failureOf(sim.get())
    for (let count = 0; count < 6; count++) {
      const from = sim.clock.monotonic
      const { length } = sim.aws.calls
      while (sim.aws.calls.length === length) {
        sim.clock.skip(5)
        await failureOf(sim.get())
      }
      waits.push(sim.clock.monotonic - from)
    }
    expect(waits).to.deep.equal([375, 750, 1_500, 3_000, 3_750, 3_750])

    sim.clock.skip(5_000)
    sim.aws.always = { kind: 'login' }
    await sim.get()
    sim.aws.always = { kind: 'fail' }
    sim.clock.skip(900_000)
    await failureOf(sim.get())
    sim.clock.skip(376)
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(10)
  })

  it('keeps its back-off finite after a thousand consecutive failures', async () => {
    sim.aws.always = { kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED', retryAfter: 1e9 }
    for (let count = 0; count < 1_000; count++) {
      await expectFailure(sim.get(), 'ERR_REDSHIFT_THROTTLED')
      sim.clock.skip(5_000)
    }
    expect(sim.aws.calls).to.have.lengthOf(1_000)
    sim.aws.always = { kind: 'login' }
    await sim.get()
  })

  it('honours Retry-After up to 5 seconds', async () => {
    sim.aws.script.push({ kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED', retryAfter: 3_000 })
    sim.aws.script.push({ kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED', retryAfter: 60_000 })
    await failureOf(sim.get())
    sim.clock.skip(2_999)
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(1)
    sim.clock.skip(1)
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.clock.skip(4_999)
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.clock.skip(1)
    await sim.get()
  })

  it('aborts a hanging call at the deadline, and retries after the back-off', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const hung = sim.get()
    hung.catch(() => {})
    await sim.clock.advance(14_999)
    expect(await stateOf(hung)).to.equal('pending')
    expect(sim.aws.lastCall.signal.aborted).to.equal(false)
    await sim.clock.advance(1)
    expectError(await failureOf(hung), {
      code: 'ERR_REDSHIFT_TIMEOUT',
      names: ['GetCredentials', '"examplecluster"', '15000 ms', 'fetchTimeoutMillis'],
    })
    expect(sim.aws.lastCall.signal.aborted).to.equal(true)
    sim.clock.skip(375)
    expect((await sim.get()).password).to.equal('hunter1')
  })

  it('ignores a response after the deadline', async () => {
    sim.aws.script.push({ kind: 'hang' }, { kind: 'hang' })
    const hung = failureOf(sim.get())
    const late = sim.aws.lastCall
    await sim.clock.advance(15_000)
    await hung
    late.respond({ password: 'late' })
    await settle()
    await expectFailure(sim.get(), 'ERR_REDSHIFT_TIMEOUT')
    sim.clock.skip(1_000)
    const next = sim.get()
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.aws.lastCall.respond({ password: 'in time' })
    expect((await next).password).to.equal('in time')
  })

  it('ignores a failure after the deadline', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const hung = failureOf(sim.get())
    const late = sim.aws.lastCall
    await sim.clock.advance(15_000)
    await hung
    sim.clock.skip(375)
    await sim.get()
    late.fail('ERR_REDSHIFT_ACCESS_DENIED')
    await settle()
    expect(sim.cache.status()[0]).to.deep.include({ phase: 'fresh', lastError: undefined })
  })

  it('reports the throttling if the deadline passes during Retry-After, and honours Retry-After', async () => {
    sim.aws.script.push({ kind: 'sleep', retryAfter: 4_000 })
    const slept = failureOf(sim.get())
    await sim.clock.advance(15_000)
    expect((await slept).code).to.equal('ERR_REDSHIFT_THROTTLED')
    sim.clock.skip(3_999)
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(1)
    sim.clock.skip(1)
    await sim.get()
  })

  const malformed: Record<string, { expiration: Date; serverTime?: number }> = {
    'that is not a date': { expiration: new Date(Number.NaN) },
    'at the epoch': { expiration: new Date(0) },
    'in the past': { expiration: new Date(Date.parse('2026-03-01T11:59:59Z')) },
    now: { expiration: new Date(Date.parse('2026-03-01T12:00:00Z')) },
    'within two seconds': { expiration: new Date(Date.parse('2026-03-01T12:00:01.999Z')) },
    'in seconds instead of milliseconds': { expiration: new Date(Date.parse('2026-03-01T12:15:00Z') / 1_000) },
    'in milliseconds instead of seconds': { expiration: new Date(Date.parse('2026-03-01T12:15:00Z') * 1_000) },
    'at the last possible date': { expiration: new Date(8.64e15) },
    'without a server time': { expiration: new Date(Date.parse('2026-03-01T12:15:00Z')), serverTime: Number.NaN },
  }
  for (const [what, login] of Object.entries(malformed))
    it(`never stores an expiry ${what}`, async () => {
      sim.aws.script.push({ kind: 'login', login })
      expectError(await failureOf(sim.get()), {
        code: 'ERR_REDSHIFT_RESPONSE',
        names: ['GetCredentials', 'clock'],
        omits: ['hunter'],
      })
      expect(sim.cache.status()[0]).to.deep.include({ phase: 'none', user: undefined, expiration: undefined })
      expect(sim.cache.peek('examplecluster')).to.equal(undefined)
      await expectFailure(sim.get(), 'ERR_REDSHIFT_RESPONSE')
      sim.clock.skip(1_000)
      await sim.get()
      expect(sim.aws.calls).to.have.lengthOf(2)
    })
})

describe('the cache with a login', () => {
  let sim: Simulation
  let first: RedshiftLogin
  beforeEach(async () => {
    sim = new Simulation()
    first = await sim.get()
  })

  it('serves a fresh login at once, without a call', async () => {
    sim.clock.skip(REFRESH - 1)
    expect(await sim.get()).to.equal(first)
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('serves a stale login at once, and refreshes it in the background', async () => {
    sim.aws.script.push({ kind: 'login', after: 100 })
    sim.clock.skip(REFRESH + 1)
    for (let count = 0; count < 10; count++) expect(await sim.get()).to.equal(first)
    expect(sim.aws.calls).to.have.lengthOf(2)
    await sim.clock.advance(99)
    expect(await sim.get()).to.equal(first)
    await sim.clock.advance(1)
    expect((await sim.get()).password).to.equal('hunter2')
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('serves it until its expiry, and never after it', async () => {
    sim.aws.always = { kind: 'hang' }
    sim.clock.skip(EXPIRE - 1)
    expect(await sim.get()).to.equal(first)
    expect(sim.cache.peek('examplecluster')).to.equal(first)
    sim.clock.skip(1)
    expect(sim.cache.peek('examplecluster')).to.equal(undefined)
    const waiting = sim.get()
    expect(await stateOf(waiting)).to.equal('pending')
    sim.aws.lastCall.respond()
    expect((await waiting).password).to.equal('hunter2')
  })

  it('lets callers after the expiry join a running refresh', async () => {
    sim.aws.always = { kind: 'hang' }
    sim.clock.skip(EXPIRE - 10)
    await sim.get()
    sim.clock.skip(10)
    const waiting = [sim.get(), sim.get()]
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.aws.lastCall.respond()
    expect(new Set(await Promise.all(waiting)).size).to.equal(1)
  })

  for (const [how, hangs] of Object.entries({ 'runs out of its short time': true, fails: false }))
    it(`starts one more fetch for callers who joined that refresh, within one deadline, if it ${how}`, async () => {
      sim.aws.always = { kind: 'hang' }
      sim.clock.skip(EXPIRE - 10)
      await sim.get()
      sim.clock.skip(10)
      const waiting = [sim.get(), sim.get()]
      if (hangs) await sim.clock.advance(2_000)
      else sim.aws.lastCall.fail('ERR_REDSHIFT_THROTTLED')
      await settle()
      expect(sim.aws.calls).to.have.lengthOf(3)
      await sim.clock.advance(12_000)
      sim.aws.lastCall.respond()
      expect(new Set(await Promise.all(waiting)).size).to.equal(1)

      sim.clock.skip(EXPIRE - 12_020)
      await sim.get()
      sim.clock.skip(20)
      const failing = failureOf(sim.get())
      sim.aws.lastCall.fail()
      await settle()
      sim.aws.lastCall.fail('ERR_REDSHIFT_ACCESS_DENIED')
      expect((await failing).code, 'its own failure').to.equal('ERR_REDSHIFT_ACCESS_DENIED')
    })

  it('lets callers who joined a hanging refresh wait at most one deadline', async () => {
    const brief = new Simulation({ fetchTimeoutMillis: 1_000 })
    await brief.get()
    brief.aws.always = { kind: 'hang' }
    brief.clock.skip(EXPIRE - 10)
    await brief.get()
    brief.clock.skip(10)
    let ended = false
    const failing = failureOf(brief.get()).finally(() => {
      ended = true
    })
    await brief.clock.advance(999)
    expect(ended).to.equal(false)
    await brief.clock.advance(1)
    expect(ended).to.equal(true)
    expect((await failing).code).to.equal('ERR_REDSHIFT_TIMEOUT')
    expect(brief.aws.calls).to.have.lengthOf(3)
  })

  it('runs no timer and makes no call while it has no callers', async () => {
    expect(sim.clock.timers).to.have.lengthOf(0)
    await sim.clock.advance(24 * 3_600_000)
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('still serves it when a refresh fails', async () => {
    sim.aws.always = { kind: 'fail' }
    for (let passed = REFRESH; passed < EXPIRE; passed += 1_000) {
      sim.clock.skip(passed === REFRESH ? REFRESH : 1_000)
      expect(await sim.get()).to.equal(first)
    }
    expect(sim.cache.status()[0]?.lastError?.code).to.equal('ERR_REDSHIFT_UNAVAILABLE')
  })

  it('still serves it when AWS denies access to a refresh, and reports that', async () => {
    sim.aws.always = { kind: 'fail', code: 'ERR_REDSHIFT_ACCESS_DENIED' }
    sim.clock.skip(REFRESH + 1)
    await sim.get()
    await settle()
    expect(await sim.get()).to.equal(first)
    expect(sim.cache.status()[0]).to.include({ phase: 'stale' })
    expect(sim.cache.status()[0]?.lastError?.code).to.equal('ERR_REDSHIFT_ACCESS_DENIED')
    sim.clock.skip(EXPIRE - REFRESH)
    await expectFailure(sim.get(), 'ERR_REDSHIFT_ACCESS_DENIED')
  })

  it('retries more often as the expiry nears', async () => {
    sim.aws.always = { kind: 'fail' }
    sim.clock.skip(REFRESH)
    const times: number[] = []
    while (sim.clock.monotonic - 12_000 < EXPIRE - 20) {
      const { length } = sim.aws.calls
      expect(await sim.get()).to.equal(first)
      await settle()
      if (sim.aws.calls.length > length) times.push(sim.clock.monotonic)
      sim.clock.skip(10)
    }
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    // The pause first grows by the rule of the back-off, then shrinks with the remaining lifetime.
    const longest = waits.indexOf(Math.max(...waits))
    expect(waits.slice(0, 6)).to.deep.equal([750, 1_500, 3_000, 6_000, 12_000, 24_000])
    for (const [index, wait] of waits.entries())
      if (index > longest) expect(wait).to.be.at.most((waits[index - 1] ?? 0) + 10)
    expect(Math.max(...waits)).to.be.at.most(60_000)
    expect(waits.at(-1)).to.equal(250)
    expect(times.length).to.be.within(20, 60)
  })

  it('resets its back-off when the login has expired', async () => {
    sim.aws.always = { kind: 'fail' }
    sim.clock.skip(REFRESH)
    while (sim.clock.monotonic - 12_000 < EXPIRE) {
      await sim.get()
      await settle()
      sim.clock.skip(1_000)
    }
    const { length } = sim.aws.calls
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(length + 1)
    sim.clock.skip(374)
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(length + 1)
    sim.clock.skip(1)
    await failureOf(sim.get())
    expect(sim.aws.calls).to.have.lengthOf(length + 2)
  })

  it('honours Retry-After, up to a quarter of the remaining lifetime', async () => {
    sim.aws.always = { kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED', retryAfter: 30_000 }
    sim.clock.skip(REFRESH)
    const pauses: number[] = []
    for (let count = 0; count < 3; count++) {
      const { length } = sim.aws.calls
      while (sim.aws.calls.length === length) {
        await sim.get()
        await settle()
        sim.clock.skip(25)
      }
      pauses.push(sim.clock.monotonic)
      if (count === 1) sim.aws.always = { kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED', retryAfter: 3_600_000 }
    }
    const [one, two, three] = pauses.map(time => time - 12_000) as [number, number, number]
    expect(two - one).to.be.within(30_000, 30_025)
    expect(three - two).to.be.within(30_000, 30_025)
    const { length } = sim.aws.calls
    const left = EXPIRE - three
    sim.clock.skip(left / 4 - 50)
    await sim.get()
    expect(sim.aws.calls).to.have.lengthOf(length)
    sim.clock.skip(100)
    await sim.get()
    expect(sim.aws.calls).to.have.lengthOf(length + 1)
  })

  it('limits a refresh to half of the remaining lifetime, so that a hanging call leaves time for another', async () => {
    sim.aws.always = { kind: 'hang' }
    sim.clock.skip(EXPIRE - 20_000)
    await sim.get()
    await sim.clock.advance(9_999)
    expect(sim.aws.lastCall.signal.aborted).to.equal(false)
    await sim.clock.advance(1)
    expect(sim.aws.lastCall.signal.aborted).to.equal(true)
    expect(sim.cache.status()[0]?.lastError?.code).to.equal('ERR_REDSHIFT_TIMEOUT')
    expect(await sim.get()).to.equal(first)
    // 1 s × 0.75
    sim.clock.skip(750)
    expect(await sim.get()).to.equal(first)
    expect(sim.aws.calls).to.have.lengthOf(3)
    sim.aws.lastCall.respond()
    await settle()
    expect((await sim.get()).password).to.equal('hunter2')
  })

  it('reports throttling if the deadline of a refresh passes during Retry-After', async () => {
    sim.aws.script.push({ kind: 'sleep', retryAfter: 600_000 })
    sim.clock.skip(REFRESH)
    await sim.get()
    await sim.clock.advance(15_000)
    expect(sim.cache.status()[0]?.lastError?.code).to.equal('ERR_REDSHIFT_THROTTLED')
    expect(await sim.get()).to.equal(first)
  })

  it('keeps its login if the new one has the same expiry, and does not loop', async () => {
    sim.clock.skip(REFRESH + 1)
    sim.aws.always = { kind: 'login', login: { expiration: first.expiration, password: 'again' } }
    for (let count = 0; count < 100; count++) {
      expect(await sim.get()).to.equal(first)
      await settle()
    }
    expect(sim.aws.calls).to.have.lengthOf(2)
    expect(sim.cache.status()[0]?.lastError).to.equal(undefined)
    // A tenth of the lifetime.
    sim.clock.skip(89_899)
    await sim.get()
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.clock.skip(1)
    await sim.get()
    expect(sim.aws.calls).to.have.lengthOf(3)
  })

  it('keeps its login if the new one expires earlier', async () => {
    sim.clock.skip(REFRESH + 1)
    sim.aws.always = { kind: 'login', login: { expiration: new Date(+first.expiration - 5_000) } }
    await sim.get()
    await settle()
    expect(await sim.get()).to.equal(first)
  })

  it('fetches at nextRefreshTime if the new login has the same expiry', async () => {
    sim.clock.skip(REFRESH + 1)
    const nextRefreshTime = new Date(sim.clock.trueTime + 200_000)
    sim.aws.script.push({ kind: 'login', login: { expiration: first.expiration, nextRefreshTime } })
    await sim.get()
    await settle()
    // The server's clock has whole seconds.
    sim.clock.skip(199_999)
    await sim.get()
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.clock.skip(1_000)
    await sim.get()
    await settle()
    expect(sim.aws.calls).to.have.lengthOf(3)
    expect((await sim.get()).password).to.equal('hunter3')
  })

  it('neither loops nor serves an expired login if AWS returns the same expiry to the end', async () => {
    sim.aws.always = { kind: 'login', login: { expiration: first.expiration } }
    for (let passed = 0; passed < 930_000; passed += 100) {
      const login = await sim.get().catch(() => undefined)
      if (login) expect(sim.clock.trueTime).to.be.below(+login.expiration)
      await settle()
      if (sim.clock.busy(100)) await sim.clock.advance(100)
      else sim.clock.skip(100)
    }
    // Some in the last tenth, then one every few seconds, because their logins are not accepted.
    expect(sim.aws.calls.length).to.be.below(30)
  })

  it('accepts the same password with a later expiry', async () => {
    sim.clock.skip(REFRESH + 1)
    sim.aws.script.push({ kind: 'login', login: { password: first.password } })
    await sim.get()
    await settle()
    const second = await sim.get()
    expect(second.password).to.equal(first.password)
    expect(+second.expiration).to.be.above(+first.expiration)
    expect(sim.cache.status()[0]).to.include({ phase: 'fresh', lastError: undefined })
  })

  it('accepts another user at once, even with the same expiry', async () => {
    sim.clock.skip(REFRESH + 1)
    sim.aws.script.push({ kind: 'login', login: { user: 'IAMR:other', expiration: first.expiration } })
    await sim.get()
    await settle()
    expect(await sim.get()).to.include({ user: 'IAMR:other', password: 'hunter2' })
  })

  it('never refreshes continuously: fewer than two calls per lifetime, over hours of a busy program', async () => {
    const hours = 6
    for (let tick = 0; tick < hours * 36_000; tick++) {
      await sim.get()
      sim.clock.skip(100)
    }
    // 1 / 0.575 per lifetime, of which there are four an hour.
    expect(sim.aws.calls.length).to.be.within(hours * 4 * 1.7, hours * 4 * 1.8)
  })

  it('never refreshes continuously if AWS limits 3,600 seconds to 900', async () => {
    expect(sim.aws.lastCall.request.durationSeconds).to.equal(3_600)
    expect(sim.cache.status()[0]?.refreshAt).to.deep.equal(new Date(sim.clock.now().wall + REFRESH))
  })
})

describe('the cache and nextRefreshTime', () => {
  const start = async (api: 'GetCredentials' | 'GetClusterCredentialsWithIAM', next: number): Promise<number> => {
    const sim = new Simulation()
    const nextRefreshTime = new Date(sim.clock.trueTime + next)
    sim.aws.script.push({ kind: 'login', login: { nextRefreshTime } })
    const login = await sim.cache.get('key', requestFor('examplecluster', api))
    expect(login.nextRefreshTime).to.deep.equal(nextRefreshTime)
    return Number(sim.cache.status()[0]?.refreshAt) - sim.clock.now().wall
  }

  it('uses it from GetCredentials, if it is between a quarter of the lifetime and the drawn time', async () => {
    expect(await start('GetCredentials', 300_000)).to.equal(300_000)
    expect(await start('GetCredentials', 200_000)).to.equal(REFRESH)
    expect(await start('GetCredentials', 600_000)).to.equal(REFRESH)
  })

  it('ignores it from GetClusterCredentialsWithIAM, where AWS reserves it for future use', async () => {
    expect(await start('GetClusterCredentialsWithIAM', 300_000)).to.equal(REFRESH)
  })
})

describe('a bounded cache', () => {
  it('keeps one flight if the entry is evicted during a fetch, and stores its login', async () => {
    const sim = new Simulation({ maxEntries: 1 })
    sim.aws.always = { kind: 'hang' }
    const one = [sim.get('one')]
    const [flight] = sim.aws.calls
    const other = sim.get('other')
    one.push(sim.get('one'))
    expect(sim.aws.calls).to.have.lengthOf(2)
    flight?.respond()
    const [login] = await Promise.all(one)
    expect(await one[1]).to.equal(login)
    expect(await sim.get('one')).to.equal(login)
    sim.aws.lastCall.respond()
    await other
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('serves at once if the entry is evicted during a refresh', async () => {
    const sim = new Simulation({ maxEntries: 1 })
    const first = await sim.get('one')
    sim.clock.skip(REFRESH + 1)
    sim.aws.script.push({ kind: 'hang' })
    await sim.get('one')
    await sim.get('other')
    expect(await stateOf(sim.get('one'))).to.equal('resolved')
    expect(await sim.get('one')).to.equal(first)
    expect(sim.aws.calls).to.have.lengthOf(3)
  })

  it('does not count peek() as a use', async () => {
    const sim = new Simulation({ maxEntries: 2 })
    const one = await sim.get('one')
    await sim.get('two')
    expect(sim.cache.peek('one')).to.equal(one)
    await sim.get('three')
    expect(sim.cache.peek('one')).to.equal(undefined)
  })

  it('keeps the back-off if the entry is evicted during a fetch', async () => {
    const sim = new Simulation({ maxEntries: 1 })
    sim.aws.always = { kind: 'hang' }
    const one = failureOf(sim.get('one'))
    const [flight] = sim.aws.calls
    const other = sim.get('other')
    sim.aws.lastCall.respond()
    await other
    flight?.fail()
    await one
    await expectFailure(sim.get('one'), 'ERR_REDSHIFT_UNAVAILABLE')
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('evicts the least recently used login', async () => {
    const sim = new Simulation({ maxEntries: 3 })
    for (const name of ['a', 'b', 'c', 'a', 'd']) await sim.get(name)
    expect(sim.aws.calls).to.have.lengthOf(4)
    for (const name of ['a', 'c', 'd']) await sim.get(name)
    expect(sim.aws.calls).to.have.lengthOf(4)
    await sim.get('b')
    expect(sim.aws.calls).to.have.lengthOf(5)
    expect(sim.cache.status()).to.have.lengthOf(3)
  })

  it('serves more keys than it has room for, all at once', async () => {
    const sim = new Simulation({ maxEntries: 2 })
    sim.aws.always = { kind: 'login', after: 100 }
    const names = Array.from({ length: 50 }, (_, index) => `cluster${index}`)
    const all = [...names, ...names].map(name => sim.get(name))
    await sim.clock.advance(100)
    const logins = await Promise.all(all)
    expect(new Set(logins).size).to.equal(50)
    expect(sim.aws.calls).to.have.lengthOf(50)
    expect(sim.cache.status()).to.have.lengthOf(2)
  })

  it('treats the rejection of an evicted login as one of the current login if the password is the same', async () => {
    const sim = new Simulation({ maxEntries: 1 })
    const evicted = await sim.get('one')
    await sim.get('other')
    sim.aws.script.push({ kind: 'login', login: { password: evicted.password } })
    const current = await sim.get('one')
    sim.clock.skip(10_000)
    expect(sim.cache.invalidate(evicted)).to.equal(true)
    expect((await sim.get('one')).password).to.not.equal(current.password)
  })

  it('recognizes a rejection of an evicted login, and of an older one', async () => {
    const sim = new Simulation({ maxEntries: 1 })
    const evicted = await sim.get('one')
    await sim.get('other')
    const current = await sim.get('one')
    sim.clock.skip(10_000)
    expect(sim.cache.invalidate(evicted)).to.equal(true)
    expect(await sim.get('one')).to.equal(current)
  })
})

describe('the status', () => {
  it("contains the phase, the times on the host's clock and the last failure, and no secret", async () => {
    const sim = new Simulation()
    sim.clock.setWall(-3_600_000)
    const status = () => {
      const [entry] = sim.cache.status()
      if (!entry) throw new Error('There is no entry.')
      return entry
    }
    expect(sim.cache.status()).to.deep.equal([])
    sim.aws.script.push({ kind: 'fail' })
    await failureOf(sim.get())
    expect(status()).to.deep.include({
      request: requestFor(),
      phase: 'none',
      user: undefined,
      expiration: undefined,
      refreshAt: undefined,
    })
    expect(status().lastError?.code).to.equal('ERR_REDSHIFT_UNAVAILABLE')
    expect(status().lastError).to.not.equal(status().lastError)

    sim.clock.skip(5_000)
    const login = await sim.get()
    const wall = sim.clock.now().wall
    const fresh = {
      user: 'IAMR:analyst',
      expiration: login.expiration,
      refreshAt: new Date(wall + REFRESH),
      lastError: undefined,
    }
    expect(status()).to.deep.include({ ...fresh, phase: 'fresh', inDoubt: false })
    sim.aws.always = { kind: 'hang' }
    sim.clock.skip(REFRESH)
    expect(status()).to.deep.include({ ...fresh, phase: 'stale' })
    sim.clock.skip(EXPIRE - REFRESH)
    expect(status()).to.deep.include({ ...fresh, phase: 'expired' })
    expect(JSON.stringify(status())).to.not.include('hunter')
  })
})
