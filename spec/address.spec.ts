import { expect } from 'chai'
import { type Address, AddressLookUp } from '../lib/address.js'
import type { FetchContext } from '../lib/fetch.js'
import type { CredentialRequest } from '../lib/request.js'
import { expectError } from './support/rejection.js'
import { error, expectFailure, failureOf, requestFor, SimulatedClock, stateOf } from './support/simulation.js'

interface LookUp {
  readonly request: CredentialRequest
  readonly context: FetchContext
  find(address: Address): void
  fail(): void
}

const OLD = { host: 'old.example.com', port: 5439 }
const NEW = { host: 'new.example.com', port: 5439 }

/** The address of one cluster in simulated time. The spec decides when a look-up ends. */
class Simulated {
  readonly clock = new SimulatedClock()
  readonly lookUps: LookUp[] = []
  readonly address = new AddressLookUp({
    clock: this.clock,
    lookUp: (request, context) =>
      new Promise((find, reject) => {
        this.lookUps.push({ request, context, find, fail: () => reject(error('ERR_REDSHIFT_UNAVAILABLE')) })
      }),
    timeoutMillis: 15_000,
  })

  find(signal?: AbortSignal): Promise<Address> {
    return this.address.find(requestFor(), signal)
  }

  get last(): LookUp {
    const last = this.lookUps.at(-1)
    if (!last) throw new Error('Nothing was looked up.')
    return last
  }

  /** Looks up an address, and reports a failed connection to it. */
  async findAndLose(address: Address): Promise<void> {
    const found = this.find()
    this.last.find(address)
    expect(await found).to.equal(address)
    this.address.invalidate()
  }
}

describe('The address of a cluster', () => {
  it('is looked up once for all callers', async () => {
    const simulated = new Simulated()
    const found = [simulated.find(), simulated.find()]
    simulated.last.find(OLD)
    expect(await Promise.all(found)).to.deep.equal([OLD, OLD])
    await simulated.clock.advance(24 * 3_600_000)
    expect(await simulated.find()).to.equal(OLD)
    expect(simulated.lookUps).to.have.length(1)
  })

  it('is looked up again after a failed connection, at most once a second', async () => {
    const simulated = new Simulated()
    await simulated.findAndLose(OLD)
    expect(await simulated.find()).to.equal(OLD)
    await simulated.clock.advance(1_000)
    expect(await simulated.find()).to.equal(OLD)
    expect(simulated.lookUps).to.have.length(1)
    await simulated.clock.advance(1)
    const renewed = [simulated.find(), simulated.find()]
    simulated.last.find(NEW)
    expect(await Promise.all(renewed)).to.deep.equal([NEW, NEW])
    expect(await simulated.find()).to.equal(NEW)
    expect(simulated.lookUps).to.have.length(2)
  })

  it('stays in use if the next look-up fails, and is looked up again a second later', async () => {
    const simulated = new Simulated()
    await simulated.findAndLose(OLD)
    for (let again = 0; again < 3; again++) {
      await simulated.clock.advance(1_001)
      const kept = simulated.find()
      simulated.last.fail()
      expect(await kept).to.equal(OLD)
      expect(await simulated.find()).to.equal(OLD)
    }
    expect(simulated.lookUps).to.have.length(4)
  })

  it('stays in use if AWS does not respond within two seconds', async () => {
    const simulated = new Simulated()
    await simulated.findAndLose(OLD)
    await simulated.clock.advance(1_001)
    const kept = simulated.find()
    await simulated.clock.advance(1_999)
    expect(await stateOf(kept)).to.equal('pending')
    await simulated.clock.advance(1)
    expect(await kept).to.equal(OLD)
    expect(simulated.last.context.signal.aborted).to.equal(true)
  })

  it('is awaited until the deadline of a fetch if there is no old address', async () => {
    const simulated = new Simulated()
    const waiting = simulated.find()
    const failure = failureOf(waiting)
    await simulated.clock.advance(14_999)
    expect(await stateOf(waiting)).to.equal('pending')
    await simulated.clock.advance(1)
    expectError(await failure, { code: 'ERR_REDSHIFT_TIMEOUT', names: ['15000 ms', 'host'] })
    expect(simulated.last.context.signal.aborted).to.equal(true)
  })

  it('fails for every caller within a second of a failure, without another call', async () => {
    const simulated = new Simulated()
    const failure = expectFailure(simulated.find(), 'ERR_REDSHIFT_UNAVAILABLE')
    simulated.last.fail()
    const first = await failure
    await simulated.clock.advance(1_000)
    const again = await expectFailure(simulated.find(), 'ERR_REDSHIFT_UNAVAILABLE')
    expect(again).to.not.equal(first)
    await simulated.clock.advance(1)
    const found = simulated.find()
    simulated.last.find(NEW)
    expect(await found).to.equal(NEW)
    expect(simulated.lookUps).to.have.length(2)
  })

  it('is still looked up for the others when one caller aborts', async () => {
    const simulated = new Simulated()
    const controller = new AbortController()
    const aborted = simulated.find(controller.signal)
    const other = simulated.find()
    const reason = new Error('Given up.')
    controller.abort(reason)
    expect(await aborted.catch(error => error)).to.equal(reason)
    simulated.last.find(OLD)
    expect(await other).to.equal(OLD)
  })

  it('is not returned after close, even if it is cached', async () => {
    const simulated = new Simulated()
    await simulated.findAndLose(OLD)
    await simulated.clock.advance(1_001)
    const waiting = expectFailure(simulated.find(), 'ERR_REDSHIFT_CLOSED')
    simulated.address.close()
    await waiting
    await expectFailure(simulated.find(), 'ERR_REDSHIFT_CLOSED')
    expect(simulated.last.context.signal.aborted).to.equal(true)
  })
})
