import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.js'
import { Entry, type EntryStatus } from './entry.js'
import { closedError, isPassing, RedshiftCredentialsError } from './errors.js'
import { type Fetch, FetchContext, type FetchedLogin, timeoutError } from './fetch.js'
import { Flight, type Outcome } from './flight.js'
import { refreshDeadline } from './lease.js'
import { type RedshiftLogin, samePair } from './login.js'
import { type CredentialRequest, targetOf } from './request.js'
import { type FetchStartMessage, fetchEnd, fetchStart, invalidated, traceContext } from './tracing.js'

export interface CacheOptions {
  readonly clock: Clock
  /** A random number in [0, 1), as `Math.random` returns. */
  readonly random: () => number
  readonly fetch: Fetch
  /** Called when another login has replaced one that the server refused. */
  readonly replaced?: ((request: CredentialRequest, login: RedshiftLogin) => void) | undefined
  readonly maxEntries: number
  readonly fetchTimeoutMillis: number
}

/** A fetch of a login, shared by the callers who wait for it. */
interface EntryFlight {
  readonly entry: Entry
  readonly flight: Flight<RedshiftLogin, FetchedLogin>
  /** Whether a usable login existed when the fetch started. */
  readonly background: boolean
}

/**
 * Caches logins by key and refreshes them in the background. Each key has at most one flight at a time. The only timers are the deadlines
 * of flights: without callers, nothing happens.
 */
export class CredentialCache {
  readonly #options: CacheOptions
  readonly #entries: LRUCache<string, Entry>
  // Kept apart from the entries, so that evicting an entry neither ends its flight nor allows a second one.
  readonly #flights = new Map<string, EntryFlight>()
  readonly #owners = new WeakMap<RedshiftLogin, Entry>()
  #closed = false

  constructor(options: CacheOptions) {
    this.#options = options
    this.#entries = new LRUCache({ max: options.maxEntries })
  }

  /**
   * Returns the current login at once if it is usable, and otherwise waits for the key's flight. After a failed fetch without a usable
   * login, callers get the same failure until the back-off is over.
   * @param place the place that the login is for, if it is known: see {@link Refusals}
   */
  get(key: string, request: CredentialRequest, signal?: AbortSignal, place?: string): Promise<RedshiftLogin> {
    return this.#get(key, request, signal, place, this.#options.fetchTimeoutMillis)
  }

  /** @param atMost the rest of the caller's time limit in milliseconds, for everything that it waits for */
  #get(
    key: string,
    request: CredentialRequest,
    signal: AbortSignal | undefined,
    place: string | undefined,
    atMost: number,
  ): Promise<RedshiftLogin> {
    if (this.#closed) return Promise.reject(closedError())
    if (signal?.aborted) return Promise.reject(signal.reason)
    const fresh = this.fresh(key, place)
    if (fresh) return Promise.resolve(fresh)
    const { flight, background } = this.#flights.get(key) ?? {}
    const entry = this.#entries.get(key) ?? this.#flights.get(key)?.entry ?? this.#add(key, request)
    const { clock, fetchTimeoutMillis } = this.#options
    const now = clock.now()
    const again = (): Promise<RedshiftLogin> => {
      const left = atMost - (clock.now().monotonic - now.monotonic)
      // After the machine was suspended, no time may be left. A fetch still needs some.
      return this.#get(key, request, signal, place, Math.max(left, fetchTimeoutMillis / 3))
    }
    const served = entry.usable(now)
    if (served) {
      const patience = entry.refusals.patience(place, served.lease.lifetime, now)
      if (flight && patience > 0) return flight.wait(signal, patience).catch(again)
      if (served.phase === 'stale' && !flight && entry.pause(now) === 0)
        this.#launch(entry, refreshDeadline(served.lease, now), true)
      return Promise.resolve(served.login)
    }
    if (flight && !flight.isOverdue) {
      if (!background) return flight.wait(signal)
      // The refresh got its time limit when the old login was still usable. If it fails, there must be time for another fetch.
      flight.limit(atMost / 2)
      return flight.wait(signal).catch(again)
    }
    const failure = entry.failure(now)
    if (flight) {
      flight.abandon(overdueError(request))
      // A listener of the trace channel may have called get or close.
      if (this.#closed || this.#flights.has(key)) return again()
    }
    return failure ? Promise.reject(failure.copy()) : this.#launch(entry, atMost, false).wait(signal)
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
    this.#holderOf(login)?.refusals.accepted(place)
  }

  /**
   * Reports that the server at this place refused a login. If the refusal is believed, a fetch starts at once. The login stays in use until
   * there is another one.
   * @returns whether another login is available or being fetched; `replacement` returns it
   */
  invalidate(login: RedshiftLogin, place?: string): boolean {
    const entry = this.#holderOf(login)
    if (!entry || this.#closed) return false
    if (!samePair(entry.login, login)) return true
    this.#abandonForsaken(entry)
    const now = this.#options.clock.now()
    const lease = entry.usable(now)?.lease
    const refusal = entry.refuse(place, now)
    if (!refusal || !lease) return true
    const { verdict, ageMillis } = refusal
    // A refresh that is already running will do.
    if (verdict === 'believed' && !this.#flights.has(entry.key)) this.#launch(entry, refreshDeadline(lease, now), true)
    if (verdict !== 'joined' && invalidated.hasSubscribers)
      invalidated.publish({ ...traceContext(entry.request), accepted: verdict === 'believed', ageMillis })
    return verdict !== 'ignored'
  }

  /**
   * Waits for a different login than the refused one. Call it after `invalidate` has returned true.
   * @returns undefined if AWS returned the same login or failed temporarily. Rejects with other failures.
   */
  async replacement(login: RedshiftLogin, signal?: AbortSignal): Promise<RedshiftLogin | undefined> {
    const entry = this.#holderOf(login)
    if (!entry) return undefined
    const { key, request, refusals } = entry
    const doubted = refusals.doubtedSince && samePair(entry.login, login)
    try {
      const landing = doubted && this.#flights.get(key)?.flight.wait(signal)
      const next = await (landing || this.get(key, request, signal))
      return samePair(next, login) ? undefined : next
    } catch (error) {
      if (isPassing(error)) return undefined
      throw error
    }
  }

  /** How old a login is, in milliseconds. Undefined where another has replaced it. */
  ageOf(login: RedshiftLogin): number | undefined {
    return this.#holderOf(login)?.ageOf(login, this.#options.clock.now())
  }

  status(): EntryStatus[] {
    const now = this.#options.clock.now()
    return [...this.#entries.values()].map(entry => entry.status(now))
  }

  /** Discards every login and rejects all waiting callers. */
  close(): void {
    this.#closed = true
    for (const { flight } of [...this.#flights.values()]) flight.abandon(closedError())
    this.#entries.clear()
  }

  /** The current entry for a login's key. The login's own entry may have been evicted and replaced. */
  #holderOf(login: RedshiftLogin): Entry | undefined {
    const owner = this.#owners.get(login)
    return owner && (this.#entries.peek(owner.key) ?? this.#flights.get(owner.key)?.entry ?? owner)
  }

  /** Ends a flight that was lost while the machine was suspended. Waiting for it would not resolve a refusal. */
  #abandonForsaken({ key, request }: Entry): void {
    const { flight } = this.#flights.get(key) ?? {}
    if (flight?.isOverdue) flight.abandon(overdueError(request))
  }

  #add(key: string, request: CredentialRequest): Entry {
    const entry = new Entry(key, request, this.#options.random)
    this.#entries.set(key, entry)
    return entry
  }

  #launch(entry: Entry, atMost: number, background: boolean): Flight<RedshiftLogin, FetchedLogin> {
    const { clock, fetch, fetchTimeoutMillis, replaced } = this.#options
    const { key, request } = entry
    const message = { ...traceContext(request), background }
    const deadlineMillis = Math.min(fetchTimeoutMillis, atMost)
    const start = clock.now().monotonic
    const controller = new AbortController()
    const context = new FetchContext(controller.signal, deadlineMillis, () => entry.held)
    const flight = new Flight<RedshiftLogin, FetchedLogin>({
      clock,
      deadlineMillis,
      controller,
      run: async () => {
        const answer = await fetch(request, context)
        return entry.expiredInTransit(answer, clock.now()) ? fetch(request, context) : answer
      },
      timeoutError: async millis => (await context.deadlineError()) ?? timeoutError(request, millis),
      land: outcome => {
        this.#flights.delete(key)
        const now = clock.now()
        const before = entry.held
        const landed = 'value' in outcome ? entry.accept(outcome.value, now) : outcome
        if ('error' in landed) entry.fail(landed.error, context.retryAfter, now, background)
        else {
          this.#owners.set(landed.value, entry)
          if (before?.doubtedSince && !samePair(before.login, landed.value)) replaced?.(request, before.login)
        }
        entry.refusals.settle()
        // The entry may have been evicted meanwhile. Without its back-off, AWS would be called too often.
        this.#entries.set(key, entry)
        this.#traceEnd(message, entry, landed, before?.login, now.monotonic - start)
        return landed
      },
    })
    this.#flights.set(key, { entry, flight, background })
    if (fetchStart.hasSubscribers) fetchStart.publish(message)
    return flight
  }

  #traceEnd(
    message: FetchStartMessage,
    entry: Entry,
    landed: Outcome<RedshiftLogin>,
    before: RedshiftLogin | undefined,
    durationMillis: number,
  ): void {
    if (!fetchEnd.hasSubscribers) return
    fetchEnd.publish({
      ...message,
      outcome: 'error' in landed ? 'failed' : landed.value !== before ? 'fetched' : 'unchanged',
      durationMillis: Math.round(durationMillis),
      loginUser: entry.login?.user || undefined,
      expiration: entry.login?.expiration,
      error: 'error' in landed ? landed.error.copy() : undefined,
      pauseMillis: Math.round(entry.pause(this.#options.clock.now())),
    })
  }
}

const overdueError = (request: CredentialRequest): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    `${request.api} for ${JSON.stringify(targetOf(request))} was under way when this process was suspended. It is begun anew.`,
  )
