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
    passed: [{ name: 'throttling', kind: 'throttling', from: 12_000, to: 14_500, hits: 1 }],
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

  it('hold for a short outage where no login had come before it', () => {
    expect(excuse(throttled, evidence([]))).to.equal('AWS: an outage before the first login')
    expect(excuse(throttled, evidence([15_000]))).to.equal('AWS: an outage before the first login')
  })

  it('do not hold for a short outage where there was a login, nor where there was no outage', () => {
    expect(excuse(throttled, evidence([5_000]))).to.equal(undefined)
    expect(excuse(throttled, { ...evidence([]), passed: [] })).to.equal(undefined)
  })

  it('hold where the server refused a login and AWS gave no other, but not for get(), which keeps it', () => {
    const refused: Failure = { ...throttled, consumer: 'pool', code: 'ERR_REDSHIFT_LOGIN_REJECTED' }
    const { passed, ...rest } = evidence([5_000])
    const revoked = { name: 'revoke', kind: 'revoke', from: 11_000, to: 11_000, hits: 1 } as const
    const outage = { ...rest, passed: [...passed, revoked] }
    expect(excuse(refused, outage)).to.equal('AWS: an outage after the server had refused the login')
    expect(excuse({ ...throttled, consumer: 'get' }, outage)).to.equal(undefined)
  })
})
