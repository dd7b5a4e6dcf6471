import { expect } from 'chai'
import type { RedshiftLogin } from '../lib/login.js'
import { expectFailure, failureOf, REFRESH, requestFor, Simulation, settle, stateOf } from './support/simulation.js'

describe('a rejected login', () => {
  let sim: Simulation
  let first: RedshiftLogin
  beforeEach(async () => {
    sim = new Simulation()
    first = await sim.get()
    sim.clock.skip(10_000)
  })

  /** Like `sim.get()`, for a connection to a place. */
  const getAt = (place: string): Promise<RedshiftLogin> =>
    sim.cache.get('examplecluster', requestFor(), undefined, place)
  const inDoubt = (): boolean | undefined => sim.cache.status()[0]?.inDoubt

  it('stays in use while another login is fetched at once in the background', async () => {
    sim.aws.script.push({ kind: 'hang' })
    expect(sim.cache.invalidate(first, 'here')).to.equal(true)
    expect(sim.aws.calls).to.have.lengthOf(2)
    expect(sim.clock.timers.filter(({ referenced }) => referenced)).to.have.lengthOf(0)
    expect(inDoubt()).to.equal(true)
    expect(sim.cache.peek('examplecluster')).to.equal(first)
    expect(await sim.get()).to.equal(first)
    sim.aws.lastCall.respond()
    await settle()
    expect(inDoubt()).to.equal(false)
    expect((await sim.get()).password).to.equal('hunter2')
  })

  it('causes one fetch for a hundred rejections, and every rejected caller gets the new login', async () => {
    sim.aws.script.push({ kind: 'login', after: 100 })
    const all = Array.from({ length: 100 }, (_, count) => {
      expect(sim.cache.invalidate(first, `place ${count}`)).to.equal(true)
      return sim.cache.replacement(first)
    })
    await sim.clock.advance(100)
    const second = await all[0]
    expect(second?.password).to.equal('hunter2')
    for (const login of await Promise.all(all)) expect(login).to.equal(second)
    for (let count = 0; count < 100; count++) expect(sim.cache.invalidate(first, 'late')).to.equal(true)
    expect(await sim.cache.replacement(first)).to.equal(second)
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('makes connections wait only at places that had accepted it', async () => {
    for (const place of ['here', 'there']) sim.cache.accepted(first, place)
    sim.aws.script.push({ kind: 'hang' })
    sim.cache.invalidate(first, 'here')
    const waiting = [getAt('here'), getAt('there')]
    for (const promise of waiting) expect(await stateOf(promise)).to.equal('pending')
    expect(sim.cache.fresh('examplecluster', 'there')).to.equal(undefined)
    expect(await getAt('elsewhere')).to.equal(first)
    expect(await sim.get()).to.equal(first)
    sim.aws.lastCall.respond()
    for (const login of await Promise.all(waiting)) expect(login.password).to.equal('hunter2')
  })

  it('makes them wait at most 5 seconds; then they get the rejected login', async () => {
    sim.cache.accepted(first, 'there')
    sim.aws.script.push({ kind: 'hang' })
    sim.cache.invalidate(first, 'here')
    await sim.clock.advance(2_000)
    const waiting = getAt('there')
    await sim.clock.advance(2_999)
    expect(await stateOf(waiting)).to.equal('pending')
    await sim.clock.advance(1)
    expect(await waiting).to.equal(first)
    expect(await getAt('there'), 'while AWS hangs on').to.equal(first)
    expect(inDoubt()).to.equal(true)
  })

  it('lets a waiting caller leave when its signal aborts, and leaves no timer', async () => {
    sim.cache.accepted(first, 'there')
    sim.aws.script.push({ kind: 'hang' })
    sim.cache.invalidate(first, 'here')
    const controller = new AbortController()
    const waiting = failureOf(sim.cache.get('examplecluster', requestFor(), controller.signal, 'there'))
    const reason = new Error('given up')
    controller.abort(reason)
    expect(await waiting).to.equal(reason)
    expect(sim.clock.timers).to.have.lengthOf(1)
    sim.aws.lastCall.respond()
    await settle()
    expect(sim.clock.timers).to.have.lengthOf(0)
  })

  it('does not keep a caller whose signal has already aborted waiting for another login', async () => {
    sim.aws.script.push({ kind: 'hang' })
    sim.cache.invalidate(first, 'here')
    const reason = new Error('given up')
    expect(await failureOf(sim.cache.replacement(first, AbortSignal.abort(reason)))).to.equal(reason)
    sim.aws.lastCall.respond()
    await settle()
  })

  it('that is reported without a place makes the next caller without a place wait', async () => {
    sim.aws.script.push({ kind: 'login', after: 100 })
    expect(sim.cache.invalidate(first)).to.equal(true)
    const next = sim.get()
    await sim.clock.advance(100)
    expect((await next).password).to.equal('hunter2')
  })

  it('is in use again if AWS returns it again, and its caller gets no other login', async () => {
    sim.aws.script.push({ kind: 'login', login: { password: first.password } })
    sim.cache.invalidate(first, 'here')
    expect(await sim.cache.replacement(first)).to.equal(undefined)
    expect(inDoubt()).to.equal(false)
    expect((await getAt('here')).password).to.equal(first.password)
    expect(sim.cache.invalidate(await sim.get(), 'here'), 'again, at once').to.equal(false)
    sim.clock.skip(10_000)
    expect(sim.cache.invalidate(await sim.get(), 'here'), 'later').to.equal(true)
  })

  for (const code of ['ERR_REDSHIFT_UNAVAILABLE', 'ERR_REDSHIFT_THROTTLED'] as const)
    it(`is in use until its expiry if AWS fails with ${code}, and its caller gets no other login`, async () => {
      sim.aws.always = { kind: 'fail', code }
      sim.cache.invalidate(first, 'here')
      expect(await sim.cache.replacement(first)).to.equal(undefined)
      expect(inDoubt()).to.equal(false)
      for (let passed = 10; passed < 880; passed++) {
        expect(await getAt('here')).to.equal(first)
        sim.clock.skip(1_000)
      }
      expect(sim.cache.status()[0]?.lastError?.code).to.equal(code)
    })

  it('is in use until its expiry if AWS denies access, and its caller gets the error of AWS', async () => {
    sim.aws.always = { kind: 'fail', code: 'ERR_REDSHIFT_ACCESS_DENIED' }
    sim.cache.invalidate(first, 'here')
    await expectFailure(sim.cache.replacement(first), 'ERR_REDSHIFT_ACCESS_DENIED')
    expect(await getAt('here')).to.equal(first)
  })

  it('is in use until its expiry if AWS does not respond', async () => {
    sim.aws.always = { kind: 'hang' }
    sim.cache.invalidate(first, 'here')
    const replacement = sim.cache.replacement(first)
    await sim.clock.advance(15_000)
    expect(await replacement).to.equal(undefined)
    expect(inDoubt()).to.equal(false)
    expect(await getAt('here')).to.equal(first)
  })

  it('is replaced by a login that expires earlier or at the same time', async () => {
    for (const expiration of [new Date(+first.expiration - 60_000), first.expiration]) {
      const current = await sim.get()
      sim.cache.accepted(current, 'here')
      sim.aws.script.push({ kind: 'login', login: { expiration } })
      sim.cache.invalidate(current, 'here')
      const next = await sim.cache.replacement(current)
      expect(next).to.deep.include({ expiration }).and.not.equal(current)
      expect(await sim.get()).to.equal(next)
    }
  })

  it('changes nothing if it is no longer current', async () => {
    sim.clock.skip(REFRESH)
    await sim.get()
    await settle()
    const second = await sim.get()
    sim.cache.accepted(second, 'here')
    expect(sim.cache.invalidate(first, 'here')).to.equal(true)
    expect(await sim.cache.replacement(first)).to.equal(second)
    expect(inDoubt()).to.equal(false)
    expect(sim.aws.calls).to.have.lengthOf(2)
    for (const _ of [1, 2, 3]) {
      sim.cache.accepted(second, 'here')
      expect(sim.cache.invalidate(await sim.get(), 'here'), 'the whole budget is left').to.equal(true)
      await settle()
    }
  })

  it('counts as a rejection of the current login if user and password are the same', async () => {
    sim.clock.skip(REFRESH)
    sim.aws.script.push({ kind: 'login', login: { password: first.password } })
    await sim.get()
    await settle()
    expect(await sim.get()).to.not.equal(first)
    expect(sim.cache.invalidate(first, 'here')).to.equal(true)
    expect((await sim.cache.replacement(first))?.password).to.not.equal(first.password)
  })

  it('causes only the fetch that is due if it has expired meanwhile', async () => {
    sim.clock.skip(900_000)
    expect(sim.cache.invalidate(first, 'here')).to.equal(true)
    expect(sim.aws.calls).to.have.lengthOf(1)
    expect((await sim.cache.replacement(first))?.password).to.equal('hunter2')
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('waits for a refresh that is running', async () => {
    sim.aws.script.push({ kind: 'hang' })
    sim.clock.skip(REFRESH)
    expect(await sim.get()).to.equal(first)
    expect(sim.cache.invalidate(first, 'here')).to.equal(true)
    const replacement = sim.cache.replacement(first)
    expect(sim.aws.calls).to.have.lengthOf(2)
    sim.aws.lastCall.respond()
    expect((await replacement)?.password).to.equal('hunter2')
  })

  it('is fetched again if the refresh was lost to a suspension', async () => {
    sim.aws.script.push({ kind: 'hang' })
    sim.clock.skip(REFRESH)
    await sim.get()
    sim.clock.suspend(60_000)
    expect(sim.cache.invalidate(first, 'here')).to.equal(true)
    expect((await sim.cache.replacement(first))?.password).to.equal('hunter2')
    expect(sim.aws.calls).to.have.lengthOf(3)
  })

  it('is fetched at once, even during the back-off of a failed refresh', async () => {
    sim.clock.skip(REFRESH)
    sim.aws.script.push({ kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED', retryAfter: 60_000 })
    await sim.get()
    await settle()
    sim.cache.invalidate(first, 'here')
    expect((await sim.cache.replacement(first))?.password).to.equal('hunter2')
  })

  it('differs from a login with the same password for another user', async () => {
    sim.aws.script.push({ kind: 'login', login: { user: 'IAMR:other', password: first.password } })
    sim.cache.invalidate(first, 'here')
    expect((await sim.cache.replacement(first))?.user).to.equal('IAMR:other')
  })

  it('makes every caller wait after its expiry, and retries for them if that fetch fails', async () => {
    sim.clock.skip(875_000)
    sim.aws.script.push({ kind: 'hang' }, { kind: 'login' }, { kind: 'hang' }, { kind: 'login' })
    const near = await sim.get()
    await settle()
    expect(sim.cache.invalidate(near, 'here')).to.equal(true)
    await sim.clock.advance(5_000)
    const waiting = sim.get()
    await sim.clock.advance(15_000)
    expect((await waiting).password).to.not.equal(first.password)
  })

  it('delays a waiting caller by at most one deadline if it expires meanwhile', async () => {
    sim.cache.accepted(first, 'here')
    sim.clock.skip(878_500)
    sim.aws.always = { kind: 'hang' }
    expect(sim.cache.invalidate(first, 'here')).to.equal(true)
    let ended = false
    const failing = failureOf(getAt('here')).finally(() => {
      ended = true
    })
    await sim.clock.advance(14_999)
    expect(ended).to.equal(false)
    await sim.clock.advance(1)
    expect(ended).to.equal(true)
    expect((await failing).code).to.equal('ERR_REDSHIFT_TIMEOUT')
  })

  it('is replaced even if its entry was evicted, and the history of its places is kept', async () => {
    const small = new Simulation({ maxEntries: 1 })
    const login = await small.get('one')
    small.cache.accepted(login, 'here')
    small.aws.script.push({ kind: 'hang' }, { kind: 'login' })
    small.cache.invalidate(login, 'here')
    await small.get('other')
    const waiting = small.cache.get('one', requestFor('one'), undefined, 'here')
    expect(await stateOf(waiting)).to.equal('pending')
    small.aws.calls[1]?.respond()
    const next = await waiting
    expect(next.password).to.not.equal(login.password)
    small.cache.accepted(next, 'here')
    expect(small.cache.invalidate(next, 'here')).to.equal(true)
    expect(small.aws.calls).to.have.lengthOf(4)
  })

  it('rejects the waiting callers when the cache is closed', async () => {
    sim.cache.accepted(first, 'there')
    sim.aws.script.push({ kind: 'hang' })
    sim.cache.invalidate(first, 'here')
    const waiting = [getAt('there'), sim.cache.replacement(first)].map(promise => failureOf(promise))
    sim.cache.close()
    for (const { code } of await Promise.all(waiting)) expect(code).to.equal('ERR_REDSHIFT_CLOSED')
    expect(sim.clock.timers).to.have.lengthOf(0)
    sim.cache.accepted(first, 'here')
    expect(sim.cache.invalidate(first, 'here')).to.equal(false)
    expect(sim.aws.calls).to.have.lengthOf(2)
  })

  it('changes nothing if it belongs to another cache', async () => {
    const other = new Simulation()
    expect(other.cache.invalidate(first)).to.equal(false)
    other.cache.accepted(first, 'here')
    expect(await other.cache.replacement(first)).to.equal(undefined)
    expect(other.aws.calls).to.have.lengthOf(0)
  })
})
