import { expect } from 'chai'
import { isRefusal, OTHERS, REFUSALS } from '../../lib/pg/server-messages.js'
import { serverMessages } from '../support/server-messages.js'

const error = (message: string, code?: string): Error => Object.assign(new Error(message), code && { code })

describe('A server message that ends a login', () => {
  for (const { situation, message, sqlstate, refusal, source } of serverMessages)
    it(`is ${refusal ? 'a' : 'not a'} refusal if ${situation}`, () => {
      const named = message.replaceAll('…', 'IAM:alice')
      for (const code of [sqlstate, '28000', 'XX000']) expect(isRefusal(error(named, code)), code).to.equal(refusal)
      expect(source).to.match(/\w/)
    })

  it('matches exactly one pattern, so that their order does not matter', () => {
    for (const { message } of serverMessages)
      expect(
        [...REFUSALS, ...OTHERS].filter(pattern => pattern.test(message)),
        message,
      ).to.have.lengthOf(1)
  })

  it('is a refusal by its SQLSTATE if its wording is unknown', () => {
    const codes = ['28000', '28P01', '42704', '3D000', '53300', '57P03', '08P01', 'XX000']
    expect(codes.filter(code => isRefusal(error('Passwort falsch', code)))).to.deep.equal(['28000', '28P01'])
  })

  it('is a refusal only with an SQLSTATE, which means that the server sent it', () => {
    const message = 'password authentication failed for user "IAM:alice"'
    expect(isRefusal(error(message))).to.equal(false)
    expect(isRefusal(error(message, 'ECONNRESET'))).to.equal(false)
    expect(isRefusal({ message, code: '28000' })).to.equal(false)
    expect(isRefusal(undefined)).to.equal(false)
  })
})
