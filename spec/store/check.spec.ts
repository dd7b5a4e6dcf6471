import { expect } from 'chai'
import { checkStore } from '../../lib/emulator/index.js'
import type { CredentialStore } from '../../lib/index.js'
import { MemoryStore } from '../support/memory-store.js'

/** A store that keeps the contract, except for the change. */
function changed(change: (book: MemoryStore) => Partial<CredentialStore>): CredentialStore {
  const book = new MemoryStore()
  const own = change(book)
  return new Proxy(book, {
    get: (target, name) => {
      const value = own[name as keyof CredentialStore] ?? Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const failure = async (store: CredentialStore): Promise<AggregateError> =>
  checkStore(store).then(
    () => expect.fail('The store passed.'),
    error => error,
  )

describe('checkStore', function () {
  this.timeout(60_000)

  it('accepts a store that keeps the contract', () => checkStore(new MemoryStore()))

  const { signal } = new AbortController()
  const mistakes: Record<string, [(book: MemoryStore) => Partial<CredentialStore>, RegExp]> = {
    'reports no claim': [
      book => ({ read: async key => ({ stored: (await book.read(key)).stored, claimed: false }) }),
      /read did not report the claim/,
    ],
    'lets every token claim': [() => ({ claim: async () => true }), /20 of 20 claims succeeded/],
    'checks and sets a claim in two steps': [
      book => ({
        claim: async (key, token, millis) => {
          if ((await book.read(key)).claimed) return book.claim(key, token, millis, signal)
          await new Promise(setImmediate)
          await book.release(key, book.holder(key) ?? '')
          return book.claim(key, token, millis, signal)
        },
      }),
      /20 of 20 claims succeeded/,
    ],
    'does not renew claims': [
      book => ({
        claim: async (key, token, millis) => !(await book.read(key)).claimed && book.claim(key, token, millis, signal),
      }),
      /could not renew it/,
    ],
    'renews a claim without extending it': [
      book => ({
        claim: async (key, token, millis) => book.holder(key) === token || book.claim(key, token, millis, signal),
      }),
      /the claim expired at its first time/,
    ],
    'never expires claims': [
      book => ({ claim: (key, token) => book.claim(key, token, 1e9, signal) }),
      /the claim did not expire/,
    ],
    'has one claim for all keys': [
      book => ({ claim: (_, token, millis) => book.claim('key', token, millis, signal) }),
      /another key could not be claimed/,
    ],
    'writes without a claim': [
      book => ({
        write: async (key, _, value, millis) => {
          book.values.set(key, { value, until: Date.now() + millis })
          return true
        },
      }),
      /write did not return false without a claim/,
    ],
    'keeps the claim after a write': [
      book => ({
        write: async (key, token, value, millis) => {
          const written = await book.write(key, token, value, millis)
          if (written) await book.claim(key, token, 60_000, signal)
          return written
        },
      }),
      /the key is still claimed/,
    ],
    'truncates values': [
      book => ({ write: (key, token, value, millis) => book.write(key, token, value.slice(0, 1_000), millis) }),
      /a value of 4,000 characters was changed/,
    ],
    'always reports the whole lifetime': [
      book => ({
        read: async key => {
          const { stored, claimed } = await book.read(key)
          return { stored: stored && { ...stored, remainingMillis: 60_000 }, claimed }
        },
      }),
      /2,100 ms later, remainingMillis was 60000 instead of 60000/,
    ],
    'reports more than the lifetime': [
      book => ({
        read: async key => {
          const { stored, claimed } = await book.read(key)
          return { stored: stored && { ...stored, remainingMillis: stored.remainingMillis + 5_000 }, claimed }
        },
      }),
      /remainingMillis was 6\d+ of 60000/,
    ],
    'reads a value and its lifetime in two steps': [
      book => ({
        read: async key => {
          const { stored } = await book.read(key)
          await new Promise(setImmediate)
          const { stored: later, claimed } = await book.read(key)
          return { stored: stored && later && { ...later, value: stored.value }, claimed }
        },
      }),
      /read returned a value with the lifetime of another/,
    ],
    'never expires values': [
      book => ({
        read: async key => {
          const { value = '', until = 0 } = book.values.get(key) ?? {}
          const { claimed } = await book.read(key)
          return { stored: value ? { value, remainingMillis: Math.max(1, until - Date.now()) } : undefined, claimed }
        },
      }),
      /read returned the value after its lifetime/,
    ],
    'lets every token release a claim': [
      book => ({ release: key => book.release(key, book.holder(key) ?? '') }),
      /another token released the claim/,
    ],
    'removes the value on release': [
      book => ({
        release: async (key, token) => {
          await book.release(key, token)
          book.values.delete(key)
        },
      }),
      /the value was removed/,
    ],
    'removes any value': [
      book => ({
        remove: async key => void book.values.delete(key),
      }),
      /remove removed another value/,
    ],
    'claims after the signal has aborted': [
      book => ({ claim: (key, token, millis) => book.claim(key, token, millis, signal) }),
      /after the signal has aborted: the key was claimed/,
    ],
    'never responds': [() => ({ remove: () => new Promise(() => {}) }), /remove did not return within 15000 ms/],
    'throws an error that contains a secret': [
      () => ({ read: async () => Promise.reject(new RangeError('hunter2')) }),
      /it threw RangeError$/m,
    ],
  }
  const errors = new Map<string, AggregateError>()
  // They mostly wait, so all run at once.
  before(async () => {
    const outcomes = Object.entries(mistakes).map(async ([name, [change]]) =>
      errors.set(name, await failure(changed(change))),
    )
    await Promise.all(outcomes)
  })

  for (const [name, [, what]] of Object.entries(mistakes))
    it(`rejects a store that ${name}`, () => {
      const error = errors.get(name)
      expect(error).to.be.instanceOf(AggregateError)
      expect(error?.message).to.match(/^The store breaks \d+ of \d+ rules:\n- /)
      expect(error?.message).to.match(what).and.not.include('hunter2')
    })

  it('rejects a store that shows its encryption keys', async () => {
    const book = new MemoryStore()
    const { identity, encryptionKeys } = book
    const { message } = await failure({
      identity,
      encryptionKeys,
      read: key => book.read(key),
      claim: (key, token, millis, signal) => book.claim(key, token, millis, signal),
      write: (key, token, value, millis) => book.write(key, token, value, millis),
      release: (key, token) => book.release(key, token),
      remove: (key, value) => book.remove(key, value),
    })
    expect(message).to.include('breaks 1 of').and.include('#private field')
  })

  it('rejects a value that is not a store', async () => {
    expect(await failure({} as CredentialStore))
      .to.include({ code: 'ERR_REDSHIFT_OPTION' })
      .and.have.property('message')
      .that.includes('store has no method read')
  })
})
