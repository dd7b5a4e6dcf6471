import { randomUUID } from 'node:crypto'
import { type Clock, elapsed, type Instant, type Timer } from '../clock.js'
import type { BoundedStore } from './bounded-store.js'

/** How long a claim lasts if its owner does not renew it, in milliseconds. */
const CLAIM_MILLIS = 3_000
const RENEWAL_MILLIS = 1_000

/** The right to fetch a login for the fleet. Its owner renews it and releases it once. If the owner dies, it expires. */
export class Claim {
  readonly #store: BoundedStore
  readonly #clock: Clock
  readonly #key: string
  readonly #token = randomUUID()
  #timer: Timer | undefined
  /** When the last successful claim was sent. The store keeps it for at least `CLAIM_MILLIS` from then. */
  #confirmedAt: Instant | undefined
  #open = true

  /**
   * Claims a key.
   * @param maxMillis how long to keep renewing the claim, in milliseconds
   * @returns undefined while another process holds the claim
   * @throws StoreFailure
   */
  static async acquire(store: BoundedStore, clock: Clock, key: string, maxMillis: number): Promise<Claim | undefined> {
    const claim = new Claim(store, clock, key)
    try {
      if (!(await claim.#confirm())) return undefined
      claim.#renewLater(clock.now().monotonic + maxMillis)
      return claim
    } catch (error) {
      // The claim may have succeeded although the response was lost. Release it, so that other processes do not wait for it.
      claim.release().catch(() => {})
      throw error
    }
  }

  private constructor(store: BoundedStore, clock: Clock, key: string) {
    this.#store = store
    this.#clock = clock
    this.#key = key
  }

  /** Stores a value and releases the claim. @returns false if the claim is no longer held. @throws StoreFailure */
  async write(value: string, lifetimeMillis: number): Promise<boolean> {
    const written = await this.#store.write(this.#key, this.#token, value, lifetimeMillis)
    if (written) this.#end()
    return written
  }

  /** Releases the claim, so that another process can fetch. @throws StoreFailure */
  async release(): Promise<void> {
    if (!this.#open) return
    this.#end()
    await this.#store.release(this.#key, this.#token)
  }

  #end(): void {
    this.#open = false
    this.#timer?.cancel()
  }

  /** Whether the claim may have expired. Another process may have fetched since then, so it must not be renewed. */
  #lapsed(): boolean {
    return this.#confirmedAt === undefined || elapsed(this.#confirmedAt, this.#clock.now()) >= CLAIM_MILLIS
  }

  /** Claims or renews. If the claim was released meanwhile, releases it again. */
  async #confirm(): Promise<boolean> {
    const sentAt = this.#clock.now()
    const releaseAgain = (): void => void this.#store.release(this.#key, this.#token).catch(() => {})
    const claimed = await this.#store.claim(this.#key, this.#token, CLAIM_MILLIS, () => this.#open || releaseAgain())
    if (!claimed) this.#open = false
    else if (this.#open) this.#confirmedAt = sentAt
    else releaseAgain()
    return claimed
  }

  #renewLater(until: number): void {
    this.#timer = this.#clock.setTimeout(() => void this.#renew(until), RENEWAL_MILLIS)
    this.#timer.unref()
  }

  async #renew(until: number): Promise<void> {
    try {
      // A fetch that takes this long may never end, so let another process try. A late login is used but not shared.
      if (this.#clock.now().monotonic >= until || this.#lapsed()) await this.release()
      else await this.#confirm()
    } catch {
      // The claim is still valid for a while, and the next attempt may succeed.
    }
    if (this.#open) this.#renewLater(until)
  }
}
