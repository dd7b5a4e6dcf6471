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
})
