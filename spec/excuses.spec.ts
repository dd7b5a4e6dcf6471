import { expect } from 'chai'
import { type Evidence, excuse } from '../soak/excuses.js'
import type { Failure } from '../soak/protocol.js'

describe('The excuses of the soak', () => {
  const throttled: Failure = {
    consumer: 'get',
    login: 'bob',
    from: 10_000,
    to: 13_000,
    code: 'ERR_REDSHIFT_THROTTLED',
    message: '',
  }
  const evidence = (fetchedAt: number[]): Evidence => ({
    faults: [{ name: 'throttling', kind: 'throttling', from: 12_000, to: 14_500, hits: 1 }],
    fetches: fetchedAt.map(at => ({
      kind: 'fetch',
      login: 'bob',
      at,
      outcome: 'fetched',
      background: false,
      code: undefined,
    })),
    lifetimeMillis: 12_000,
    recoveryMillis: 8_000,
  })

  it('apply to a short outage if there was no login before it', () => {
    expect(excuse(throttled, evidence([]))).to.equal('AWS: an outage before the first login')
    expect(excuse(throttled, evidence([15_000]))).to.equal('AWS: an outage before the first login')
  })

  it('do not apply to a short outage with a login, nor without an outage', () => {
    expect(excuse(throttled, evidence([5_000]))).to.equal(undefined)
    expect(excuse(throttled, { ...evidence([]), faults: [] })).to.equal(undefined)
  })

  it('apply if the server rejected a login and AWS returned no other, but not to get(), which keeps it', () => {
    const refused: Failure = { ...throttled, consumer: 'pool', code: 'ERR_REDSHIFT_LOGIN_REJECTED' }
    const { faults, ...rest } = evidence([5_000])
    const revoked = { name: 'revoke', kind: 'revoke', from: 11_000, to: 11_000, hits: 1 } as const
    const outage = { ...rest, faults: [...faults, revoked] }
    expect(excuse(refused, outage)).to.equal('AWS: an outage after the server had refused the login')
    expect(excuse({ ...throttled, consumer: 'get' }, outage)).to.equal(undefined)
  })

  describe('for two revocations in a row', () => {
    const lasting = (from: number, to: number): Failure => ({
      ...throttled,
      consumer: 'pool',
      from,
      to,
      code: 'ERR_REDSHIFT_LOGIN_REJECTED',
    })
    const revokedAt = (times: number[], fetchedAt: number[]): Evidence => ({
      ...evidence(fetchedAt),
      faults: times.map(at => ({ name: 'revoke', kind: 'revoke', from: at, to: at, hits: 1 })),
    })
    const excused = 'the server: two revocations in a row'

    it('apply to a client that pauses after the second, and not after one', () => {
      const rejected = lasting(11_900, 12_100)
      expect(excuse(rejected, revokedAt([10_800, 11_500], [5_000]))).to.equal(excused)
      for (const times of [[11_500], [9_000, 11_500], [9_000, 9_700], [11_500, 12_200]])
        expect(excuse(rejected, revokedAt(times, [5_000])), times.join()).to.equal(undefined)
      const other: Failure = { ...rejected, consumer: 'get', code: '28000' }
      expect(excuse(other, revokedAt([10_800, 11_500], [5_000]))).to.equal(undefined)
    })

    it('apply to a connection that began before the first revoked login was replaced', () => {
      expect(excuse(lasting(10_100, 11_600), revokedAt([10_000, 11_500], [5_000, 11_000]))).to.equal(excused)
      expect(excuse(lasting(9_900, 11_600), revokedAt([10_000, 11_500], [5_000, 10_100]))).to.equal(excused)
    })

    it('apply while the client pauses after it has asked for the second login', () => {
      const evidence = revokedAt([10_000, 11_500], [5_000, 11_000])
      expect(excuse(lasting(11_400, 11_600), evidence)).to.equal(excused)
      expect(excuse(lasting(12_100, 12_300), evidence)).to.equal(excused)
    })

    it('do not apply after the pause, nor if the second login had time to be accepted, nor to one revocation', () => {
      expect(excuse(lasting(12_800, 12_900), revokedAt([10_000, 11_500], [5_000, 11_000]))).to.equal(undefined)
      // A login that was fetched after both.
      expect(excuse(lasting(14_100, 14_200), revokedAt([10_000, 11_500], [5_000, 14_000]))).to.equal(undefined)
      expect(excuse(lasting(11_400, 11_600), revokedAt([10_000, 11_500], [5_000, 10_100]))).to.equal(undefined)
      expect(excuse(lasting(11_900, 12_100), revokedAt([9_000, 9_700], [5_000, 9_300]))).to.equal(undefined)
      expect(excuse(lasting(11_400, 11_600), revokedAt([11_500], [5_000]))).to.equal(undefined)
      expect(excuse(lasting(11_400, 11_600), revokedAt([11_000, 11_700], [5_000]))).to.equal(undefined)
    })

    it('do not apply to an error of another kind', () => {
      const other: Failure = { ...lasting(10_100, 11_600), consumer: 'get', code: '28000' }
      expect(excuse(other, revokedAt([10_000, 11_500], [5_000, 11_000]))).to.equal(undefined)
    })
  })
})
