import { expect } from 'chai'
import { checkStore } from '../../lib/emulator/index.js'
import type { CredentialStore } from '../../lib/index.js'
import type { claimRules } from '../../lib/store/check/claim-rules.js'
import type { valueRules } from '../../lib/store/check/value-rules.js'
import { MemoryStore } from '../support/memory-store.js'
import { expectError } from '../support/rejection.js'

/** A store that keeps the contract, except for this change. */
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

/** The rules that the error lists, and what is wrong. */
const brokenRules = (error: Error | undefined): Map<string, string> =>
  new Map(
    [...(error?.message ?? '').matchAll(/^- (.+?): (.+)$/gm)].map(
      ([, rule = '', fault = '']) => [rule, fault] as const,
    ),
  )

describe('checkStore', () => {
  it('accepts a store that keeps the contract', () => checkStore(new MemoryStore()))

  const { signal } = new AbortController()
  type Rule = keyof typeof claimRules | keyof typeof valueRules
  type Change = (book: MemoryStore) => Partial<CredentialStore>
  const mistakes: Record<string, [change: Change, breaks: Rule, fact?: string]> = {
    'reports no claim': [
      book => ({ read: async key => ({ stored: (await book.read(key)).stored, claimed: false }) }),
      'A token can renew its own claim, and no other token can claim the key',
    ],
    'lets every token claim': [
      () => ({ claim: async () => true }),
      'Only one of many concurrent claims succeeds',
      '20 of 20',
    ],
    'checks and sets a claim in two steps': [
      book => ({
        claim: async (key, token, millis) => {
          if ((await book.read(key)).claimed) return book.claim(key, token, millis, signal)
          await new Promise(setImmediate)
          await book.release(key, book.holder(key) ?? '')
          return book.claim(key, token, millis, signal)
        },
      }),
      'Only one of many concurrent claims succeeds',
      '20 of 20',
    ],
    'does not renew claims': [
      book => ({
        claim: async (key, token, millis) => !(await book.read(key)).claimed && book.claim(key, token, millis, signal),
      }),
      'A token can renew its own claim, and no other token can claim the key',
    ],
    'renews a claim without extending it': [
      book => ({
        claim: async (key, token, millis) => book.holder(key) === token || book.claim(key, token, millis, signal),
      }),
      'A renewed claim lasts from its renewal',
    ],
    'never expires claims': [
      book => ({ claim: (key, token) => book.claim(key, token, 1e9, signal) }),
      'A claim expires, not before its time, and its token loses it',
    ],
    'has one claim for all keys': [
      book => ({ claim: (_, token, millis) => book.claim('key', token, millis, signal) }),
      'A claim on one key does not affect other keys',
    ],
    'writes without a claim': [
      book => ({
        write: async (key, _, value, millis) => {
          book.values.set(key, { value, until: Date.now() + millis })
          return true
        },
      }),
      'write requires the claim',
    ],
    'keeps the claim after a write': [
      book => ({
        write: async (key, token, value, millis) => {
          const written = await book.write(key, token, value, millis)
          if (written) await book.claim(key, token, 60_000, signal)
          return written
        },
      }),
      'write stores the value, replaces the last one, and releases the claim',
    ],
    'truncates values': [
      book => ({ write: (key, token, value, millis) => book.write(key, token, value.slice(0, 1_000), millis) }),
      'A value is stored unchanged',
    ],
    'always reports the whole lifetime': [
      book => ({
        read: async key => {
          const { stored, claimed } = await book.read(key)
          return { stored: stored && { ...stored, remainingMillis: 60_000 }, claimed }
        },
      }),
      'remainingMillis never exceeds the lifetime, and decreases',
      '2,100 ms',
    ],
    'reports more than the lifetime': [
      book => ({
        read: async key => {
          const { stored, claimed } = await book.read(key)
          return { stored: stored && { ...stored, remainingMillis: stored.remainingMillis + 5_000 }, claimed }
        },
      }),
      'remainingMillis never exceeds the lifetime, and decreases',
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
      'A value is read together with its own lifetime',
    ],
    'never expires values': [
      book => ({
        read: async key => {
          const { value = '', until = 0 } = book.values.get(key) ?? {}
          const { claimed } = await book.read(key)
          return { stored: value ? { value, remainingMillis: Math.max(1, until - Date.now()) } : undefined, claimed }
        },
      }),
      'A value ends with its lifetime',
    ],
    'lets every token release a claim': [
      book => ({ release: key => book.release(key, book.holder(key) ?? '') }),
      'release requires the token of the claim, and keeps the value',
    ],
    'removes the value on release': [
      book => ({
        release: async (key, token) => {
          await book.release(key, token)
          book.values.delete(key)
        },
      }),
      'release requires the token of the claim, and keeps the value',
    ],
    'removes any value': [
      book => ({
        remove: async key => void book.values.delete(key),
      }),
      'remove requires the value, and keeps the claim',
    ],
    'claims after the signal has aborted': [
      book => ({ claim: (key, token, millis) => book.claim(key, token, millis, signal) }),
      'Nothing is sent to the database after the signal has aborted',
    ],
    'never responds': [
      () => ({ remove: () => new Promise(() => {}) }),
      'remove requires the value, and keeps the claim',
      '15000 ms',
    ],
    'throws an error that contains a secret': [
      () => ({ read: async () => Promise.reject(new RangeError('hunter2')) }),
      'A new key has no value and no claim',
      'RangeError',
    ],
  }
  const errors = new Map<string, AggregateError>()
  // They mostly wait, so all run at the same time.
  before(async () => {
    const outcomes = Object.entries(mistakes).map(async ([name, [change]]) =>
      errors.set(name, await failure(changed(change))),
    )
    await Promise.all(outcomes)
  })

  for (const [name, [, rule, fact = '']] of Object.entries(mistakes))
    it(`rejects a store that ${name}`, () => {
      const error = errors.get(name)
      expect(error).to.be.instanceOf(AggregateError)
      const broken = brokenRules(error)
      expect(error?.errors).to.have.lengthOf(broken.size)
      expect([...broken.keys()]).to.include(rule)
      expect(broken.get(rule)).to.include(fact)
      expect(error?.message).not.to.include('hunter2')
    })

  it('rejects a store that shows its encryption keys', async () => {
    const book = new MemoryStore()
    const { identity, encryptionKeys } = book
    const error = await failure({
      identity,
      encryptionKeys,
      read: key => book.read(key),
      claim: (key, token, millis, signal) => book.claim(key, token, millis, signal),
      write: (key, token, value, millis) => book.write(key, token, value, millis),
      release: (key, token) => book.release(key, token),
      remove: (key, value) => book.remove(key, value),
    })
    expect([...brokenRules(error).keys()]).to.deep.equal([
      'Inspection and JSON do not show the encryption keys' satisfies keyof typeof valueRules,
    ])
  })

  it('rejects a value that is not a store', async () => {
    expectError(await failure({} as CredentialStore), { code: 'ERR_REDSHIFT_OPTION', names: ['store', 'read'] })
  })
})
