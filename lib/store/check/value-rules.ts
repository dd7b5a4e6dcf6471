import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { toKeys } from '../keys.js'
import { CALL_LIMIT_MILLIS, check, MINUTE_MILLIS, type Rule } from './checked-key.js'

const SHORT_LIVED = { value: 'short', millis: 20_000 }
const LONG_LIVED = { value: 'long', millis: 100_000 }

/** What a store guarantees about values and encryption keys. */
export const valueRules = {
  async 'A new key has no value and no claim'(key) {
    const { stored, claimed } = await key.read()
    check(stored === undefined, 'read returned a value')
    check(claimed === false, `claimed was ${inspect(claimed)}`)
  },

  async 'write stores the value, replaces the last one, and releases the claim'(key) {
    await key.put('first')
    const { stored, claimed } = await key.read()
    check(stored?.value === 'first', 'read did not return the value')
    check(claimed === false, 'the key is still claimed')
    await key.put('second')
    check((await key.value()) === 'second', 'the second value did not replace the first')
  },

  async 'A value is stored unchanged'(key) {
    const value = `v1.${'aZ09-_.+/='.repeat(400)}`
    await key.put(value)
    check((await key.value()) === value, 'a value of 4,000 characters was changed')
  },

  async 'remainingMillis never exceeds the lifetime, and decreases'(key) {
    await key.put('value', MINUTE_MILLIS)
    const first = (await key.read()).stored?.remainingMillis ?? 0
    check(first <= MINUTE_MILLIS, `remainingMillis was ${first} of ${MINUTE_MILLIS}`)
    check(first > MINUTE_MILLIS - CALL_LIMIT_MILLIS, `remainingMillis was ${first} of ${MINUTE_MILLIS} at once`)
    await delay(2_100)
    const second = (await key.read()).stored?.remainingMillis ?? 0
    check(second <= first - 1_000, `2,100 ms later, remainingMillis was ${second} instead of ${first} before`)
  },

  async 'A value is read together with its own lifetime'(key) {
    let done = false
    const writing = (async () => {
      for (let round = 0; round < 20; round++) {
        const { value, millis } = round % 2 === 0 ? SHORT_LIVED : LONG_LIVED
        await key.put(value, millis)
        await turn()
      }
    })().finally(() => {
      done = true
    })
    writing.catch(() => {})
    while (!done) {
      const { stored } = await key.read()
      // Otherwise a store in memory would block everything else.
      await turn()
      if (!stored) continue
      const { millis } = stored.value === SHORT_LIVED.value ? SHORT_LIVED : LONG_LIVED
      const { remainingMillis } = stored
      check(
        remainingMillis <= millis && remainingMillis > millis - CALL_LIMIT_MILLIS,
        'read returned a value with the lifetime of another',
      )
    }
    await writing
  },

  async 'A value ends with its lifetime'(key) {
    await key.put('value', 1_000)
    await delay(1_000)
    check((await key.value()) === undefined, 'read returned the value after its lifetime')
  },

  async 'remove requires the value, and keeps the claim'(key) {
    await key.remove('value')
    await key.put('value')
    await key.claim('one')
    await key.remove('another')
    check((await key.value()) === 'value', 'remove removed another value')
    await key.remove('value')
    check((await key.value()) === undefined, 'the value was not removed')
    check((await key.read()).claimed === true, 'the claim was lost')
  },

  async 'Inspection and JSON do not show the encryption keys'({ store }) {
    const shown = inspect(store, { depth: 9, showHidden: true }) + JSON.stringify(store)
    for (const encryptionKey of store.encryptionKeys) {
      const bytes = toKeys([encryptionKey])[0]?.export() ?? Buffer.of()
      const hex = bytes.toString('hex').slice(0, 40)
      const spellings = [
        bytes.toString('base64').slice(0, 42),
        bytes.toString('base64url').slice(0, 42),
        hex,
        hex.replace(/(..)(?=.)/g, '$1 '),
        [...bytes.subarray(0, 20)].join(),
      ]
      check(
        !spellings.some(spelling => shown.includes(spelling)),
        'they are shown; keep them in a #private field behind a getter',
      )
    }
  },
} satisfies Readonly<Record<string, Rule>>
