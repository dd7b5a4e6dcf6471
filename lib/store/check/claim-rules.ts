import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { CALL_LIMIT_MILLIS, CLAIM_TOLERANCE_MILLIS, check, MINUTE_MILLIS, type Rule } from './checked-key.js'

/** What a store guarantees about claims. */
export const claimRules = {
  async 'Only one of many concurrent claims succeeds'(key) {
    for (let round = 0; round < 3; round++) {
      const contended = key.another()
      const claims = await Promise.all(Array.from({ length: 20 }, () => contended.claim(randomUUID())))
      const succeeded = claims.filter(claimed => claimed === true).length
      check(succeeded === 1, `${succeeded} of 20 claims succeeded`)
    }
  },

  async 'A token can renew its own claim, and no other token can claim the key'(key) {
    check((await key.claim('one')) === true, 'claim returned false for a free key')
    check((await key.claim('two')) === false, 'a second token claimed the key')
    check((await key.claim('one')) === true, 'the token that holds the claim could not renew it')
    check((await key.read()).claimed === true, 'read did not report the claim')
  },

  async 'A renewed claim lasts from its renewal'(key) {
    await key.claim('one', 1_000)
    await key.claim('one', MINUTE_MILLIS)
    await delay(1_000 + CLAIM_TOLERANCE_MILLIS)
    check((await key.claim('two')) === false, 'the claim expired at its first time')
  },

  async 'A claim on one key does not affect other keys'(key) {
    const another = key.another()
    await key.claim('one')
    check((await another.read()).claimed === false, 'read reported a claim on another key')
    check((await another.claim('two')) === true, 'another key could not be claimed')
  },

  async 'write requires the claim'(key) {
    check((await key.write('one', 'value')) === false, 'write did not return false without a claim')
    await key.claim('one')
    check((await key.write('two', 'value')) === false, 'write did not return false for another token')
    check((await key.value()) === undefined, 'the value was written')
    check((await key.claim('one')) === true, 'the claim was lost')
  },

  async 'A claim expires, not before its time, and its token loses it'(key) {
    const begin = performance.now()
    await key.claim('one', 1_000)
    const claimed = performance.now()
    let tried: number
    do {
      tried = performance.now()
      check(tried - claimed < 1_000 + CLAIM_TOLERANCE_MILLIS + CALL_LIMIT_MILLIS, 'the claim did not expire')
      await delay(50)
    } while (!(await key.claim('two')))
    check(performance.now() - begin >= 1_000, 'the claim expired too soon')
    check((await key.write('one', 'value')) === false, 'the first token could still write')
    await key.release('one')
    check((await key.claim('three')) === false, 'the first token released the next claim')
    check((await key.write('two', 'value')) === true, 'the second token could not write')
  },

  async 'release requires the token of the claim, and keeps the value'(key) {
    await key.put('value')
    await key.claim('one')
    await key.release('two')
    check((await key.read()).claimed === true, 'another token released the claim')
    await key.release('one')
    check((await key.read()).claimed === false, 'the claim was not released')
    check((await key.value()) === 'value', 'the value was removed')
  },

  async 'Nothing is sent to the database after the signal has aborted'(key) {
    await key.claim('one', MINUTE_MILLIS, AbortSignal.abort()).catch(() => false)
    check((await key.read()).claimed === false, 'the key was claimed')
  },
} satisfies Readonly<Record<string, Rule>>
