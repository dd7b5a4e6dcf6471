import { expect } from 'chai'
import type { RedshiftLogin } from '../lib/login.js'
import { expectFailure, REFRESH, Simulation, settle, stateOf } from './support/simulation.js'

describe('a refused login', () => {
  let sim: Simulation
  let first: RedshiftLogin
  beforeEach(async () => {
    sim = new Simulation()
    first = await sim.get()
    sim.clock.skip(10_000)
  })

  it('is never served again: the next caller waits for another', async () => {
    expect(sim.cache.invalidate(first)).to.equal(true)
    expect(sim.cache.peek('examplecluster')).to.equal(undefined)
    expect(sim.cache.status()[0]?.phase).to.equal('rejected')
    expect((await sim.get()).password).to.equal('hunter2')
  })

  it('is fetched anew once for a hundred refusals', async () => {
    sim.aws.script.push({ kind: 'login', after: 100 })
    const all: Promise<RedshiftLogin>[] = []
    for (let count = 0; count < 100; count++) {
      expect(sim.cache.invalidate(first)).to.equal(true)
      all.push(sim.get())
    }
    await sim.clock.advance(100)
    const second = await all[0]
    for (const login of await Promise.all(all)) expect(login).to.equal(second)
    for (let count = 0; count < 100; count++) expect(sim.cache.invalidate(first)).to.equal(true)
    expect(await sim.get()).to.equal(second)
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('fetches nothing by itself', async () => {
    sim.cache.invalidate(first)
    await sim.clock.advance(100_000)
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('that is no longer current changes nothing', async () => {
    sim.clock.skip(REFRESH)
    await sim.get()
    await settle()
    const second = await sim.get()
    sim.clock.skip(10_000)
    expect(sim.cache.invalidate(first)).to.equal(true)
    expect(await sim.get()).to.equal(second)
  })

  it('that is no longer current, but whose password is, counts as a refusal of the current one', async () => {
    sim.clock.skip(REFRESH)
    sim.aws.script.push({ kind: 'login', login: { password: first.password } })
    await sim.get()
    await settle()
    const second = await sim.get()
    expect(second).to.not.equal(first)
    expect(sim.cache.invalidate(first)).to.equal(false)
    expect(await sim.get()).to.equal(second)
    sim.clock.skip(10_000)
    expect(sim.cache.invalidate(first)).to.equal(true)
    expect((await sim.get()).password).to.not.equal(first.password)
  })

  it('while a refresh is under way makes callers wait for that refresh', async () => {
    sim.aws.script.push({ kind: 'hang' })
    sim.clock.skip(REFRESH)
    expect(await sim.get()).to.equal(first)
    expect(sim.cache.invalidate(first)).to.equal(true)
    const waiting = sim.get()
    expect(await stateOf(waiting)).to.equal('pending')
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.aws.lastCall.answer()
    expect((await waiting).password).to.equal('hunter2')
  })

  it('that a refresh brings again, with an equal expiry, is not served again', async () => {
    sim.clock.skip(REFRESH)
    sim.aws.script.push({ kind: 'hang' })
    await sim.get()
    sim.cache.invalidate(first)
    sim.aws.lastCall.answer({ password: first.password, expiration: first.expiration })
    await settle()
    await expectFailure(sim.get(), 'ERR_REDSHIFT_LOGIN_REJECTED')
  })

  it('that was just fetched is ignored, and served on to all', async () => {
    sim.clock.skip(-10_000)
    expect(sim.cache.invalidate(first)).to.equal(false)
    sim.clock.skip(4_999)
    expect(sim.cache.invalidate(first)).to.equal(false)
    expect(await sim.get()).to.equal(first)
    expect(sim.cache.status()[0]?.phase).to.equal('fresh')
    sim.clock.skip(1)
    expect(sim.cache.invalidate(first)).to.equal(true)
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('of a short lifetime is ignored for a twentieth of it', async () => {
    const short = new Simulation({ lifetimeSeconds: 11 })
    const login = await short.get()
    short.clock.skip(499)
    expect(short.cache.invalidate(login)).to.equal(false)
    short.clock.skip(1)
    expect(short.cache.invalidate(login)).to.equal(true)
  })

  it('must grow older and older while refetched ones are refused, up to a minute, and costs a call a minute then', async () => {
    const ages: number[] = []
    for (let count = 0; count < 8; count++) {
      const login = await sim.get()
      const from = sim.clock.monotonic
      while (!sim.cache.invalidate(login)) sim.clock.skip(100)
      ages.push(sim.clock.monotonic - from)
    }
    expect(ages).to.deep.equal([0, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000])
  })

  it('may be young again once a login was refreshed in peace', async () => {
    for (let count = 0; count < 4; count++) {
      const login = await sim.get()
      sim.clock.skip(60_000)
      expect(sim.cache.invalidate(login)).to.equal(true)
    }
    await sim.get()
    sim.clock.skip(REFRESH + 1)
    await sim.get()
    await settle()
    const refreshed = await sim.get()
    sim.clock.skip(5_000)
    expect(sim.cache.invalidate(refreshed)).to.equal(true)
    const next = await sim.get()
    sim.clock.skip(5_000)
    expect(sim.cache.invalidate(next)).to.equal(true)
  })

  it('that AWS hands out again is a failure, and the back-off holds', async () => {
    sim.aws.always = { kind: 'login', login: { password: first.password } }
    sim.cache.invalidate(first)
    const error = await expectFailure(sim.get(), 'ERR_REDSHIFT_LOGIN_REJECTED')
    expect(error.message).to.include('IAMR:analyst').and.not.include('hunter')
    await expectFailure(sim.get(), 'ERR_REDSHIFT_LOGIN_REJECTED')
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.clock.skip(375)
    await expectFailure(sim.get(), 'ERR_REDSHIFT_LOGIN_REJECTED')
    expect(sim.aws.calls).to.have.lengthOf(3)
    sim.aws.always = { kind: 'login' }
    sim.clock.skip(5_000)
    await sim.get()
  })

  it('with the same password for another user is another login', async () => {
    sim.aws.script.push({ kind: 'login', login: { user: 'IAMR:other', password: first.password } })
    sim.cache.invalidate(first)
    expect((await sim.get()).user).to.equal('IAMR:other')
  })

  it('is fetched at once, whatever the back-off of a failed refresh', async () => {
    sim.clock.skip(REFRESH)
    sim.aws.script.push({ kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED', retryAfter: 60_000 })
    await sim.get()
    await settle()
    sim.cache.invalidate(first)
    expect((await sim.get()).password).to.equal('hunter2')
  })

  it('takes the pause of its own refreshes with it', async () => {
    sim.clock.skip(REFRESH)
    const nextRefreshTime = new Date(sim.clock.trueTime + 300_000)
    sim.aws.script.push({ kind: 'login', login: { expiration: first.expiration, nextRefreshTime } })
    await sim.get()
    await settle()
    sim.cache.invalidate(first)
    sim.aws.lifetimeSeconds = 60
    const second = await sim.get()
    sim.clock.skip(45_000)
    expect(await sim.get()).to.equal(second)
    expect(sim.aws.calls).to.have.lengthOf(4)
  })

  it('of another cache is refused', async () => {
    const other = new Simulation()
    expect(other.cache.invalidate(first)).to.equal(false)
  })
})
