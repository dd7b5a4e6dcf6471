import { expect } from 'chai'
import { type Address, EndpointCache } from '../lib/address.js'
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

/** A cache of addresses in simulated time. The spec decides when a look-up ends. */
class Book {
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
  async losing(address: Address): Promise<void> {
    const found = this.find()
    this.last.find(address)
    expect(await found).to.equal(address)
    this.cache.invalidate(requestFor())
  }
}

describe('The address of a cluster', () => {
  it('is looked up once for all callers', async () => {
    const book = new Book()
    const asking = [book.find(), book.find()]
    book.last.find(OLD)
    expect(await Promise.all(asking)).to.deep.equal([OLD, OLD])
    await book.clock.advance(24 * 3_600_000)
    expect(await book.find()).to.equal(OLD)
    expect(book.lookUps).to.have.length(1)
  })

  it('is looked up per cluster and region', async () => {
    const book = new Book()
    const asking = [
      book.find('one'),
      book.find('other'),
      book.cache.find({ ...requestFor('one'), region: 'eu-west-1' }),
    ]
    for (const { find } of book.lookUps) find(OLD)
    await Promise.all(asking)
    expect(book.lookUps).to.have.length(3)
  })

  it('is evicted when there are more than maxEntries', async () => {
    const book = new Book(1)
    for (const name of ['one', 'other', 'one']) {
      const found = book.find(name)
      book.last.find(OLD)
      await found
    }
    expect(book.lookUps).to.have.length(3)
  })

  it('is looked up once at a time, even if it is evicted during the look-up', async () => {
    const book = new Book(1)
    const asking = [book.find('one'), book.find('other'), book.find('one')]
    for (const { find } of book.lookUps) find(OLD)
    expect(await Promise.all(asking)).to.deep.equal([OLD, OLD, OLD])
    expect(book.lookUps).to.have.length(2)
  })

  it('is looked up again after a failed connection, at most once a second', async () => {
    const book = new Book()
    await book.losing(OLD)
    expect(await book.find()).to.equal(OLD)
    await book.clock.advance(1_000)
    expect(await book.find()).to.equal(OLD)
    expect(book.lookUps).to.have.length(1)
    await book.clock.advance(1)
    const renewed = [book.find(), book.find()]
    book.last.find(NEW)
    expect(await Promise.all(renewed)).to.deep.equal([NEW, NEW])
    expect(await book.find()).to.equal(NEW)
    expect(book.lookUps).to.have.length(2)
  })

  it('stays in use if the next look-up fails, and is looked up again a second later', async () => {
    const book = new Book()
    await book.losing(OLD)
    for (let again = 0; again < 3; again++) {
      await book.clock.advance(1_001)
      const kept = book.find()
      book.last.fail()
      expect(await kept).to.equal(OLD)
      expect(await book.find()).to.equal(OLD)
    }
    expect(book.lookUps).to.have.length(4)
  })

  it('stays in use if AWS does not respond within two seconds', async () => {
    const book = new Book()
    await book.losing(OLD)
    await book.clock.advance(1_001)
    const kept = book.find()
    await book.clock.advance(1_999)
    expect(await stateOf(kept)).to.equal('pending')
    await book.clock.advance(1)
    expect(await kept).to.equal(OLD)
    expect(book.last.context.signal.aborted).to.equal(true)
  })

  it('is awaited until the deadline of a fetch if there is no old address', async () => {
    const book = new Book()
    const waiting = book.find()
    const failure = failureOf(waiting)
    await book.clock.advance(14_999)
    expect(await stateOf(waiting)).to.equal('pending')
    await book.clock.advance(1)
    expectError(await failure, { code: 'ERR_REDSHIFT_TIMEOUT', names: ['15000 ms', 'host'] })
    expect(book.last.context.signal.aborted).to.equal(true)
  })

  it('fails for every caller within a second of a failure, without another call', async () => {
    const book = new Book()
    const failure = expectFailure(book.find(), 'ERR_REDSHIFT_UNAVAILABLE')
    book.last.fail()
    const first = await failure
    await book.clock.advance(1_000)
    const again = await expectFailure(book.find(), 'ERR_REDSHIFT_UNAVAILABLE')
    expect(again).to.not.equal(first)
    await book.clock.advance(1)
    const found = book.find()
    book.last.find(NEW)
    expect(await found).to.equal(NEW)
    expect(book.lookUps).to.have.length(2)
  })

  it('is still looked up for the others when one caller aborts', async () => {
    const book = new Book()
    const controller = new AbortController()
    const aborted = book.find(undefined, controller.signal)
    const other = book.find()
    const reason = new Error('Given up.')
    controller.abort(reason)
    expect(await aborted.catch(error => error)).to.equal(reason)
    book.last.find(OLD)
    expect(await other).to.equal(OLD)
  })

  it('is not awaited after close, even if it was evicted during the look-up', async () => {
    const book = new Book(1)
    const waiting = [book.find('one'), book.find('other')].map(found => expectFailure(found, 'ERR_REDSHIFT_CLOSED'))
    book.cache.close()
    for (const { find } of book.lookUps) find(OLD)
    await Promise.all(waiting)
    for (const { context } of book.lookUps) expect(context.signal.aborted).to.equal(true)
  })

  it('is not returned after close, even if it is cached', async () => {
    const book = new Book()
    await book.losing(OLD)
    await book.clock.advance(1_001)
    const waiting = expectFailure(book.find(), 'ERR_REDSHIFT_CLOSED')
    book.cache.close()
    await waiting
    await expectFailure(book.find(), 'ERR_REDSHIFT_CLOSED')
    expect(book.last.context.signal.aborted).to.equal(true)
  })
})
