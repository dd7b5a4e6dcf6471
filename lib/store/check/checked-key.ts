import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { CredentialStore, StoreEntry } from '../store.js'

/** The time limit of each call, in milliseconds. It is generous, because the rules test the store and not the machine's speed. */
export const CALL_LIMIT_MILLIS = 15_000
/** How much a store with a coarse clock may add to a claim, in milliseconds. */
export const CLAIM_TOLERANCE_MILLIS = 3_000
export const MINUTE_MILLIS = 60_000

/** A rule, checked on a key that nothing else uses. */
export type Rule = (key: CheckedKey) => Promise<void>

/** Thrown if the store breaks a rule. */
export class BrokenRule extends Error {}

export function check(isKept: boolean, problem: string): void {
  if (!isKept) throw new BrokenRule(problem)
}

/** A unique key of the store under test. */
export class CheckedKey {
  readonly store: CredentialStore
  // The maximum length of a key, with every permitted character.
  readonly #key = `${randomUUID()}_check-store_ABCDEFGHIJK_xyz`.slice(0, 64)

  constructor(store: CredentialStore) {
    this.store = store
  }

  another(): CheckedKey {
    return new CheckedKey(this.store)
  }

  read(): Promise<StoreEntry> {
    return this.#call('read', signal => this.store.read(this.#key, signal))
  }

  async value(): Promise<string | undefined> {
    return (await this.read()).stored?.value
  }

  claim(token: string, millis = MINUTE_MILLIS, aborted?: AbortSignal): Promise<boolean> {
    return this.#call('claim', signal => this.store.claim(this.#key, token, millis, aborted ?? signal))
  }

  write(token: string, value: string, millis = MINUTE_MILLIS): Promise<boolean> {
    return this.#call('write', signal => this.store.write(this.#key, token, value, millis, signal))
  }

  release(token: string): Promise<void> {
    return this.#call('release', signal => this.store.release(this.#key, token, signal))
  }

  remove(value: string): Promise<void> {
    return this.#call('remove', signal => this.store.remove(this.#key, value, signal))
  }

  /** Claims the key and writes the value, which releases the claim. */
  async put(value: string, millis = MINUTE_MILLIS): Promise<void> {
    const token = randomUUID()
    check(await this.claim(token), 'claim returned false for a free key')
    check(await this.write(token, value, millis), 'write returned false for the token that holds the claim')
  }

  async #call<T>(operation: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const limit = delay(CALL_LIMIT_MILLIS, undefined, { signal: controller.signal, ref: true }).then(() => {
      throw new BrokenRule(`${operation} did not return within ${CALL_LIMIT_MILLIS} ms`)
    })
    limit.catch(() => {})
    try {
      return await Promise.race([run(new AbortController().signal), limit])
    } finally {
      controller.abort()
    }
  }
}
