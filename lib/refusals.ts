import { LRUCache } from 'lru-cache'
import type { Instant } from './clock.js'

/**
 * Decides when a server's refusal of a login is a reason to request another one from AWS. A refusal is about one moment and one place: a
 * server, a database and TLS settings. So the login stays in use until AWS has returned a different one.
 */

/** The budget: the number of requests to AWS before a pause is required. It refills over time. */
const MAX_REQUESTS = 3
/** The maximum number of places to remember, per login. */
const MAX_PLACES = 100
/** Used for refusals without a place. It never counts as having accepted a login. */
const NO_PLACE = ''

/** How long another connection waits while a login is in doubt, and the first pause between two requests. In milliseconds. */
const firstPause = (lifetime: number): number => Math.min(5_000, lifetime / 20)
/** The time in which the budget grows by one request. */
const refillTime = (lifetime: number): number => Math.min(60_000, lifetime / 15)
/** The pause between two requests for a place that keeps refusing. */
const missPause = (misses: number, lifetime: number): number =>
  Math.min(firstPause(lifetime) * 2 ** misses, Math.min(300_000, lifetime / 3))

/** The maximum age of a response of AWS that was sent before the refusal and still resolves it. In milliseconds. */
export const maxResponseAge = refillTime

/** How the last logins at one place ended. */
interface PlaceHistory {
  /** Whether the server accepted the last login. */
  readonly accepted: boolean
  /** How many refusals in a row have caused a request to AWS. */
  readonly misses: number
}

const ACCEPTED: PlaceHistory = { accepted: true, misses: 0 }
const UNKNOWN: PlaceHistory = { accepted: false, misses: 0 }

/** A login is in doubt: a server refused it, and another one has been requested from AWS. */
interface Doubt {
  readonly since: Instant
  /** Places that had accepted the login before they refused it. Their connections wait for another one. */
  readonly waiting: Set<string>
}

/** `requested`: another login must be requested now. `joined`: another one is being requested already. `ignored`: keep using the login. */
export type Verdict = 'requested' | 'joined' | 'ignored'

/** The refusals of one cache entry's logins: the history of each place, the budget of requests, and whether the login is in doubt. */
export class Refusals {
  readonly #places = new LRUCache<string, PlaceHistory>({ max: MAX_PLACES })
  /** The budget after the last request. */
  #budget = MAX_REQUESTS
  /** On the monotonic clock, as all times in this class. */
  #lastRequest = Number.NEGATIVE_INFINITY
  #doubt: Doubt | undefined

  /** When the login was refused; undefined if it is not in doubt. */
  get doubtedSince(): Instant | undefined {
    return this.#doubt?.since
  }

  /** Records that the server at this place accepted a login. */
  accepted(place: string): void {
    this.#places.set(place, ACCEPTED)
  }

  /**
   * Records that the server at this place refused the current login.
   * @param lifetime the lifetime of the login in milliseconds
   */
  refused(place: string | undefined, lifetime: number, now: Instant): Verdict {
    const key = place ?? NO_PLACE
    const before = this.#places.get(key) ?? UNKNOWN
    const requested = !this.#doubt && this.#mayRequest(before, lifetime, now)
    if (requested) {
      this.#budget = this.#budgetAt(lifetime, now) - 1
      this.#lastRequest = now.monotonic
      this.#doubt = { since: now, waiting: new Set() }
    }
    this.#places.set(key, { accepted: false, misses: before.misses + (requested ? 1 : 0) })
    // Without a place, the refused caller cannot be distinguished from others, so all callers without a place wait.
    if (before.accepted || key === NO_PLACE) this.#doubt?.waiting.add(key)
    return requested ? 'requested' : this.#doubt ? 'joined' : 'ignored'
  }

  /** How long a connection to this place waits while the login is in doubt, in milliseconds; 0 if it uses the login at once. */
  waitMillis(place: string | undefined, lifetime: number, now: Instant): number {
    const key = place ?? NO_PLACE
    if (!this.#doubt || !(this.#places.get(key)?.accepted || this.#doubt.waiting.has(key))) return 0
    return Math.max(0, this.#doubt.since.monotonic + firstPause(lifetime) - now.monotonic)
  }

  /** Ends the doubt after the request to AWS, whether it succeeded or failed. */
  settle(): void {
    this.#doubt = undefined
  }

  #mayRequest({ accepted, misses }: PlaceHistory, lifetime: number, now: Instant): boolean {
    const budget = this.#budgetAt(lifetime, now)
    if (accepted) return budget >= 1
    // The last request is reserved for places that have accepted logins, so that a misconfigured place cannot use up the budget.
    return budget >= 2 && now.monotonic - this.#lastRequest >= missPause(misses, lifetime)
  }

  /** The budget now. It refills at the rate for this lifetime. */
  #budgetAt(lifetime: number, now: Instant): number {
    return Math.min(MAX_REQUESTS, this.#budget + (now.monotonic - this.#lastRequest) / refillTime(lifetime))
  }
}
