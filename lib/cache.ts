import { LRUCache } from 'lru-cache'
import { closedError, RedshiftCredentialsError } from './errors.js'
import { type Clock, Flight } from './flight.js'
import {
  createLease,
  elapsed,
  fetchBackoff,
  type Instant,
  type Lease,
  noProgressDelay,
  type Phase,
  phaseOf,
  refreshBackoff,
  refreshDeadline,
  refusalAge,
  remaining,
} from './lease.js'
import { type FetchedLogin, type FetchNotes, RedshiftLogin } from './login.js'
import type { CredentialRequest } from './request.js'
import { fetchEnd, fetchStart, invalidated, traceContext } from './tracing.js'

/** Asks AWS. Rejects with `RedshiftCredentialsError` only. */
export type Fetch = (request: CredentialRequest, signal: AbortSignal, notes: FetchNotes) => Promise<FetchedLogin>

export interface CacheOptions {
  readonly clock: Clock
  /** Draws from [0, 1). */
  readonly random: () => number
  readonly fetch: Fetch
  readonly maxEntries: number
  readonly fetchTimeoutMillis: number
}

/** The state of one login, without secrets. */
export interface EntryStatus {
  readonly request: CredentialRequest
  readonly user: string | undefined
  readonly phase: Phase | 'none' | 'rejected'
  readonly expiration: Date | undefined
  readonly refreshAt: Date | undefined
  readonly lastError: RedshiftCredentialsError | undefined
}

/** A login and what became of the attempts to replace it. */
class Entry {
  // lru-cache publishes its values on a diagnostics channel: the login must not be a property.
  #login: RedshiftLogin | undefined
  lease: Lease | undefined
  /** The server refused the login: it is never served again. */
  rejected = false
  /** The login was fetched because its predecessor had been refused. */
  afterRefusal = false
  /** Refetched logins that were refused, in a row. */
  refused = 0
  /** The last fetch's failure, undefined after a success. */
  error: RedshiftCredentialsError | undefined
  /** Whether a login was served while that fetch failed. */
  failedServing = false
  /** Failures in a row. */
  failures = 0
  /** No fetch before this, on the monotonic clock. */
  pausedUntil = Number.NEGATIVE_INFINITY

  readonly key: string
  readonly request: CredentialRequest

  constructor(key: string, request: CredentialRequest) {
    this.key = key
    this.request = request
  }

  get login(): RedshiftLogin | undefined {
    return this.#login
  }

  /** The login and its lease, as long as it may be served. */
  servable(now: Instant): { login: RedshiftLogin; lease: Lease; phase: Phase } | undefined {
    if (!this.#login || !this.lease || this.rejected) return undefined
    const phase = phaseOf(this.lease, now)
    return phase === 'expired' ? undefined : { login: this.#login, lease: this.lease, phase }
  }

  replace(login: RedshiftLogin, lease: Lease): void {
    this.#login = login
    this.lease = lease
    if (!this.rejected) this.refused = 0
    this.afterRefusal = this.rejected
    this.rejected = false
  }
}

interface EntryFlight {
  readonly entry: Entry
  readonly flight: Flight<RedshiftLogin>
}

const responseError = (message: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError('ERR_REDSHIFT_RESPONSE', message)

/**
 * Logins by key: served while they work, refreshed in the background, one flight per key at any time.
 * It runs no timers but the deadlines of flights, and does nothing while nobody asks.
 */
export class CredentialCache {
  readonly #options: CacheOptions
  readonly #entries: LRUCache<string, Entry>
  // Beside the bounded store, so that eviction neither kills nor doubles a flight.
  readonly #flights = new Map<string, EntryFlight>()
  readonly #owners = new WeakMap<RedshiftLogin, Entry>()
  #closed = false

  constructor(options: CacheOptions) {
    this.#options = options
    this.#entries = new LRUCache({ max: options.maxEntries })
  }

  /**
   * The current login. Returns at once while there is one that works; else waits for the one flight of this key.
   * After a failure with nothing to serve, callers get the same failure until the back-off is over.
   */
  get(key: string, request: CredentialRequest, signal?: AbortSignal): Promise<RedshiftLogin> {
    if (this.#closed) return Promise.reject(closedError())
    if (signal?.aborted) return Promise.reject(signal.reason)
    const entry = this.#entries.get(key) ?? this.#flights.get(key)?.entry ?? this.#add(key, request)
    const now = this.#options.clock.now()
    const served = entry.servable(now)
    const flight = this.#flights.get(key)?.flight
    if (served) {
      if (served.phase === 'ageing' && !flight && now.monotonic >= entry.pausedUntil)
        this.#launch(entry, now, refreshDeadline(served.lease, now))
      return Promise.resolve(served.login)
    }
    if (flight) return flight.wait(signal)
    if (entry.error && !entry.failedServing && now.monotonic < entry.pausedUntil)
      return Promise.reject(entry.error.copy())
    return this.#launch(entry, now, Number.POSITIVE_INFINITY).wait(signal)
  }

  /** The login that `get` would return at once; undefined where it would wait. Starts nothing. */
  peek(key: string): RedshiftLogin | undefined {
    return this.#entries.peek(key)?.servable(this.#options.clock.now())?.login
  }

  /**
   * Tells that the server refused a login.
   * @returns whether `get` will give another one. False for a login that was just fetched, which stays served: the set-up is
   * wrong then, and another login would be refused as well.
   */
  invalidate(login: RedshiftLogin): boolean {
    const entry = this.#owners.get(login)
    if (!entry?.lease || this.#closed) return false
    if (entry.login !== login || entry.rejected) return true
    const age = elapsed(entry.lease.sentAt, this.#options.clock.now())
    const accepted = age >= refusalAge(entry.lease, entry.refused)
    if (accepted) {
      entry.refused = entry.afterRefusal ? entry.refused + 1 : 0
      entry.rejected = true
    }
    if (invalidated.hasSubscribers)
      invalidated.publish({ ...traceContext(entry.request), accepted, ageMillis: Math.round(age) })
    return accepted
  }

  status(): EntryStatus[] {
    const now = this.#options.clock.now()
    return [...this.#entries.values()].map(entry => ({
      request: entry.request,
      user: entry.login?.user,
      phase: entry.rejected ? 'rejected' : entry.lease ? phaseOf(entry.lease, now) : 'none',
      expiration: entry.login?.expiration,
      refreshAt: entry.lease && new Date(now.wall + entry.lease.refreshAt - elapsed(entry.lease.sentAt, now)),
      lastError: entry.error?.copy(),
    }))
  }

  /** Forgets every login and rejects all who wait. */
  close(): void {
    this.#closed = true
    for (const { flight } of [...this.#flights.values()]) flight.abandon(closedError())
    this.#entries.clear()
  }

  #add(key: string, request: CredentialRequest): Entry {
    const entry = new Entry(key, request)
    this.#entries.set(key, entry)
    return entry
  }

  #launch(entry: Entry, now: Instant, atMost: number): Flight<RedshiftLogin> {
    const { clock, fetch, fetchTimeoutMillis } = this.#options
    const { key, request } = entry
    const context = { ...traceContext(request), background: entry.servable(now) !== undefined }
    const notes: FetchNotes = {}
    const deadlineMillis = Math.min(fetchTimeoutMillis, atMost)
    let answer: FetchedLogin | undefined
    const flight = new Flight<RedshiftLogin>(
      clock,
      deadlineMillis,
      async signal => {
        answer = await fetch(request, signal, notes)
        return new RedshiftLogin(answer.user, answer.password, answer.expiration, answer.nextRefreshTime)
      },
      () =>
        notes.failure ??
        new RedshiftCredentialsError(
          'ERR_REDSHIFT_TIMEOUT',
          `${request.api} for ${JSON.stringify(context.target)} was not answered within ${Math.round(deadlineMillis)} ms, the loading of AWS credentials included. ` +
            'Check the network path to AWS and the credential provider (profile, SSO, metadata service), or raise fetchTimeoutMillis.',
        ),
      outcome => {
        this.#flights.delete(key)
        const before = entry.login
        const landed = this.#closed
          ? { error: closedError() }
          : 'value' in outcome && answer
            ? this.#accept(entry, outcome.value, answer)
            : outcome
        const end = clock.now()
        if ('error' in landed && !this.#closed) this.#fail(entry, landed.error, notes, end)
        if (fetchEnd.hasSubscribers)
          fetchEnd.publish({
            ...context,
            outcome: 'error' in landed ? 'failed' : landed.value !== before ? 'fetched' : 'unchanged',
            durationMillis: Math.round(end.monotonic - now.monotonic),
            expiration: entry.login?.expiration,
            error: 'error' in landed ? landed.error.copy() : undefined,
            pauseMillis: Math.max(0, Math.round(entry.pausedUntil - end.monotonic)),
          })
        return landed
      },
    )
    this.#flights.set(key, { entry, flight })
    if (fetchStart.hasSubscribers) fetchStart.publish(context)
    return flight
  }

  /** Checks an answer and takes it over, or says what is wrong with it. */
  #accept(
    entry: Entry,
    login: RedshiftLogin,
    answer: FetchedLogin,
  ): { value: RedshiftLogin } | { error: RedshiftCredentialsError } {
    const { clock, random } = this.#options
    const { api, durationSeconds } = entry.request
    // For GetClusterCredentialsWithIAM, AWS documents NextRefreshTime as reserved for future use.
    const nextRefreshTime = api === 'GetCredentials' ? answer.nextRefreshTime : undefined
    const lease = createLease({ ...answer, nextRefreshTime, durationSeconds }, random())
    const now = clock.now()
    if (!lease || phaseOf(lease, now) === 'expired')
      return {
        error: responseError(
          `${api} answered with an expiry that is missing, past or absurd. Nothing was stored. Check the clock of this host, and what stands between it and AWS.`,
        ),
      }
    const old = entry.login
    if (entry.rejected && old?.user === login.user && old.password === login.password)
      return {
        error: new RedshiftCredentialsError(
          'ERR_REDSHIFT_LOGIN_REJECTED',
          `${api} gave the same password again that Redshift had refused for ${JSON.stringify(login.user)}. Check that host and target belong together, and the user's grants.`,
        ),
      }
    const served = entry.servable(now)
    entry.error = undefined
    entry.failures = 0
    const sameExpiry = old?.expiration.getTime() === login.expiration.getTime()
    if (served && old?.user === login.user && (sameExpiry || remaining(lease, now) <= remaining(served.lease, now))) {
      entry.pausedUntil = now.monotonic + noProgressDelay(served.lease, lease, now)
      return { value: served.login }
    }
    entry.pausedUntil = Number.NEGATIVE_INFINITY
    entry.replace(login, lease)
    this.#owners.set(login, entry)
    this.#entries.set(entry.key, entry)
    return { value: login }
  }

  #fail(entry: Entry, error: RedshiftCredentialsError, notes: FetchNotes, now: Instant): void {
    const served = entry.servable(now)
    const serving = served !== undefined
    if (entry.failedServing !== serving) entry.failures = 0
    const failure = { throttled: error.code === 'ERR_REDSHIFT_THROTTLED', retryAfter: notes.retryAfter }
    const pause = served
      ? refreshBackoff(served.lease, entry.failures, failure, now, this.#options.random())
      : fetchBackoff(entry.failures, failure, this.#options.random())
    entry.error = error
    entry.failedServing = serving
    entry.failures++
    entry.pausedUntil = now.monotonic + pause
  }
}
