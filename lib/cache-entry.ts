import { elapsed, type Instant } from './clock.js'
import { RedshiftCredentialsError } from './errors.js'
import type { CurrentLogin, FetchedLogin } from './fetch-context.js'
import type { Outcome } from './flight.js'
import {
  createLease,
  fetchBackoff,
  type Lease,
  noProgressDelay,
  type Phase,
  phaseOf,
  refreshBackoff,
  remaining,
} from './lease.js'
import { RedshiftLogin, samePair } from './login.js'
import { Refusals, type Verdict } from './refusals.js'
import type { CredentialRequest } from './request.js'

/** The state of one cached login, without secrets. */
export interface EntryStatus {
  readonly request: CredentialRequest
  readonly user: string | undefined
  readonly phase: Phase | 'none'
  readonly inDoubt: boolean
  readonly expiration: Date | undefined
  readonly refreshAt: Date | undefined
  readonly lastError: RedshiftCredentialsError | undefined
}

/** A login and the outcome of the attempts to refresh it. It decides what to do, but starts nothing. */
export class Entry {
  // A private field without a getter, because lru-cache publishes its values on a diagnostics channel.
  #login: RedshiftLogin | undefined
  #lease: Lease | undefined
  /** AWS's clock in the last response with this pair. */
  #serverTime = 0
  /** Why the last fetch failed; undefined after a success. */
  #error: RedshiftCredentialsError | undefined
  /** Whether callers got a cached login during that fetch, so that none of them saw the failure. */
  #failedServing = false
  /** The number of consecutive failures. */
  #failures = 0
  /** The earliest time of the next fetch, on the monotonic clock. */
  #pausedUntil = Number.NEGATIVE_INFINITY

  readonly key: string
  readonly request: CredentialRequest
  readonly refusals = new Refusals()
  readonly #random: () => number

  constructor(key: string, request: CredentialRequest, random: () => number) {
    this.key = key
    this.request = request
    this.#random = random
  }

  /** The login that was fetched last, even if it has expired. */
  login(): RedshiftLogin | undefined {
    return this.#login
  }

  /** The login that a fetch will replace. */
  current(): CurrentLogin | undefined {
    const { doubtedSince } = this.refusals
    return this.#login && { login: this.#login, serverTime: this.#serverTime, doubtedSince }
  }

  /** The login, if it needs no refresh and a connection to this place may use it at once. */
  fresh(now: Instant, place: string | undefined): RedshiftLogin | undefined {
    const lease = this.#lease
    if (!lease || phaseOf(lease, now) !== 'fresh') return undefined
    return this.waitMillis(place, now) > 0 ? undefined : this.#login
  }

  /** How long a connection to this place waits for another login while this one is in doubt, in milliseconds; 0 if it uses this one. */
  waitMillis(place: string | undefined, now: Instant): number {
    return this.#lease ? this.refusals.waitMillis(place, this.#lease.lifetime, now) : 0
  }

  /** The login and its lease, unless it has expired. */
  usable(now: Instant): { login: RedshiftLogin; lease: Lease; phase: Phase } | undefined {
    if (!this.#login || !this.#lease) return undefined
    const phase = phaseOf(this.#lease, now)
    return phase === 'expired' ? undefined : { login: this.#login, lease: this.#lease, phase }
  }

  /** The age of a login in milliseconds; undefined if it is not the current one. */
  ageOf(login: RedshiftLogin, now: Instant): number | undefined {
    return this.#lease && samePair(this.#login, login) ? elapsed(this.#lease.sentAt, now) : undefined
  }

  /** The time until the next fetch is allowed, in milliseconds. */
  pause(now: Instant): number {
    return Math.max(0, this.#pausedUntil - now.monotonic)
  }

  /** The failure that callers get until the back-off is over, if there is no usable login. */
  failure(now: Instant): RedshiftCredentialsError | undefined {
    return this.#failedServing || this.pause(now) === 0 ? undefined : this.#error
  }

  status(now: Instant): EntryStatus {
    const lease = this.#lease
    return {
      request: this.request,
      user: this.#login?.user,
      phase: lease ? phaseOf(lease, now) : 'none',
      inDoubt: this.refusals.doubtedSince !== undefined,
      expiration: this.#login && new Date(this.#login.expiresAt()),
      refreshAt: lease && new Date(now.wall + lease.refreshAt - elapsed(lease.sentAt, now)),
      lastError: this.#error?.copy(),
    }
  }

  /** The lease of a response. AWS documents NextRefreshTime of GetClusterCredentialsWithIAM as "reserved for future use". */
  #leaseOf(fetched: FetchedLogin): Lease | undefined {
    const { api, durationSeconds } = this.request
    const nextRefreshTime = api === 'GetCredentials' ? fetched.nextRefreshTime : undefined
    return createLease({ ...fetched, nextRefreshTime, durationSeconds }, this.#random())
  }

  /** Whether a response has expired since it was sent. A machine that was suspended reads it when it wakes up. */
  expiredInTransit(fetched: FetchedLogin, now: Instant): boolean {
    const lease = this.#leaseOf(fetched)
    return lease !== undefined && phaseOf(lease, now) === 'expired'
  }

  /** Checks a response and adopts its login. @returns the login to use from now on, or an error if the response is invalid */
  accept(fetched: FetchedLogin, now: Instant): Outcome<RedshiftLogin> {
    const { api } = this.request
    const { user, password, expiration } = fetched
    const lease = this.#leaseOf(fetched)
    if (!lease || phaseOf(lease, now) === 'expired')
      return failed(
        'ERR_REDSHIFT_RESPONSE',
        `${api} returned a login without a valid expiration, or with one that has passed or is too far away. Check the clock of this host, and any proxy between it and AWS.`,
      )
    this.#error = undefined
    this.#failures = 0
    const served = this.usable(now)
    const same = samePair(served?.login, fetched)
    // A login in doubt is replaced by any other pair, because the server may no longer accept it.
    if (served?.login.user === user && (same || !this.refusals.doubtedSince)) {
      if (same) this.#serverTime = fetched.serverTime
      const sameExpiry = served.login.expiresAt() === expiration.getTime()
      if (sameExpiry || remaining(lease, now) <= remaining(served.lease, now)) {
        this.#pausedUntil = now.monotonic + noProgressDelay(served.lease, lease, now)
        return { value: served.login }
      }
    }
    this.#serverTime = fetched.serverTime
    this.#pausedUntil = Number.NEGATIVE_INFINITY
    this.#lease = lease
    this.#login = new RedshiftLogin(user, password, expiration, fetched.nextRefreshTime)
    return { value: this.#login }
  }

  /**
   * Records a failure. A usable login is kept.
   * @param background whether there was a usable login when the fetch began. If it has expired since, for example because the machine was
   * suspended, the next caller does not get this failure but starts a new fetch.
   */
  fail(error: RedshiftCredentialsError, retryAfter: number | undefined, now: Instant, background: boolean): void {
    const served = this.usable(now)
    const serving = served !== undefined || background
    if (this.#failedServing !== serving) this.#failures = 0
    const failure = { throttled: error.code === 'ERR_REDSHIFT_THROTTLED', retryAfter }
    const random = this.#random()
    const pause = served
      ? refreshBackoff(served.lease, this.#failures, failure, now, random)
      : fetchBackoff(this.#failures, failure, random)
    this.#error = error
    this.#failedServing = serving
    this.#failures++
    this.#pausedUntil = now.monotonic + pause
  }

  /**
   * Records that the server at this place refused the current login.
   * @returns undefined if the login has expired, since the next caller gets another one anyway
   */
  refuse(place: string | undefined, now: Instant): { verdict: Verdict; ageMillis: number } | undefined {
    const lease = this.usable(now)?.lease
    if (!lease) return undefined
    const verdict = this.refusals.refused(place, lease.lifetime, now)
    return { verdict, ageMillis: Math.round(elapsed(lease.sentAt, now)) }
  }
}

const failed = (code: RedshiftCredentialsError['code'], message: string): { error: RedshiftCredentialsError } => ({
  error: new RedshiftCredentialsError(code, message),
})
