import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { createClient } from 'redis'
import { RedshiftCredentials } from '../../lib/index.js'
import { storeKey, ValueCipher } from '../../lib/store/crypto.js'
import { redisStore } from '../../lib/store/redis.js'
import type { CredentialStore, EncryptionKey } from '../../lib/store/store.js'
import { expectError, thrownBy } from '../support/rejection.js'

const key = (): Buffer => randomBytes(32)
const text = fc.string({ unit: 'binary', maxLength: 300 })

describe('an encrypted value', () => {
  it('is decrypted under each of the keys', () => {
    const [old, current] = [key(), key()]
    fc.assert(
      fc.property(text, text, (plaintext, context) => {
        const sealed = new ValueCipher([old]).seal(plaintext, context)
        for (const keys of [[old], [current, old], [old, current]])
          expect(new ValueCipher(keys).open(sealed, context)).to.equal(plaintext)
      }),
    )
  })

  it('is encrypted under the first key', () => {
    const [old, current] = [key(), key()]
    const sealed = new ValueCipher([current, old]).seal('secret', 'context')
    expect(new ValueCipher([current]).open(sealed, 'context')).to.equal('secret')
    expect(new ValueCipher([old]).open(sealed, 'context')).to.equal(undefined)
  })

  it('is never decrypted under another key, or for another context', () => {
    fc.assert(
      fc.property(text, text, text, (plaintext, context, other) => {
        fc.pre(context !== other)
        const secret = key()
        const sealed = new ValueCipher([secret]).seal(plaintext, context)
        expect(new ValueCipher([secret]).open(sealed, other)).to.equal(undefined)
        expect(new ValueCipher([key(), key()]).open(sealed, context)).to.equal(undefined)
      }),
    )
  })

  it('is never decrypted after any bit was changed, or any part removed', () => {
    const cipher = new ValueCipher([key()])
    const sealed = cipher.seal('IAM:alice and her password', 'context')
    const [version = '', body = ''] = sealed.split('.')
    const bytes = Buffer.from(body, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(cipher.open(`${version}.${changed.toString('base64url')}`, 'context'), `bit ${bit}`).to.equal(undefined)
    }
    for (let length = 0; length < bytes.length; length++)
      expect(cipher.open(`${version}.${bytes.subarray(0, length).toString('base64url')}`, 'context')).to.equal(
        undefined,
      )
    for (const other of ['', 'v0', 'v2', 'v1 ']) expect(cipher.open(`${other}.${body}`, 'context')).to.equal(undefined)
  })

  it('is decrypted to nothing, without an exception, if a store returns garbage', () => {
    const cipher = new ValueCipher([key()])
    fc.assert(
      fc.property(fc.oneof(text, fc.base64String({ maxLength: 400 })), made => {
        expect(cipher.open(made, '')).to.equal(undefined)
        expect(cipher.open(`v1.${made}`, '')).to.equal(undefined)
      }),
    )
  })

  it('differs each time, so that equal logins cannot be recognized', () => {
    const cipher = new ValueCipher([key()])
    const sealed = Array.from({ length: 1_000 }, () => cipher.seal('secret', 'context'))
    expect(new Set(sealed.map(one => one.slice(0, 19))).size, 'nonces').to.equal(1_000)
  })

  it('has a name in the store that reveals nothing', () => {
    expect(storeKey('["GetCredentials","us-west-2","analytics"]')).to.match(/^[\w-]{43}$/)
    expect(storeKey('a')).to.not.equal(storeKey('b'))
  })
})

describe('an encryption key', () => {
  const client = { isOpen: true, isReady: true, eval: async () => null }
  const storeWith = (encryptionKeys: unknown): CredentialStore =>
    redisStore(client, { encryptionKeys: encryptionKeys as EncryptionKey[], identity: 'reports' })
  it('is 32 bytes, or their base64, or a secret KeyObject of them', () => {
    const bytes = randomBytes(32)
    const sealed = new ValueCipher([bytes]).seal('secret', '')
    const forms = [new Uint8Array(bytes), bytes.toString('base64'), bytes.toString('base64url'), createSecretKey(bytes)]
    for (const form of forms) expect(new ValueCipher([form]).open(sealed, '')).to.equal('secret')
  })

  it('is rejected by redisStore if it is missing or malformed, and never quoted in the message', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const cases: Record<string, [keys: unknown, ...names: string[]]> = {
      missing: [undefined, 'encryptionKeys'],
      empty: [[], 'encryptionKeys'],
      'not an array': [key(), 'encryptionKeys', 'array'],
      'a missing key': [[undefined], 'encryptionKeys[0]'],
      'a string of another length': [['hunter2hunter2hunter2hunter2hunt'], 'encryptionKeys[0]', 'string'],
      'base64 of more bytes': [[randomBytes(33).toString('base64')], 'encryptionKeys[0]', 'string'],
      'a second key that is too short': [[key(), randomBytes(16)], 'encryptionKeys[1]', '16 bytes'],
      'a public key': [[publicKey], 'encryptionKeys[0]', 'KeyObject'],
      'a number': [[7], 'encryptionKeys[0]', 'number'],
    }
    for (const [keys, ...names] of Object.values(cases))
      expectError(
        thrownBy(() => storeWith(keys)),
        { code: 'ERR_REDSHIFT_OPTION', names: [...names, '`openssl rand -base64 32`'], omits: ['hunter2'] },
      )
  })

  it('is accepted with a client that returns promises, and a prefix that keeps a login and its claim together', () => {
    const options = { encryptionKeys: [key()], identity: 'reports' }
    const callbacks = { connected: true, eval: () => true }
    for (const other of [callbacks, createClient().legacy(), undefined, 'redis://localhost', { isOpen: true }])
      expectError(
        thrownBy(() => redisStore(other as never, options)),
        { code: 'ERR_REDSHIFT_OPTION', names: ['redisStore', 'client', 'redis 4'] },
      )
    for (const prefix of ['{}', 'app:{}', '{}{app}'])
      expectError(
        thrownBy(() => redisStore(client, { ...options, prefix })),
        { code: 'ERR_REDSHIFT_OPTION', names: ['prefix', JSON.stringify(prefix)] },
      )
    for (const prefix of ['', '{app}', '{app}{}', '}{', 'app:']) redisStore(client, { ...options, prefix })
  })

  it("is required for every store, including one of the user's", () => {
    const store = {
      identity: 'reports',
      encryptionKeys: [] as EncryptionKey[],
      read: async () => ({ claimed: false }),
      claim: async () => true,
      write: async () => true,
      release: async () => {},
      remove: async () => {},
    }
    const expectRefused = (given: object, ...names: readonly string[]): void => {
      expectError(
        thrownBy(() => new RedshiftCredentials({ store: given as CredentialStore })),
        { code: 'ERR_REDSHIFT_OPTION', names },
      )
    }
    expectRefused(store, 'encryptionKeys')
    expectRefused({ ...store, encryptionKeys: [key()], identity: '' }, 'store.identity', '""')
    const { claim, write, ...half } = store
    expectRefused(half, 'store', 'claim, write')
    expectRefused(client, 'store', 'redisStore', 'client')
    for (const operationMillis of [0, 2_001, 1.5, '300'])
      expectRefused(
        { ...store, operationMillis, encryptionKeys: [key()] },
        'store.operationMillis',
        JSON.stringify(operationMillis),
        '2000',
      )
    new RedshiftCredentials({ store: { ...store, operationMillis: 2_000, encryptionKeys: [key()] } })
  })

  it('is hidden in the store, and in credentials with that store', () => {
    const secret = randomBytes(32).toString('base64')
    const store = storeWith([secret])
    const credentials = new RedshiftCredentials({ store })
    const shown = [store, credentials]
      .map(it => inspect(it, { depth: 9, showHidden: true, getters: true }) + JSON.stringify(it))
      .join()
    expect(shown).to.include('reports')
    const hex = Buffer.from(secret, 'base64').toString('hex').slice(0, 8)
    expect(shown)
      .to.not.include(secret)
      .and.not.include(hex)
      .and.not.include(hex.replace(/(..)(?=.)/g, '$1 '))
  })

  it('requires an identity, without which redisStore throws', () => {
    for (const identity of [undefined, '', 7])
      expectError(
        thrownBy(() => redisStore(client, { encryptionKeys: [key()], identity: identity as string })),
        { code: 'ERR_REDSHIFT_OPTION', names: ['identity', String(JSON.stringify(identity)), 'ARN'] },
      )
  })
})
