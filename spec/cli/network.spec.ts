import dns from 'node:dns'
import { expect } from 'chai'
import { connectTo } from '../../lib/cli/check/network.js'
import { rejection } from '../support/rejection.js'

describe('connectTo(), for a host with several addresses,', () => {
  const { lookup } = dns
  afterEach(() => {
    dns.lookup = lookup
  })

  /** TCP cannot connect to a broadcast or multicast address, and nothing listens on port 1. */
  const failure = (...addresses: string[]) => {
    dns.lookup = ((_host: string, _options: object, done: (error: null, found: object[]) => void) =>
      done(
        null,
        addresses.map(address => ({ address, family: 4 })),
      )) as typeof dns.lookup
    return rejection(connectTo({ host: 'localhost', hostAddress: undefined, port: 1 }))
  }

  it('reports that one of them refuses connections', async () => {
    expect(await failure('255.255.255.255', '127.0.0.1')).to.include({ code: 'ECONNREFUSED' })
  })

  it('reports the reason for each of them', async () => {
    const { message } = await failure('255.255.255.255', '224.0.0.1')
    expect(message).to.include(' 255.255.255.255:1').and.include(' 224.0.0.1:1')
  })
})
