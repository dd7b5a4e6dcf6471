import { expect } from 'chai'
import { type Address, EndpointCache } from '../lib/endpoint-cache.js'
import type { FetchContext } from '../lib/fetch-context.js'
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

/** A cache of addresses in simulated time. The spec decides when a look-up ends. */
class Addresses {
  readonly clock = new SimulatedClock()
  readonly lookUps: LookUp[] = []
  readonly cache: EndpointCache

  constructor(maxEntries = 100) {
    this.cache = new EndpointCache({
      clock: this.clock,
      lookUp: (request, context) =>
        new Promise((find, reject) => {
          this.lookUps.push({ request, context, find, fail: () => reject(error('ERR_REDSHIFT_UNAVAILABLE')) })
        }),
      timeoutMillis: 15_000,
      maxEntries,
    })
  }

  find(name = 'examplecluster', signal?: AbortSignal): Promise<Address> {
    return this.cache.find(requestFor(name), signal)
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
    this.cache.invalidate(requestFor())
  }
}

describe('The address of a cluster', () => {
  it('is looked up once for all callers', async () => {
    const addresses = new Addresses()
    const found = [addresses.find(), addresses.find()]
    addresses.last.find(OLD)
    expect(await Promise.all(found)).to.deep.equal([OLD, OLD])
    await addresses.clock.advance(24 * 3_600_000)
    expect(await addresses.find()).to.equal(OLD)
    expect(addresses.lookUps).to.have.length(1)
  })

  it('is looked up per cluster and region', async () => {
    const addresses = new Addresses()
    const found = [
      addresses.find('one'),
      addresses.find('other'),
      addresses.cache.find({ ...requestFor('one'), region: 'eu-west-1' }),
    ]
    for (const { find } of addresses.lookUps) find(OLD)
    await Promise.all(found)
    expect(addresses.lookUps).to.have.length(3)
  })

  it('is evicted when there are more than maxEntries', async () => {
    const addresses = new Addresses(1)
    for (const name of ['one', 'other', 'one']) {
      const found = addresses.find(name)
      addresses.last.find(OLD)
      await found
    }
    expect(addresses.lookUps).to.have.length(3)
  })

  it('is looked up once at a time, even if it is evicted during the look-up', async () => {
    const addresses = new Addresses(1)
    const found = [addresses.find('one'), addresses.find('other'), addresses.find('one')]
    for (const { find } of addresses.lookUps) find(OLD)
    expect(await Promise.all(found)).to.deep.equal([OLD, OLD, OLD])
    expect(addresses.lookUps).to.have.length(2)
  })

  it('is looked up again after a failed connection, at most once a second', async () => {
    const addresses = new Addresses()
    await addresses.findAndLose(OLD)
    expect(await addresses.find()).to.equal(OLD)
    await addresses.clock.advance(1_000)
    expect(await addresses.find()).to.equal(OLD)
    expect(addresses.lookUps).to.have.length(1)
    await addresses.clock.advance(1)
    const renewed = [addresses.find(), addresses.find()]
    addresses.last.find(NEW)
    expect(await Promise.all(renewed)).to.deep.equal([NEW, NEW])
    expect(await addresses.find()).to.equal(NEW)
    expect(addresses.lookUps).to.have.length(2)
  })

  it('stays in use if the next look-up fails, and is looked up again a second later', async () => {
    const addresses = new Addresses()
    await addresses.findAndLose(OLD)
    for (let again = 0; again < 3; again++) {
      await addresses.clock.advance(1_001)
      const kept = addresses.find()
      addresses.last.fail()
      expect(await kept).to.equal(OLD)
      expect(await addresses.find()).to.equal(OLD)
    }
    expect(addresses.lookUps).to.have.length(4)
  })

  it('stays in use if AWS does not respond within two seconds', async () => {
    const addresses = new Addresses()
    await addresses.findAndLose(OLD)
    await addresses.clock.advance(1_001)
    const kept = addresses.find()
    await addresses.clock.advance(1_999)
    expect(await stateOf(kept)).to.equal('pending')
    await addresses.clock.advance(1)
    expect(await kept).to.equal(OLD)
    expect(addresses.last.context.signal.aborted).to.equal(true)
  })

  it('is awaited until the deadline of a fetch if there is no old address', async () => {
    const addresses = new Addresses()
    const waiting = addresses.find()
    const failure = failureOf(waiting)
    await addresses.clock.advance(14_999)
    expect(await stateOf(waiting)).to.equal('pending')
    await addresses.clock.advance(1)
    expectError(await failure, { code: 'ERR_REDSHIFT_TIMEOUT', names: ['15000 ms', 'host'] })
    expect(addresses.last.context.signal.aborted).to.equal(true)
  })

  it('is awaited until the deadline, and the error says what it waited for', async () => {
    const addresses = new Addresses()
    const failure = failureOf(addresses.find())
    addresses.last.context.setDeadlineError(error('ERR_REDSHIFT_THROTTLED'))
    await addresses.clock.advance(15_000)
    expectError(await failure, { code: 'ERR_REDSHIFT_THROTTLED' })
  })

  it('fails for every caller within a second of a failure, without another call', async () => {
    const addresses = new Addresses()
    const failure = expectFailure(addresses.find(), 'ERR_REDSHIFT_UNAVAILABLE')
    addresses.last.fail()
    const first = await failure
    await addresses.clock.advance(1_000)
    const again = await expectFailure(addresses.find(), 'ERR_REDSHIFT_UNAVAILABLE')
    expect(again).to.not.equal(first)
    await addresses.clock.advance(1)
    const found = addresses.find()
    addresses.last.find(NEW)
    expect(await found).to.equal(NEW)
    expect(addresses.lookUps).to.have.length(2)
  })

  it('is still looked up for the others when one caller aborts', async () => {
    const addresses = new Addresses()
    const controller = new AbortController()
    const aborted = addresses.find(undefined, controller.signal)
    const other = addresses.find()
    const reason = new Error('Given up.')
    controller.abort(reason)
    expect(await aborted.catch(error => error)).to.equal(reason)
    addresses.last.find(OLD)
    expect(await other).to.equal(OLD)
  })

  it('is not awaited after close, even if it was evicted during the look-up', async () => {
    const addresses = new Addresses(1)
    const waiting = [addresses.find('one'), addresses.find('other')].map(found =>
      expectFailure(found, 'ERR_REDSHIFT_CLOSED'),
    )
    addresses.cache.close()
    for (const { find } of addresses.lookUps) find(OLD)
    await Promise.all(waiting)
    for (const { context } of addresses.lookUps) expect(context.signal.aborted).to.equal(true)
  })

  it('is not returned after close, even if it is cached', async () => {
    const addresses = new Addresses()
    await addresses.findAndLose(OLD)
    await addresses.clock.advance(1_001)
    const waiting = expectFailure(addresses.find(), 'ERR_REDSHIFT_CLOSED')
    addresses.cache.close()
    await waiting
    await expectFailure(addresses.find(), 'ERR_REDSHIFT_CLOSED')
    expect(addresses.last.context.signal.aborted).to.equal(true)
  })
})
