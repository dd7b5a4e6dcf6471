import { LRUCache } from 'lru-cache'
import { Entry, type EntryStatus } from './cache-entry.js'
import { closedError, isTransient } from './errors.js'
import { Flights, type FlightsOptions } from './flights.js'
import { refreshDeadline } from './lease.js'
import { type RedshiftLogin, samePair } from './login.js'
import type { CredentialRequest } from './request.js'
import { invalidated, traceContext } from './tracing.js'

export interface CacheOptions extends FlightsOptions {
  /** A random number in [0, 1), as `Math.random` returns. */
  readonly random: () => number
  readonly maxEntries: number
}

/**
 * Caches logins by key and refreshes them in the background. Each key has at most one flight at a time. The only timers are the deadlines
 * of flights: without callers, nothing happens.
 */
export class CredentialCache {
  readonly #options: CacheOptions
  readonly #entries: LRUCache<string, Entry>
  // Kept apart from the entries, so that evicting an entry neither ends its flight nor allows a second one.
  readonly #flights: Flights
  readonly #owners = new WeakMap<RedshiftLogin, Entry>()
  #closed = false

  constructor(options: CacheOptions) {
    this.#options = options
    this.#entries = new LRUCache({ max: options.maxEntries })
    this.#flights = new Flights(options, (entry, outcome) => {
      if ('value' in outcome) this.#owners.set(outcome.value, entry)
      // The entry may have been evicted meanwhile. Without its back-off, AWS would be called too often.
      this.#entries.set(entry.key, entry)
    })
  }

  /**
   * Returns the current login at once if it is usable, and otherwise waits for the key's flight. After a failed fetch without a usable
   * login, callers get the same failure until the back-off is over.
   * @param place the place that the login is for, if it is known: see {@link Refusals}
   */
  get(key: string, request: CredentialRequest, signal?: AbortSignal, place?: string): Promise<RedshiftLogin> {
    // The common case, without the cost of an async function.
    const fresh = signal?.aborted ? undefined : this.fresh(key, place)
    return fresh ? Promise.resolve(fresh) : this.#serveOrWait(key, request, signal, place)
  }

  async #serveOrWait(
    key: string,
    request: CredentialRequest,
    signal: AbortSignal | undefined,
    place: string | undefined,
  ): Promise<RedshiftLogin> {
    const { clock, fetchTimeoutMillis } = this.#options
    const startedAt = clock.now().monotonic
    let timeLimitMillis = fetchTimeoutMillis
    for (;;) {
      if (this.#closed) throw closedError()
      signal?.throwIfAborted()
      const entry = this.#entries.get(key) ?? this.#flights.get(key)?.entry ?? this.#add(key, request)
      const served = this.#serve(entry, place)
      if (served) return served
      const fetched = await this.#wait(entry, place, signal, timeLimitMillis)
      if (fetched) return fetched
      // After the machine was suspended, no time may be left. A fetch still needs some.
      timeLimitMillis = Math.max(fetchTimeoutMillis - (clock.now().monotonic - startedAt), fetchTimeoutMillis / 3)
    }
  }

  /** Returns the login in use, unless a connection to this place has to wait. Starts a refresh if the login is stale. */
  #serve(entry: Entry, place: string | undefined): RedshiftLogin | undefined {
    const now = this.#options.clock.now()
    const usable = entry.usable(now)
    if (!usable) return undefined
    const isFetching = this.#flights.get(entry.key) !== undefined
    if (isFetching && entry.waitMillis(place, now) > 0) return undefined
    if (usable.phase === 'stale' && !isFetching && entry.pause(now) === 0)
      this.#flights.launch(entry, refreshDeadline(usable.lease, now), true)
    return usable.login
  }

  /**
   * Waits for the flight of an entry that cannot be served, and starts one if there is none.
   * @param timeLimitMillis the remaining time limit of the caller
   * @returns undefined if the flight did not lead to a login and the caller should try again
   */
  async #wait(
    entry: Entry,
    place: string | undefined,
    signal: AbortSignal | undefined,
    timeLimitMillis: number,
  ): Promise<RedshiftLogin | undefined> {
    const now = this.#options.clock.now()
    const { flight, background } = this.#flights.get(entry.key) ?? {}
    const again = (): undefined => undefined
    if (flight && entry.usable(now)) return flight.wait(signal, entry.waitMillis(place, now)).catch(again)
    if (flight && !flight.isOverdue) {
      if (!background) return flight.wait(signal)
      // The refresh got its time limit when the old login was still usable. If it fails, there must be time for another fetch.
      flight.limit(timeLimitMillis / 2)
      return flight.wait(signal).catch(again)
    }
    // Read first: abandoning the overdue flight records a failure of its own.
    const failure = entry.failure(now)
    this.#flights.abandonOverdue(entry)
    // A listener of the trace channel may have called get or close.
    if (this.#closed || this.#flights.get(entry.key)) return undefined
    if (failure) throw failure.copy()
    return this.#flights.launch(entry, timeLimitMillis, false).flight.wait(signal)
  }

  /** Returns the login while it is fresh. It saves the promise of `get` in the common case. */
  fresh(key: string, place?: string): RedshiftLogin | undefined {
    return this.#entries.get(key)?.fresh(this.#options.clock.now(), place)
  }

  /** Returns the login in use, even if it is in doubt. Never starts a fetch. */
  peek(key: string): RedshiftLogin | undefined {
    return this.#entries.peek(key)?.usable(this.#options.clock.now())?.login
  }

  /** Reports that the server at this place accepted a login. */
  accepted(login: RedshiftLogin, place: string): void {
    this.#entryOf(login)?.refusals.accepted(place)
  }

  /**
   * Reports that the server at this place refused a login. If {@link Refusals} allows another request, a fetch starts at once. The login
   * stays in use until there is another one.
   * @returns whether another login is available or being fetched; `replacement` returns it
   */
  invalidate(login: RedshiftLogin, place?: string): boolean {
    const entry = this.#entryOf(login)
    if (!entry || this.#closed) return false
    if (!samePair(entry.login(), login)) return true
    // Waiting for a flight that is lost would not resolve the refusal.
    this.#flights.abandonOverdue(entry)
    const now = this.#options.clock.now()
    const lease = entry.usable(now)?.lease
    const refusal = entry.refuse(place, now)
    if (!refusal || !lease) return true
    const { verdict, ageMillis } = refusal
    // A running refresh is enough.
    if (verdict === 'requested' && !this.#flights.get(entry.key))
      this.#flights.launch(entry, refreshDeadline(lease, now), true)
    if (verdict !== 'joined' && invalidated.hasSubscribers)
      invalidated.publish({ ...traceContext(entry.request), accepted: verdict === 'requested', ageMillis })
    return verdict !== 'ignored'
  }

  /**
   * Waits for a different login than the refused one. Call it after `invalidate` has returned true.
   * @returns undefined if AWS returned the same login or failed temporarily. Rejects with other failures.
   */
  async replacement(login: RedshiftLogin, signal?: AbortSignal): Promise<RedshiftLogin | undefined> {
    const entry = this.#entryOf(login)
    if (!entry) return undefined
    const { key, request, refusals } = entry
    const doubted = refusals.doubtedSince && samePair(entry.login(), login)
    try {
      const landing = doubted && this.#flights.get(key)?.flight.wait(signal)
      const next = await (landing || this.get(key, request, signal))
      return samePair(next, login) ? undefined : next
    } catch (error) {
      if (isTransient(error)) return undefined
      throw error
    }
  }

  /** The age of a login in milliseconds; undefined if another one has replaced it. */
  ageOf(login: RedshiftLogin): number | undefined {
    return this.#entryOf(login)?.ageOf(login, this.#options.clock.now())
  }

  status(): EntryStatus[] {
    const now = this.#options.clock.now()
    return [...this.#entries.values()].map(entry => entry.status(now))
  }

  /** Discards every login and rejects all waiting callers. */
  close(): void {
    this.#closed = true
    this.#flights.abandonAll(closedError)
    this.#entries.clear()
  }

  /** The current entry for a login's key. The login's own entry may have been evicted and replaced. */
  #entryOf(login: RedshiftLogin): Entry | undefined {
    const owner = this.#owners.get(login)
    return owner && (this.#entries.peek(owner.key) ?? this.#flights.get(owner.key)?.entry ?? owner)
  }

  #add(key: string, request: CredentialRequest): Entry {
    const entry = new Entry(key, request, this.#options.random)
    this.#entries.set(key, entry)
    return entry
  }
}
