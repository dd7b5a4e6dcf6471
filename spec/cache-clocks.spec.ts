import { expect } from 'chai'
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

describe('the cache and clocks', () => {
  let sim: Simulation
  beforeEach(() => {
    sim = new Simulation()
  })

  it('serves a login when the wall clock is set back an hour, but not after its expiry', async () => {
    const first = await sim.get()
    sim.clock.skip(100_000)
    sim.clock.setWall(-3_600_000)
    expect(await sim.get()).to.equal(first)
    expect(sim.aws.calls).to.have.lengthOf(1)
    sim.aws.always = { kind: 'hang' }
    sim.clock.skip(EXPIRE - 100_000 - 1)
    expect(await sim.get()).to.equal(first)
    sim.clock.skip(1)
    expect(await stateOf(sim.get())).to.equal('pending')
  })

  it('fetches one more login when the wall clock is set ahead an hour, then serves that as usual', async () => {
    const first = await sim.get()
    sim.clock.skip(100_000)
    sim.clock.setWall(3_600_000)
    const second = await sim.get()
    expect(second).to.not.equal(first)
    for (let count = 0; count < 100; count++) expect(await sim.get()).to.equal(second)
    sim.clock.skip(REFRESH - 1)
    expect(await sim.get()).to.equal(second)
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  for (const error of [-600_000, 600_000])
    it(`measures the lifetime by the server's clock if the host's clock is ${error / 60_000} minutes off`, async () => {
      sim.clock.setWall(error)
      const first = await sim.get()
      sim.clock.skip(REFRESH - 1)
      expect(await sim.get()).to.equal(first)
      expect(sim.aws.calls).to.have.lengthOf(1)
      sim.aws.always = { kind: 'hang' }
      sim.clock.skip(EXPIRE - REFRESH)
      expect(await sim.get()).to.equal(first)
      sim.clock.skip(1)
      expect(await stateOf(sim.get())).to.equal('pending')
    })

  it("never serves an expired login if the response has no time and the host's clock is 10 minutes behind", async () => {
    sim.aws.tellsTime = false
    sim.clock.setWall(-600_000)
    const first = await sim.cache.get('key', { ...requestFor(), durationSeconds: 900 })
    sim.aws.always = { kind: 'hang' }
    sim.clock.skip(890_000 - 1)
    expect(await sim.cache.get('key', requestFor())).to.equal(first)
    expect(sim.clock.trueTime).to.be.below(+first.expiration)
    sim.clock.skip(1)
    expect(await stateOf(sim.cache.get('key', requestFor()))).to.equal('pending')
  })

  it("refreshes sooner, but not continuously, if the response has no time and the host's clock is 10 minutes ahead", async () => {
    sim.aws.tellsTime = false
    sim.clock.setWall(600_000)
    for (let tick = 0; tick < 36_000; tick++) {
      await sim.get()
      sim.clock.skip(100)
    }
    // Each login is used for 299 seconds.
    expect(sim.aws.calls.length).to.be.within(19, 23)
  })

  it("reports the wrong clock if the response has no time and the host's clock is past the expiry", async () => {
    sim.aws.tellsTime = false
    sim.clock.setWall(900_000)
    expectError(await failureOf(sim.get()), { code: 'ERR_REDSHIFT_RESPONSE', names: ['GetCredentials', 'clock'] })
  })

  it('notices that the machine was suspended, and does not serve a login that has expired', async () => {
    const first = await sim.get()
    sim.clock.suspend(3_600_000)
    const second = await sim.get()
    expect(second).to.not.equal(first)
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('refreshes a login in the background if it became stale while the machine was suspended', async () => {
    const first = await sim.get()
    sim.aws.always = { kind: 'login', after: 100 }
    sim.clock.suspend(REFRESH + 1)
    expect(await sim.get()).to.equal(first)
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('fetches again if the login expired in transit while the machine was suspended', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const waiting = sim.get()
    const expiration = new Date(sim.clock.trueTime + 900_000)
    const serverTime = sim.clock.trueTime
    sim.clock.suspend(3_600_000)
    sim.aws.lastCall.respond({ expiration, serverTime })
    const login = await waiting
    expect(login.password).to.equal('hunter2')
    expect(sim.aws.calls).to.have.lengthOf(2)
    expect(+login.expiration).to.be.above(sim.clock.trueTime)
  })

  it('fetches again only once', async () => {
    sim.aws.always = { kind: 'hang' }
    const waiting = sim.get()
    for (let count = 0; count < 2; count++) {
      const { trueTime } = sim.clock
      sim.clock.suspend(3_600_000)
      sim.aws.lastCall.respond({ expiration: new Date(trueTime + 900_000), serverTime: trueTime })
      await settle()
    }
    await expectFailure(waiting, 'ERR_REDSHIFT_RESPONSE')
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('uses a response that is still valid after the machine was suspended', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const waiting = sim.get()
    const issued = sim.aws.issue()
    sim.clock.suspend(600_000)
    sim.aws.lastCall.respond(issued)
    await waiting
    expect(sim.cache.status()[0]?.phase).to.equal('stale')
  })

  it('restarts a fetch that has no waiting callers after the machine was suspended', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const controller = new AbortController()
    const aborting = failureOf(sim.get(undefined, controller.signal))
    controller.abort()
    await aborting
    sim.clock.suspend(15_000)
    const joined = sim.get()
    expect(sim.aws.calls).to.have.lengthOf(1)
    joined.catch(() => {})
    sim.aws.lastCall.fail()
    await settle()

    sim.clock.skip(5_000)
    sim.aws.script.push({ kind: 'hang' })
    const again = new AbortController()
    const leaving = failureOf(sim.get(undefined, again.signal))
    again.abort()
    await leaving
    sim.clock.suspend(15_001)
    expect((await sim.get()).password).to.equal('hunter1')
    expect(sim.aws.calls).to.have.lengthOf(3)
    expect(sim.aws.calls[1]?.signal.aborted).to.equal(true)
  })

  it('does not restart a fetch that a caller waits for', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const waiting = sim.get()
    sim.clock.suspend(3_600_000)
    const joining = sim.get()
    expect(sim.aws.calls).to.have.lengthOf(1)
    sim.aws.lastCall.respond()
    expect(await joining).to.equal(await waiting)
  })

  it('does not replay the failure of a background refresh', async () => {
    await sim.get()
    sim.aws.script.push({ kind: 'hang' })
    sim.clock.skip(REFRESH + 1)
    await sim.get()
    sim.clock.suspend(3_600_000)
    sim.aws.lastCall.fail()
    await settle()
    expect((await sim.get()).password).to.equal('hunter2')
  })

  it('runs a deadline on the monotonic clock, so that suspension does not use it up', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const waiting = sim.get()
    sim.clock.suspend(3_600_000)
    await sim.clock.advance(14_999)
    expect(await stateOf(waiting)).to.equal('pending')
    sim.aws.lastCall.fail()
    await expectFailure(waiting, 'ERR_REDSHIFT_UNAVAILABLE')
    sim.clock.setWall(3_600_000)
    await expectFailure(sim.get(), 'ERR_REDSHIFT_UNAVAILABLE')
    expect(sim.aws.calls).to.have.lengthOf(1)
  })
})
