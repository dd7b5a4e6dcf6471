import { LRUCache } from 'lru-cache'
import { Entry, type EntryStatus } from './entry.js'
import { closedError, isPassing, RedshiftCredentialsError } from './errors.js'
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
  /** Is told when another login has replaced one that the server refused. */
  readonly replaced?: ((request: CredentialRequest, login: RedshiftLogin) => void) | undefined
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
   * @param place where the login is for, as far as it is known: see {@link Refusals}
   */
  get(key: string, request: CredentialRequest, signal?: AbortSignal, place?: string): Promise<RedshiftLogin> {
    return this.#get(key, request, signal, place, this.#options.fetchTimeoutMillis)
  }

  /** @param atMost what is left of the caller's time, in milliseconds. Whatever is waited for, it adds up to one deadline. */
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
      // After a suspension, nothing is left; a fetch needs time all the same.
      return this.#get(key, request, signal, place, Math.max(left, fetchTimeoutMillis / 3))
    }
    const served = entry.served(now)
    if (served) {
      const patience = entry.refusals.patience(place, served.lease.lifetime, now)
      if (flight && patience > 0) return flight.wait(signal, patience).catch(again)
      if (served.phase === 'stale' && !flight && entry.pause(now) === 0)
        this.#launch(entry, refreshDeadline(served.lease, now), true)
      return Promise.resolve(served.login)
    }
    if (flight && !flight.isForsaken) {
      if (!background) return flight.wait(signal)
      // A refresh had only as long as the old login still worked: where it fails, there is time for a fetch in front.
      flight.limit(atMost / 2)
      return flight.wait(signal).catch(again)
    }
    const failure = entry.failure(now)
    if (flight) {
      flight.abandon(forsakenError(request))
      // Who was told of its end may have asked, or closed, meanwhile.
      if (this.#closed || this.#flights.has(key)) return again()
    }
    return failure ? Promise.reject(failure.copy()) : this.#launch(entry, atMost, false).wait(signal)
  }

  /** The login, as long as it is fresh: what nearly every call of `get` comes to, without a promise to wait for. */
  fresh(key: string, place?: string): RedshiftLogin | undefined {
    return this.#entries.get(key)?.fresh(this.#options.clock.now(), place)
  }

  /** The login in use, even while it is in doubt. Starts nothing. */
  peek(key: string): RedshiftLogin | undefined {
    return this.#entries.peek(key)?.served(this.#options.clock.now())?.login
  }

  /** Tells that the server at this place accepted a login. */
  accepted(login: RedshiftLogin, place: string): void {
    this.#holderOf(login)?.refusals.accepted(place)
  }

  /**
   * Tells that the server refused a login, at this place. If the refusal is believed, AWS is asked for another login at once;
   * until then, this one stays in use.
   * @returns whether there is another login, or AWS is being asked for one: `replacement` gives it
   */
  invalidate(login: RedshiftLogin, place?: string): boolean {
    const entry = this.#holderOf(login)
    if (!entry || this.#closed) return false
    if (!samePair(entry.login, login)) return true
    this.#abandonForsaken(entry)
    const now = this.#options.clock.now()
    const lease = entry.served(now)?.lease
    const refusal = entry.refuse(place, now)
    if (!refusal || !lease) return true
    const { verdict, ageMillis } = refusal
    // A refresh that is under way already is as good as a new one.
    if (verdict === 'believed' && !this.#flights.has(entry.key)) this.#launch(entry, refreshDeadline(lease, now), true)
    if (verdict !== 'joined' && invalidated.hasSubscribers)
      invalidated.publish({ ...traceContext(entry.request), accepted: verdict === 'believed', ageMillis })
    return verdict !== 'ignored'
  }

  /**
   * After `invalidate` has returned true: waits for another login than the refused one.
   * @returns undefined where AWS gave the same one, or failed in a way that passes. Rejects with AWS's other failures.
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

  /** The entry that holds a login's key now: its own may have been evicted, and another hold the same pair. */
  #holderOf(login: RedshiftLogin): Entry | undefined {
    const owner = this.#owners.get(login)
    return owner && (this.#entries.peek(owner.key) ?? this.#flights.get(owner.key)?.entry ?? owner)
  }

  /** A flight that a suspended machine has lost is no answer to a refusal. */
  #abandonForsaken({ key, request }: Entry): void {
    const { flight } = this.#flights.get(key) ?? {}
    if (flight?.isForsaken) flight.abandon(forsakenError(request))
  }

  #add(key: string, request: CredentialRequest): Entry {
    const entry = new Entry(key, request, this.#options.random)
    this.#entries.set(key, entry)
    return entry
  }

  #launch(entry: Entry, atMost: number, background: boolean): Flight<RedshiftLogin, FetchedLogin> {
    const { clock, fetch, fetchTimeoutMillis, replaced } = this.#options
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
      millis => notes.failure ?? timeoutError(request, millis),
      outcome => {
        this.#flights.delete(key)
        const now = clock.now()
        const before = entry.held
        const landed = 'value' in outcome ? entry.accept(outcome.value, now) : outcome
        if ('error' in landed) entry.fail(landed.error, notes.retryAfter, now, background)
        else {
          this.#owners.set(landed.value, entry)
          if (before?.doubtedSince && !samePair(before.login, landed.value)) replaced?.(request, before.login)
        }
        entry.refusals.settle()
        // It may have been evicted meanwhile: a back-off that is forgotten would hammer AWS.
        this.#entries.set(key, entry)
        this.#traceEnd(context, entry, landed, before?.login, now.monotonic - start)
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

export const timeoutError = (request: CredentialRequest, deadlineMillis: number): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    request.api === 'identityProvider'
      ? `identityProvider.token returned nothing within ${Math.round(deadlineMillis)} ms. Look at the function, or raise fetchTimeoutMillis.`
      : `${request.api} for ${JSON.stringify(targetOf(request))} was not answered within ${Math.round(deadlineMillis)} ms, the loading of AWS credentials included. ` +
          'Check the network path to AWS and the credential provider (profile, SSO, metadata service), or raise fetchTimeoutMillis.',
  )
