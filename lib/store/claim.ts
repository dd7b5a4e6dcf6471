import { randomUUID } from 'node:crypto'
import type { Clock, Timer } from '../flight.js'
import { elapsed, type Instant } from '../lease.js'
import type { BoundedStore } from './bounded.js'

/** How long a claim lives without its owner, in milliseconds. */
export const CLAIM_MILLIS = 3_000
const RENEWAL_MILLIS = 1_000

/** The right to fetch a login for the fleet: renewed while it is held, given up once, and lost when its owner is gone. */
export class Claim {
  readonly #store: BoundedStore
  readonly #clock: Clock
  readonly #key: string
  readonly #token = randomUUID()
  #timer: Timer | undefined
  /** When the last claim that succeeded was sent: the store lets it lapse no sooner than `CLAIM_MILLIS` later. */
  #confirmedAt: Instant | undefined
  #open = true

  /**
   * @param atMost for how long it is renewed, in milliseconds
   * @returns undefined while another process holds the claim
   * @throws StoreFailure
   */
  static async take(store: BoundedStore, clock: Clock, key: string, atMost: number): Promise<Claim | undefined> {
    const claim = new Claim(store, clock, key)
    try {
      if (!(await claim.#confirm())) return undefined
      claim.#renewLater(clock.now().monotonic + atMost)
      return claim
    } catch (error) {
      // It may have come about, with the answer lost: the others would wait for nobody.
      claim.release().catch(() => {})
      throw error
    }
  }

  private constructor(store: BoundedStore, clock: Clock, key: string) {
    this.#store = store
    this.#clock = clock
    this.#key = key
  }

  /** Puts a value in the store, and gives the claim up. @returns false where it is no longer held. @throws StoreFailure */
  async write(value: string, lifetimeMillis: number): Promise<boolean> {
    const written = await this.#store.write(this.#key, this.#token, value, lifetimeMillis)
    if (written) this.#end()
    return written
  }

  /** Gives it up, so that the next process can claim. @throws StoreFailure */
  async release(): Promise<void> {
    if (!this.#open) return
    this.#end()
    await this.#store.release(this.#key, this.#token)
  }

  #end(): void {
    this.#open = false
    this.#timer?.cancel()
  }

  /** Whether it can have lapsed, and another process have fetched meanwhile: it is not to be taken up again. */
  #lapsed(): boolean {
    return this.#confirmedAt === undefined || elapsed(this.#confirmedAt, this.#clock.now()) >= CLAIM_MILLIS
  }

  /** Claims, at first and again. What comes about when it has been given up is given up once more. */
  async #confirm(): Promise<boolean> {
    const sentAt = this.#clock.now()
    const giveUp = (): void => void this.#store.release(this.#key, this.#token).catch(() => {})
    const claimed = await this.#store.claim(this.#key, this.#token, CLAIM_MILLIS, () => this.#open || giveUp())
    if (!claimed) this.#open = false
    else if (this.#open) this.#confirmedAt = sentAt
    else giveUp()
    return claimed
  }

  #renewLater(until: number): void {
    this.#timer = this.#clock.setTimeout(() => void this.#renew(until), RENEWAL_MILLIS)
    this.#timer.unref()
  }

  async #renew(until: number): Promise<void> {
    try {
      // A fetch that takes so long may never end: somebody else shall try. What it still brings is not shared.
      if (this.#clock.now().monotonic >= until || this.#lapsed()) await this.release()
      else await this.#confirm()
    } catch {
      // The claim lives on for a while: the next try may succeed.
    }
    if (this.#open) this.#renewLater(until)
  }
}
