import { expect } from 'chai'
import fc from 'fast-check'
import { serverTimeOf } from '../../lib/aws/attempts.js'

describe("The server's time", () => {
  it('is the Date of the response', () => {
    expect(serverTimeOf({ date: 'Sun, 06 Nov 1994 08:49:37 GMT' })).to.equal(Date.UTC(1994, 10, 6, 8, 49, 37))
  })

  it('is parsed from every format of Date', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), date => {
        expect(serverTimeOf({ date: date.toUTCString() })).to.equal(Math.floor(date.getTime() / 1_000) * 1_000)
      }),
    )
  })

  const unreadable: [what: string, headers: Record<string, string>][] = [
    ['is missing', {}],
    ['comes with an Age', { date: 'Sun, 06 Nov 1994 08:49:37 GMT', age: '0' }],
    ['has no time zone', { date: 'Sun, 06 Nov 1994 08:49:37' }],
    ['has an offset', { date: 'Sun, 06 Nov 1994 08:49:37 +0200' }],
    ['is in ISO 8601 format', { date: '1994-11-06T08:49:37Z' }],
    ['is in asctime format', { date: 'Sun Nov  6 08:49:37 1994' }],
    ['is in RFC 850 format', { date: 'Sunday, 06-Nov-94 08:49:37 GMT' }],
    ['is not a valid day', { date: 'Sun, 99 Nov 1994 08:49:37 GMT' }],
    ['is a number', { date: '784111777' }],
  ]
  for (const [what, headers] of unreadable)
    it(`is unknown if Date ${what}`, () => {
      expect(serverTimeOf(headers)).to.equal(undefined)
    })
})
