import { expect } from 'chai'
import { checkStore } from '../../lib/emulator/index.js'
import type { CredentialStore } from '../../lib/index.js'
import { MemoryStore } from '../support/memory-store.js'

/** A store by the book, but for what is changed. */
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
    () => expect.fail('It found nothing.'),
    error => error,
  )

describe('checkStore', function () {
  this.timeout(60_000)

  it('finds nothing wrong with a store by the book', () => checkStore(new MemoryStore()))

  const { signal } = new AbortController()
  const mistakes: Record<string, [(book: MemoryStore) => Partial<CredentialStore>, RegExp]> = {
    'tells of no claim': [
      book => ({ read: async key => ({ stored: (await book.read(key)).stored, claimed: false }) }),
      /did not say that it is claimed/,
    ],
    'lets everybody claim': [() => ({ claim: async () => true }), /20 of 20 succeeded/],
    'decides on claims after a pause': [
      book => ({
        claim: async (key, token, millis) => {
          if ((await book.read(key)).claimed) return book.claim(key, token, millis, signal)
          await new Promise(setImmediate)
          await book.release(key, book.holder(key) ?? '')
          return book.claim(key, token, millis, signal)
        },
      }),
      /20 of 20 succeeded/,
    ],
    'renews no claim': [
      book => ({
        claim: async (key, token, millis) => !(await book.read(key)).claimed && book.claim(key, token, millis, signal),
      }),
      /its own token could not renew it/,
    ],
    'renews a claim for as long as it was made': [
      book => ({
        claim: async (key, token, millis) => book.holder(key) === token || book.claim(key, token, millis, signal),
      }),
      /the claim lapsed all the same/,
    ],
    'lets claims live for ever': [
      book => ({ claim: (key, token) => book.claim(key, token, 1e9, signal) }),
      /it did not lapse/,
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
      /write did not return false where nobody held a claim/,
    ],
    'keeps the claim when it has written': [
      book => ({
        write: async (key, token, value, millis) => {
          const written = await book.write(key, token, value, millis)
          if (written) await book.claim(key, token, 60_000, signal)
          return written
        },
      }),
      /the key is claimed still/,
    ],
    'cuts values off': [
      book => ({ write: (key, token, value, millis) => book.write(key, token, value.slice(0, 1_000), millis) }),
      /came back changed/,
    ],
    'tells the whole lifetime': [
      book => ({
        read: async key => {
          const { stored, claimed } = await book.read(key)
          return { stored: stored && { ...stored, remainingMillis: 60_000 }, claimed }
        },
      }),
      /2,100 ms later, 60000 were left of 60000/,
    ],
    'tells more than there is': [
      book => ({
        read: async key => {
          const { stored, claimed } = await book.read(key)
          return { stored: stored && { ...stored, remainingMillis: stored.remainingMillis + 5_000 }, claimed }
        },
      }),
      /of 60000 ms, 6\d+ were left/,
    ],
    'reads a value and its lifetime one after the other': [
      book => ({
        read: async key => {
          const { stored } = await book.read(key)
          await new Promise(setImmediate)
          const { stored: later, claimed } = await book.read(key)
          return { stored: stored && later && { ...later, value: stored.value }, claimed }
        },
      }),
      /it was paired with another lifetime/,
    ],
    'keeps values for ever': [
      book => ({
        read: async key => {
          const { value = '', until = 0 } = book.values.get(key) ?? {}
          const { claimed } = await book.read(key)
          return { stored: value ? { value, remainingMillis: Math.max(1, until - Date.now()) } : undefined, claimed }
        },
      }),
      /read gave it later/,
    ],
    'lets anybody give up a claim': [
      book => ({ release: key => book.release(key, book.holder(key) ?? '') }),
      /another token gave it up/,
    ],
    'removes the value with the claim': [
      book => ({
        release: async (key, token) => {
          await book.release(key, token)
          book.values.delete(key)
        },
      }),
      /the value is gone/,
    ],
    'removes any value': [
      book => ({
        remove: async key => void book.values.delete(key),
      }),
      /it went when another one was to be removed/,
    ],
    'claims for nobody': [
      book => ({ claim: (key, token, millis) => book.claim(key, token, millis, signal) }),
      /Nothing is sent when the signal has aborted: the key was claimed/,
    ],
    'never answers': [() => ({ remove: () => new Promise(() => {}) }), /remove did not end within 15000 ms/],
    'fails with a secret in its error': [
      () => ({ read: async () => Promise.reject(new RangeError('hunter2')) }),
      /it threw RangeError$/m,
    ],
  }
  const errors = new Map<string, AggregateError>()
  // Most of the time they wait: all at once.
  before(async () => {
    const outcomes = Object.entries(mistakes).map(async ([name, [change]]) =>
      errors.set(name, await failure(changed(change))),
    )
    await Promise.all(outcomes)
  })

  for (const [name, [, what]] of Object.entries(mistakes))
    it(`finds out a store that ${name}`, () => {
      const error = errors.get(name)
      expect(error).to.be.instanceOf(AggregateError)
      expect(error?.message).to.match(/^The store breaks \d+ of \d+ rules:\n- /)
      expect(error?.message).to.match(what).and.not.include('hunter2')
    })

  it('finds out a store that shows its keys', async () => {
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

  it('refuses what is not a store', async () => {
    expect(await failure({} as CredentialStore))
      .to.include({ code: 'ERR_REDSHIFT_OPTION' })
      .and.have.property('message')
      .that.includes('store has no method read')
  })
})
