import { expect } from 'chai'
import type { RedshiftLogin } from '../lib/login.js'
import {
  type FetchEndMessage,
  type FetchStartMessage,
  fetchEnd,
  fetchStart,
  type InvalidateMessage,
  invalidated,
} from '../lib/tracing.js'
import { error, expectFailure, failureOf, REFRESH, Simulation, settle } from './support/simulation.js'

describe('the diagnostics channels', () => {
  let sim: Simulation
  let messages: [string, unknown][]
  const endOf = (): FetchEndMessage => {
    const [, message] = messages.find(([name]) => name === 'end') ?? []
    return message as FetchEndMessage
  }
  const onStart = (message: unknown) => messages.push(['start', message])
  const onEnd = (message: unknown) => messages.push(['end', message])
  const onInvalidate = (message: unknown) => messages.push(['invalidate', message])
  beforeEach(() => {
    sim = new Simulation()
    messages = []
    fetchStart.subscribe(onStart)
    fetchEnd.subscribe(onEnd)
    invalidated.subscribe(onInvalidate)
  })
  afterEach(() => {
    fetchStart.unsubscribe(onStart)
    fetchEnd.unsubscribe(onEnd)
    invalidated.unsubscribe(onInvalidate)
  })
  const context = {
    api: 'GetCredentials',
    target: 'examplecluster',
    region: 'us-west-2',
    database: 'dev',
    user: undefined,
  } as const

  it('publish the start and the end of a fetch', async () => {
    const start: FetchStartMessage = { ...context, background: false }
    sim.aws.always = { kind: 'login', after: 120 }
    const waiting = sim.get()
    expect(messages).to.deep.equal([['start', start]])
    await sim.clock.advance(120)
    const { expiration, user } = await waiting
    const end: FetchEndMessage = {
      ...start,
      outcome: 'fetched',
      durationMillis: 120,
      loginUser: user,
      expiration,
      error: undefined,
      pauseMillis: 0,
    }
    expect(messages).to.deep.equal([
      ['start', start],
      ['end', end],
    ])
    expect(Object.keys(end)).to.have.members(Object.keys(endOf() as object))
  })

  it('publish a failure in the background, and the pause after it', async () => {
    const { expiration } = await sim.get()
    messages = []
    sim.clock.skip(REFRESH + 1)
    sim.aws.script.push({ kind: 'fail', code: 'ERR_REDSHIFT_THROTTLED' })
    await sim.get()
    await settle()
    const [start, end] = messages.map(([, message]) => message) as [FetchStartMessage, FetchEndMessage]
    expect(start).to.deep.equal({ ...context, background: true })
    expect(end).to.deep.include({
      ...context,
      background: true,
      outcome: 'failed',
      durationMillis: 0,
      expiration,
      pauseMillis: 3_750,
    })
    expect(end.error?.code).to.equal('ERR_REDSHIFT_THROTTLED')
  })

  it('publish a response with the same expiry', async () => {
    const { expiration } = await sim.get()
    messages = []
    sim.clock.skip(REFRESH + 1)
    sim.aws.script.push({ kind: 'login', login: { expiration } })
    await sim.get()
    await settle()
    expect(endOf()).to.deep.include({
      outcome: 'unchanged',
      expiration,
      error: undefined,
      pauseMillis: 89_900,
    })
  })

  it('publish a rejected login once', async () => {
    const login = await sim.get()
    messages = []
    sim.clock.skip(4_999.6)
    sim.aws.script.push({ kind: 'login', login: { password: login.password } })
    for (let count = 0; count < 3; count++) sim.cache.invalidate(login, 'here')
    await settle()
    sim.clock.skip(1)
    sim.cache.invalidate(await sim.get(), 'here')
    const said = messages.filter(([name]) => name === 'invalidate').map(([, message]) => message)
    const believed: InvalidateMessage = { ...context, accepted: true, ageMillis: 5_000 }
    expect(said).to.deep.equal([believed, { ...believed, accepted: false, ageMillis: 1 }])
  })

  it('publish that closing has ended a fetch', async () => {
    sim.aws.script.push({ kind: 'hang' })
    const waiting = failureOf(sim.get())
    sim.cache.close()
    await waiting
    expect(endOf()).to.deep.include({ outcome: 'failed', expiration: undefined })
    expect(endOf().error?.code).to.equal('ERR_REDSHIFT_CLOSED')
  })

  it('publish a separate error, which a subscriber may change, and no secret', async () => {
    const { message } = error('ERR_REDSHIFT_UNAVAILABLE')
    sim.aws.script.push({ kind: 'fail' })
    expect((await failureOf(sim.get())).message).to.equal(message)
    Object.assign(endOf().error ?? {}, { message: 'changed' })
    expect((await failureOf(sim.get())).message).to.equal(message)
    expect(sim.cache.status()[0]?.lastError?.message).to.equal(message)
    sim.clock.skip(1_000)
    const login = await sim.get()
    sim.cache.invalidate(login)
    expect(JSON.stringify(messages)).to.not.include('hunter')
  })

  it('publish a separate date, as status() returns one, and neither changes with the date of a login', async () => {
    const login = await sim.get()
    const expected = new Date(login.expiration)
    endOf().expiration?.setFullYear(2_000)
    sim.cache.status()[0]?.expiration?.setFullYear(2_000)
    expect(login.expiration).to.deep.equal(expected)
    login.expiration.setFullYear(2_099)
    expect(sim.cache.status()[0]?.expiration).to.deep.equal(expected)
    // The cache compares the date that AWS returned: a response with the same one is no progress.
    sim.clock.skip(REFRESH + 1)
    sim.aws.script.push({ kind: 'login', login: { expiration: expected } })
    await sim.get()
    messages = []
    await settle()
    expect(endOf()).to.deep.include({ outcome: 'unchanged', expiration: expected })
  })

  it('do not affect the cache if a subscriber throws or calls back', async () => {
    const thrown: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const note = (error: unknown) => thrown.push(error)
    process.on('uncaughtException', note)
    const inner: Promise<RedshiftLogin>[] = []
    const throwing = (message: unknown): void => {
      if (inner.length < 4) inner.push(sim.get())
      throw new Error(`subscriber: ${Object.keys(message as object).length}`)
    }
    try {
      for (const channel of [fetchStart, fetchEnd, invalidated]) channel.subscribe(throwing)
      const login = await sim.get()
      sim.clock.skip(10_000)
      expect(sim.cache.invalidate(login)).to.equal(true)
      const next = await sim.get()
      expect(next).to.not.equal(login)
      expect(await Promise.all(inner)).to.have.members([login, login, next, next])
      expect(sim.aws.calls).to.have.lengthOf(2)
      // Node throws it on the next tick, where it affects nothing else.
      await new Promise(resolve => setImmediate(resolve))
      expect(thrown).to.have.lengthOf(5)
    } finally {
      for (const channel of [fetchStart, fetchEnd, invalidated]) channel.unsubscribe(throwing)
      process.off('uncaughtException', note)
      for (const listener of others) process.on('uncaughtException', listener)
    }
  })

  for (const what of ['asks', 'closes'] as const)
    it(`start no second fetch if a subscriber ${what} at the end of an overdue one`, async () => {
      await sim.get()
      sim.aws.always = { kind: 'hang' }
      sim.clock.skip(REFRESH + 1)
      await sim.get()
      sim.clock.suspend(3_600_000)
      const callBack = () => void (what === 'asks' ? sim.get().catch(() => {}) : sim.cache.close())
      fetchEnd.subscribe(callBack)
      const late = sim.get().catch(error => error.code)
      fetchEnd.unsubscribe(callBack)
      const underWay = sim.aws.calls.filter(({ settled, signal }) => !settled && !signal.aborted)
      expect(underWay).to.have.lengthOf(what === 'asks' ? 1 : 0)
      sim.cache.close()
      expect(await late).to.equal('ERR_REDSHIFT_CLOSED')
    })

  it('let a subscriber close the cache at the start of a fetch', async () => {
    const close = () => sim.cache.close()
    fetchStart.subscribe(close)
    try {
      await expectFailure(sim.get(), 'ERR_REDSHIFT_CLOSED')
      expect(sim.clock.timers).to.have.lengthOf(0)
    } finally {
      fetchStart.unsubscribe(close)
    }
  })
})
