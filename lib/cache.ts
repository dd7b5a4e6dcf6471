import { LRUCache } from 'lru-cache'
import { Entry, type EntryStatus } from './entry.js'
import { closedError, RedshiftCredentialsError } from './errors.js'
import { type Clock, Flight, type Outcome } from './flight.js'
import { refreshDeadline } from './lease.js'
import { type FetchedLogin, type FetchNotes, type HeldLogin, type RedshiftLogin, samePair } from './login.js'
import { type CredentialRequest, targetOf } from './request.js'
import { type FetchStartMessage, fetchEnd, fetchStart, invalidated, traceContext } from './tracing.js'

/** Asks AWS. Rejects with `RedshiftCredentialsError` only. */
export type Fetch = (
  request: CredentialRequest,
  signal: AbortSignal,
  notes: FetchNotes,
  held: HeldLogin | undefined,
) => Promise<FetchedLogin>

export interface CacheOptions {
  readonly clock: Clock
  /** Draws from [0, 1). */
  readonly random: () => number
  readonly fetch: Fetch
  /** Is told when a login is dropped because the server refused it. */
  readonly dropped?: ((request: CredentialRequest, login: RedshiftLogin) => void) | undefined
  readonly maxEntries: number
  readonly fetchTimeoutMillis: number
}

/** A fetch of a login, shared by those who wait for it. */
interface EntryFlight {
  readonly entry: Entry
  readonly flight: Flight<RedshiftLogin, FetchedLogin>
  /** It was started while a login was served. */
  readonly background: boolean
}

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
    const fresh = this.fresh(key)
    if (fresh) return Promise.resolve(fresh)
    const { flight, background } = this.#flights.get(key) ?? {}
    const entry = this.#entries.get(key) ?? this.#flights.get(key)?.entry ?? this.#add(key, request)
    const now = this.#options.clock.now()
    const served = entry.served(now)
    if (served) {
      if (served.phase === 'stale' && !flight && entry.pause(now) === 0)
        this.#launch(entry, refreshDeadline(served.lease, now), true)
      return Promise.resolve(served.login)
    }
    if (flight && !flight.isForsaken) {
      const landing = flight.wait(signal)
      // A refresh has only as long as the old login still works. Who has to wait for it gets a fetch of his own where it fails.
      return background ? landing.catch(() => this.get(key, request, signal)) : landing
    }
    const failure = entry.failure(now)
    if (flight) {
      flight.abandon(forsakenError(request))
      // Who was told of its end may have asked, or closed, meanwhile.
      if (this.#closed || this.#flights.has(key)) return this.get(key, request, signal)
    }
    return failure ? Promise.reject(failure.copy()) : this.#launch(entry, Number.POSITIVE_INFINITY, false).wait(signal)
  }

  /** The login, as long as it is fresh: what nearly every call of `get` comes to, without a promise to wait for. */
  fresh(key: string): RedshiftLogin | undefined {
    return this.#entries.get(key)?.fresh(this.#options.clock.now())
  }

  /** The login that `get` would return at once; undefined where it would wait. Starts nothing. */
  peek(key: string): RedshiftLogin | undefined {
    return this.#entries.peek(key)?.served(this.#options.clock.now())?.login
  }

  /**
   * Tells that the server refused a login.
   * @returns whether `get` will give another one. False for a login that was just fetched, which stays served: the set-up is
   * wrong then, and another login would be refused as well.
   */
  invalidate(login: RedshiftLogin): boolean {
    const owner = this.#owners.get(login)
    if (!owner || this.#closed) return false
    // Its own entry may have been evicted, and another hold the same password.
    const entry = this.#entries.peek(owner.key) ?? this.#flights.get(owner.key)?.entry ?? owner
    const refusal = samePair(entry.login, login) ? entry.refuse(this.#options.clock.now()) : undefined
    if (refusal?.accepted) this.#options.dropped?.(entry.request, login)
    if (refusal && invalidated.hasSubscribers) invalidated.publish({ ...traceContext(entry.request), ...refusal })
    return refusal?.accepted ?? true
  }

  status(): EntryStatus[] {
    const now = this.#options.clock.now()
    return [...this.#entries.values()].map(entry => entry.status(now))
  }

  /** Forgets every login and rejects all who wait. */
  close(): void {
    this.#closed = true
    for (const { flight } of [...this.#flights.values()]) flight.abandon(closedError())
    this.#entries.clear()
  }

  #add(key: string, request: CredentialRequest): Entry {
    const entry = new Entry(key, request, this.#options.random)
    this.#entries.set(key, entry)
    return entry
  }

  #launch(entry: Entry, atMost: number, background: boolean): Flight<RedshiftLogin, FetchedLogin> {
    const { clock, fetch, fetchTimeoutMillis } = this.#options
    const { key, request } = entry
    const context = { ...traceContext(request), background }
    const deadlineMillis = Math.min(fetchTimeoutMillis, atMost)
    const notes: FetchNotes = { deadlineMillis }
    const start = clock.now().monotonic
    const flight = new Flight<RedshiftLogin, FetchedLogin>(
      clock,
      deadlineMillis,
      async signal => {
        const answer = await fetch(request, signal, notes, entry.held)
        return entry.diedOnTheWay(answer, clock.now()) ? fetch(request, signal, notes, entry.held) : answer
      },
      () => notes.failure ?? timeoutError(request, deadlineMillis),
      outcome => {
        this.#flights.delete(key)
        const now = clock.now()
        const before = entry.login
        const landed = 'value' in outcome ? entry.accept(outcome.value, now) : outcome
        if ('error' in landed) entry.fail(landed.error, notes.retryAfter, now, background)
        else this.#owners.set(landed.value, entry)
        // It may have been evicted meanwhile: a back-off that is forgotten would hammer AWS.
        this.#entries.set(key, entry)
        this.#traceEnd(context, entry, landed, before, now.monotonic - start)
        return landed
      },
    )
    this.#flights.set(key, { entry, flight, background })
    if (fetchStart.hasSubscribers) fetchStart.publish(context)
    return flight
  }

  #traceEnd(
    context: FetchStartMessage,
    entry: Entry,
    landed: Outcome<RedshiftLogin>,
    before: RedshiftLogin | undefined,
    durationMillis: number,
  ): void {
    if (!fetchEnd.hasSubscribers) return
    fetchEnd.publish({
      ...context,
      outcome: 'error' in landed ? 'failed' : landed.value !== before ? 'fetched' : 'unchanged',
      durationMillis: Math.round(durationMillis),
      expiration: entry.login?.expiration,
      error: 'error' in landed ? landed.error.copy() : undefined,
      pauseMillis: Math.round(entry.pause(this.#options.clock.now())),
    })
  }
}

const forsakenError = (request: CredentialRequest): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    `${request.api} for ${JSON.stringify(targetOf(request))} was under way when this process was suspended. It is begun anew.`,
  )

const timeoutError = (request: CredentialRequest, deadlineMillis: number): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    `${request.api} for ${JSON.stringify(targetOf(request))} was not answered within ${Math.round(deadlineMillis)} ms, the loading of AWS credentials included. ` +
      'Check the network path to AWS and the credential provider (profile, SSO, metadata service), or raise fetchTimeoutMillis.',
  )
