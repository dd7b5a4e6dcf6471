import { expect } from 'chai'
import { EXPIRE, expectFailure, failureOf, REFRESH, Simulation, settle } from './support/simulation.js'

describe('a caller that aborts its signal', () => {
  let sim: Simulation
  beforeEach(() => {
    sim = new Simulation()
    sim.aws.always = { kind: 'hang' }
  })

  it('detaches only itself: the others get the login', async () => {
    const controller = new AbortController()
    const aborting = sim.get(undefined, controller.signal)
    const waiting = sim.get()
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await failureOf(aborting)).to.equal(reason)
    expect(sim.aws.lastCall.signal.aborted).to.equal(false)
    sim.aws.lastCall.respond()
    expect((await waiting).password).to.equal('hunter1')
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('rejects at once if the signal is already aborted, and starts no fetch', async () => {
    const reason = new Error('enough')
    expect(await failureOf(sim.get(undefined, AbortSignal.abort(reason)))).to.equal(reason)
    expect(sim.aws.calls).to.have.lengthOf(0)
    expect(sim.cache.status()).to.deep.equal([])
  })

  it('rejects with an aborted signal even if a login is cached', async () => {
    sim.aws.always = { kind: 'login' }
    await sim.get()
    expect((await failureOf(sim.get(undefined, AbortSignal.abort()))).name).to.equal('AbortError')
  })

  it('leaves the fetch to later callers, even if all callers abort', async () => {
    const controller = new AbortController()
    const all = Array.from({ length: 10 }, () => failureOf(sim.get(undefined, controller.signal)))
    controller.abort()
    for (const error of await Promise.all(all)) expect(error.name).to.equal('AbortError')
    const late = sim.get()
    expect(sim.aws.calls).to.have.lengthOf(1)
    sim.aws.lastCall.respond()
    await late
    expect(await sim.get()).to.equal(await late)
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('changes nothing after the call has ended', async () => {
    const controller = new AbortController()
    const waiting = sim.get(undefined, controller.signal)
    sim.aws.lastCall.respond()
    const login = await waiting
    controller.abort()
    expect(await sim.get()).to.equal(login)
  })

  it('leaves no listener on its signal after a thousand waits or a thousand cache hits', async () => {
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    // Node warns of a leak from the eleventh listener on.
    const warnings: Error[] = []
    const warn = (warning: Error) => warnings.push(warning)
    process.on('warning', warn)
    const waiting = Array.from({ length: 1_000 }, () => sim.get(undefined, signal))
    expect(listeners).to.equal(1)
    sim.aws.lastCall.respond()
    await Promise.all(waiting)
    for (let count = 0; count < 1_000; count++) await sim.get(undefined, signal)
    expect(listeners).to.equal(0)

    sim.clock.skip(900_000)
    const failing = Array.from({ length: 1_000 }, () => failureOf(sim.get(undefined, signal)))
    expect(listeners).to.equal(1)
    sim.aws.lastCall.fail()
    await Promise.all(failing)
    expect(listeners).to.equal(0)

    sim.clock.skip(5_000)
    const aborting = Array.from({ length: 1_000 }, () => failureOf(sim.get(undefined, signal)))
    controller.abort()
    await Promise.all(aborting)
    expect(listeners).to.equal(0)
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', warn)
    expect(warnings).to.deep.equal([])
  })
})

describe('closing', () => {
  let sim: Simulation
  beforeEach(() => {
    sim = new Simulation()
  })

  it('removes every login, and rejects later calls', async () => {
    const login = await sim.get()
    sim.clock.skip(10_000)
    sim.cache.close()
    await expectFailure(sim.get(), 'ERR_REDSHIFT_CLOSED')
    expect(sim.cache.status()).to.deep.equal([])
    expect(sim.cache.peek('examplecluster')).to.equal(undefined)
    expect(sim.cache.invalidate(login)).to.equal(false)
    expect(sim.aws.calls).to.have.lengthOf(1)
  })

  it('rejects the waiting callers, aborts the call, ignores its response and leaves no timer', async () => {
    sim.aws.always = { kind: 'hang' }
    const waiting = [failureOf(sim.get()), failureOf(sim.get()), failureOf(sim.get('other'))]
    sim.cache.close()
    const errors = await Promise.all(waiting)
    for (const { code } of errors) expect(code).to.equal('ERR_REDSHIFT_CLOSED')
    expect(new Set(errors).size).to.equal(3)
    expect(sim.aws.calls.map(({ signal }) => signal.aborted)).to.deep.equal([true, true])
    expect(sim.clock.timers).to.have.lengthOf(0)
    for (const call of sim.aws.calls) call.respond()
    await settle()
    expect(sim.cache.status()).to.deep.equal([])
  })

  it('reports no error if a refresh is running in the background', async () => {
    await sim.get()
    sim.aws.always = { kind: 'hang' }
    sim.clock.skip(REFRESH + 1)
    await sim.get()
    sim.cache.close()
    sim.aws.lastCall.fail()
    await settle()
    expect(sim.clock.timers).to.have.lengthOf(0)
    expect(sim.cache.status()).to.deep.equal([])
  })

  it('can be called twice', async () => {
    sim.aws.always = { kind: 'hang' }
    const waiting = failureOf(sim.get())
    sim.cache.close()
    sim.cache.close()
    expect((await waiting).code).to.equal('ERR_REDSHIFT_CLOSED')
    sim.cache.close()
  })
})

describe('the timer of a flight', () => {
  let sim: Simulation
  beforeEach(() => {
    sim = new Simulation()
    sim.aws.always = { kind: 'hang' }
  })
  const referenced = (): boolean[] => sim.clock.timers.map(timer => timer.referenced)

  it('keeps the process alive while a caller waits', async () => {
    const one = new AbortController()
    const other = new AbortController()
    const waiting = [failureOf(sim.get(undefined, one.signal)), failureOf(sim.get(undefined, other.signal))]
    expect(referenced()).to.deep.equal([true])
    one.abort()
    expect(referenced()).to.deep.equal([true])
    other.abort()
    expect(referenced()).to.deep.equal([false])
    waiting.push(failureOf(sim.get()))
    expect(referenced()).to.deep.equal([true])
    sim.aws.lastCall.fail()
    await Promise.all(waiting)
    expect(referenced()).to.deep.equal([])
  })

  it('does not keep the process alive for a background refresh, until a caller waits for it', async () => {
    sim.aws.script.push({ kind: 'login' })
    await sim.get()
    sim.clock.skip(EXPIRE - 1_000)
    await sim.get()
    expect(referenced()).to.deep.equal([false])
    sim.clock.skip(1_000)
    const waiting = sim.get()
    expect(referenced()).to.deep.equal([true])
    sim.aws.lastCall.respond()
    await waiting
    expect(referenced()).to.deep.equal([])
  })
})
