import { LRUCache } from 'lru-cache'
import type { Instant } from './lease.js'

/**
 * When a server's refusal of a login is a reason to ask AWS for another. A refusal says something about one place and one
 * moment, so the login stays in use until AWS has given a different one. Time comes in as an {@link Instant}.
 */

/** How often AWS may be asked at once, before the budget refills. */
const MOST_ASKS = 3
/** Places whose last outcome is remembered, per login. */
const MOST_PLACES = 100
/** The place of a refusal that came without one. It never counts as having accepted a login. */
const NOWHERE = ''

/** How long a bystander waits for the outcome of a doubt, and the first wait between two asks. In milliseconds. */
const shortWait = (lifetime: number): number => Math.min(5_000, lifetime / 20)
/** How long the budget needs for one more ask. */
const refillTime = (lifetime: number): number => Math.min(60_000, lifetime / 15)
/** The wait between two asks for a place that goes on refusing. */
const missWait = (misses: number, lifetime: number): number =>
  Math.min(shortWait(lifetime) * 2 ** misses, Math.min(300_000, lifetime / 3))

/** How old an answer of AWS may be, when a refusal comes, to count as the answer to it. In milliseconds. */
export const vouchedFor = refillTime

/** What became of the last login at one place. */
interface Outcome {
  /** The server accepted the login. */
  readonly ok: boolean
  /** Refusals since then that made us ask AWS. */
  readonly misses: number
}

const ACCEPTED: Outcome = { ok: true, misses: 0 }
const UNKNOWN: Outcome = { ok: false, misses: 0 }

/** AWS is being asked whether a login is still good. */
interface Doubt {
  readonly since: Instant
  /** Places that had accepted the login before they refused it. */
  readonly accepting: Set<string>
}

/** `believed`: AWS has to be asked now. `joined`: AWS is being asked already. `ignored`: the login stays in use. */
export type Verdict = 'believed' | 'joined' | 'ignored'

/** The refusals of one cache entry's logins: the last outcome of each place, the budget of asks, and the open doubt. */
export class Refusals {
  readonly #places = new LRUCache<string, Outcome>({ max: MOST_PLACES })
  /** When the budget is full again if nothing is spent, on the monotonic clock, like every time in here. */
  #fullAt = Number.NEGATIVE_INFINITY
  #lastAsk = Number.NEGATIVE_INFINITY
  #doubt: Doubt | undefined

  /** When the open doubt began. */
  get doubtedSince(): Instant | undefined {
    return this.#doubt?.since
  }

  /** The server at this place accepted a login. */
  accepted(place: string): void {
    this.#places.set(place, ACCEPTED)
  }

  /**
   * The server at this place refused the current login.
   * @param lifetime the login's, in milliseconds
   */
  refused(place: string | undefined, lifetime: number, now: Instant): Verdict {
    const key = place ?? NOWHERE
    const before = this.#places.get(key) ?? UNKNOWN
    const believed = !this.#doubt && this.#believes(before, lifetime, now)
    if (believed) {
      this.#fullAt = Math.max(this.#fullAt, now.monotonic) + refillTime(lifetime)
      this.#lastAsk = now.monotonic
      this.#doubt = { since: now, accepting: new Set() }
    }
    this.#places.set(key, { ok: false, misses: before.misses + (believed ? 1 : 0) })
    // A caller without a place cannot be told from those who were not refused: all of them wait.
    if (before.ok || key === NOWHERE) this.#doubt?.accepting.add(key)
    return believed ? 'believed' : this.#doubt ? 'joined' : 'ignored'
  }

  /** How many milliseconds a connection to this place waits for the open doubt; 0 where it goes ahead with the login in use. */
  patience(place: string | undefined, lifetime: number, now: Instant): number {
    const key = place ?? NOWHERE
    if (!this.#doubt || !(this.#places.get(key)?.ok || this.#doubt.accepting.has(key))) return 0
    return Math.max(0, this.#doubt.since.monotonic + shortWait(lifetime) - now.monotonic)
  }

  /** AWS has answered, or has not: either way, the login that is now in use is no longer in doubt. */
  settle(): void {
    this.#doubt = undefined
  }

  #believes({ ok, misses }: Outcome, lifetime: number, now: Instant): boolean {
    const hasLeft = (asks: number): boolean => this.#fullAt - now.monotonic <= (MOST_ASKS - asks) * refillTime(lifetime)
    if (ok) return hasLeft(1)
    // The last ask is kept for a place that has accepted logins: a misconfigured one cannot use up the budget.
    return hasLeft(2) && now.monotonic - this.#lastAsk >= missWait(misses, lifetime)
  }
}
