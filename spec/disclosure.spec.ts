import { expect } from 'chai'
import { disclosures } from './support/disclosure.js'

describe('The search for secrets', () => {
  const secret = 'The-secret-that-must-not-be-found-anywhere-0123456789'
  class WithGetter {
    get password(): string {
      return secret
    }
  }
  const leaks: Record<string, unknown> = {
    'in a string': `password=${secret}`,
    'in a URL': `postgres://u:${encodeURIComponent(`+/${secret}`)}@h`,
    'in a buffer': { chunk: Buffer.from(`\0\0${secret}`) },
    'in a part of it': { quoted: secret.slice(0, 30) },
    'in a property': { password: secret },
    'in a hidden property': Object.defineProperty({}, 'password', { value: secret }),
    'under a symbol': { [Symbol('password')]: secret },
    'in the name of a property': { [secret]: true },
    'in a getter': {
      get password() {
        return secret
      },
    },
    'in a getter of the class': new WithGetter(),
    'in an inherited property': Object.create({ password: secret }),
    'in a Map': new Map([['a', { b: [secret] }]]),
    'in a Set': new Set([secret]),
    'deep down': JSON.parse(`${'{"a":'.repeat(20)}"${secret}"${'}'.repeat(20)}`),
    'in a property of a function': Object.assign(() => {}, { password: secret }),
    'in toJSON': { toJSON: () => secret },
    'in toString': { toString: () => secret },
    'in the message of an error': new Error(secret),
    'in the name of an error': Object.assign(new Error('x'), { name: secret }),
    'in the cause of an error': new Error('x', { cause: new Error('y', { cause: secret }) }),
    'in an aggregate error': new AggregateError([new Error(secret)]),
  }
  for (const [where, leak] of Object.entries(leaks))
    it(where, () => expect(disclosures(leak, [secret])).not.to.deep.equal([]))
  it('finds nothing where there is none', () =>
    expect(disclosures({ a: [new Error('nothing')], b: new WithGetter() }, ['another-secret-0123'])).to.deep.equal([]))
})
