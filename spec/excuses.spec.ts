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

  it('apply if the server revokes two logins in a row, and not if it revokes one', () => {
    const rejected: Failure = {
      ...throttled,
      consumer: 'pool',
      from: 11_900,
      to: 12_100,
      code: 'ERR_REDSHIFT_LOGIN_REJECTED',
    }
    const revokedAt = (...times: number[]): Evidence => ({
      ...evidence([5_000]),
      faults: times.map(at => ({ name: 'revoke', kind: 'revoke', from: at, to: at, hits: 1 })),
    })
    expect(excuse(rejected, revokedAt(10_800, 11_500))).to.equal('the server: two revocations in a row')
    for (const times of [[11_500], [9_000, 11_500], [9_000, 9_700], [11_500, 12_200]])
      expect(excuse(rejected, revokedAt(...times)), times.join()).to.equal(undefined)
    expect(excuse({ ...rejected, consumer: 'get', code: '28000' }, revokedAt(10_800, 11_500))).to.equal(undefined)
  })
})
