import type { Clock } from '../clock.js'
import { RedshiftCredentialsError } from '../errors.js'
import type { Fetch, FetchContext, FetchedLogin, HeldLogin } from '../fetch.js'
import type { RedshiftLogin } from '../login.js'
import { type CredentialRequest, cacheKey, targetOf } from '../request.js'
import { type StoreIgnoredReason, type StoreMessage, storeUse, traceContext } from '../tracing.js'
import { BoundedStore, StoreFailure } from './bounded.js'
import { Claim } from './claim.js'
import { Envelope, storeKey } from './crypto.js'
import { containsLogin, lifetimeLeft, toRecord, validateRecord } from './record.js'
import type { CredentialStore, EncryptionKey } from './store.js'

const FIRST_PAUSE_MILLIS = 25
const LONGEST_PAUSE_MILLIS = 1_000

export interface SharedLoginsOptions {
  readonly store: CredentialStore
  readonly encryptionKeys: readonly EncryptionKey[]
  readonly clock: Clock
  /** A random number in [0, 1), as `Math.random` returns. */
  readonly random: () => number
  /** Fetches from AWS. */
  readonly fetch: Fetch
  readonly fetchTimeoutMillis: number
  /** The AWS endpoint, if one is configured. */
  readonly endpoint: string | undefined
}

/** The state of one fetch that uses the store. */
interface Search {
  readonly request: CredentialRequest
  readonly held: HeldLogin | undefined
  /** When the fetch began, on the monotonic clock. With its time limit, in milliseconds. */
  readonly startedAt: number
  readonly deadlineMillis: number
  readonly store: BoundedStore
  /** The context that the value is sealed for. */
  readonly context: string
  /** The key in the store. */
  readonly key: string
  /** Values that were already reported, because every poll reads the same one. */
  readonly reported: Set<string>
}

/**
 * Fetches logins through a store, so that one process calls AWS for the whole fleet. A process that finds no usable login claims the
 * fetch; the other processes wait for its result. If the store fails, or a claim does not end in time, a process calls AWS as if there
 * were no store.
 */
export class SharedLogins {
  readonly #options: SharedLoginsOptions
  readonly #envelope: Envelope

  /** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if the store has no valid encryption key */
  constructor(options: SharedLoginsOptions) {
    this.#options = options
    this.#envelope = new Envelope(options.encryptionKeys)
  }

  /** The fetch function for the cache. It looks in the store before it calls AWS. */
  readonly fetch: Fetch = async (request, context) => {
    const search = this.#search(request, context.held, context.deadlineMillis)
    try {
      const found = await this.#find(search, context)
      if (!(found instanceof Claim)) return found
      return await this.#fetchClaimed(search, found, context)
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error
      report(search, 'direct', error)
      // The error if the deadline passes during the call of AWS: a slow store is to blame. If the deadline has passed already, keep the
      // error about the claim.
      if (error.reason === 'slow') context.atDeadline(this.#slowStoreError(search, error))
      else if (this.#spent(search) < search.deadlineMillis) context.atDeadline(undefined)
    }
    return this.#fetchDirect(search, context)
  }

  /** Removes a refused login from the store after another one has replaced it. Failures are reported, not thrown. */
  readonly remove = async (request: CredentialRequest, login: RedshiftLogin): Promise<void> => {
    const search = this.#search(request, undefined)
    try {
      const { stored } = await search.store.read(search.key)
      if (stored && containsLogin(this.#envelope.open(stored.value, search.context), login))
        await search.store.remove(search.key, stored.value)
    } catch (error) {
      this.#failed(search, error)
    }
  }

  #search(
    request: CredentialRequest,
    held: HeldLogin | undefined,
    deadlineMillis = this.#options.fetchTimeoutMillis,
  ): Search {
    const { clock, endpoint, store } = this.#options
    const context = cacheKey(request, endpoint, store.identity)
    return {
      request,
      held,
      startedAt: clock.now().monotonic,
      deadlineMillis,
      store: new BoundedStore(store, clock, deadlineMillis),
      context,
      key: storeKey(context),
      reported: new Set(),
    }
  }

  /** Polls the store until it has a usable login or this process has claimed the fetch. */
  async #find(search: Search, context: FetchContext): Promise<FetchedLogin | Claim> {
    const { clock, random } = this.#options
    const { store, key, deadlineMillis } = search
    const longest = Math.min(LONGEST_PAUSE_MILLIS, deadlineMillis / 15)
    for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(pause * 2, longest)) {
      const { login, claimed } = await this.#look(search)
      if (login) return login
      // Wait at most two thirds of the deadline for other processes and start no operation after that. The rest is for our own call.
      // A claim lasts up to one third.
      this.#checkPatience(search)
      const claim = claimed ? undefined : await Claim.take(store, clock, key, deadlineMillis / 3)
      if (claim) return claim
      this.#checkPatience(search)
      context.atDeadline(claimedError(search.request))
      await this.#pause(pause * (0.75 + random() / 2))
      context.signal.throwIfAborted()
      this.#checkPatience(search)
    }
  }

  /** Ends the wait for other processes. @throws StoreFailure after two thirds of the deadline */
  #checkPatience(search: Search): void {
    if (this.#spent(search) >= (search.deadlineMillis * 2) / 3) throw new StoreFailure('claim', 'held')
  }

  /** The time since the fetch began, in milliseconds. */
  #spent({ startedAt }: Search): number {
    return this.#options.clock.now().monotonic - startedAt
  }

  /** Reads the store: the login, if this process can use it, and whether another process is fetching. */
  async #look(search: Search): Promise<{ login?: FetchedLogin | undefined; claimed: boolean }> {
    const { clock } = this.#options
    const readAt = clock.now()
    const { stored, claimed } = await search.store.read(search.key)
    if (!stored) return { claimed }
    const record = this.#envelope.open(stored.value, search.context)
    const { durationSeconds } = search.request
    const { login, ignored } = validateRecord({ ...stored, record }, durationSeconds, readAt, clock.now(), search.held)
    if (login) report(search, 'hit')
    if (ignored && !search.reported.has(stored.value)) report(search, 'ignored', ignored)
    search.reported.add(stored.value)
    return { login, claimed }
  }

  async #fetchClaimed(search: Search, claim: Claim, context: FetchContext): Promise<FetchedLogin> {
    const { signal } = context
    const release = (): Promise<void> => claim.release().catch(error => this.#failed(search, error))
    // After the deadline, release the claim so that other processes do not wait, even if the call never ends.
    signal.addEventListener('abort', release, { once: true })
    let shared = Promise.resolve()
    try {
      // The previous owner may have stored a login between our read and our claim.
      const found = this.#hasTime(search)
        ? await this.#look(search).catch(error => this.#failed(search, error))
        : undefined
      if (found?.login) return found.login
      context.atDeadline(undefined)
      const login = await this.#fetchDirect(search, context)
      // From here on, the write or the code below releases the claim. An abort must not release it before the write.
      signal.removeEventListener('abort', release)
      shared = this.#share(search, claim, login)
      if (this.#hasTime(search)) await shared
      return login
    } finally {
      signal.removeEventListener('abort', release)
      void shared.then(release)
    }
  }

  /** Whether there is time to wait for the store. If the deadline passed meanwhile, callers would lose a login that AWS has returned. */
  #hasTime(search: Search): boolean {
    return this.#spent(search) < search.deadlineMillis - 2 * search.store.operationMillis
  }

  async #fetchDirect({ request }: Search, context: FetchContext): Promise<FetchedLogin> {
    context.signal.throwIfAborted()
    return this.#options.fetch(request, context)
  }

  async #share(search: Search, claim: Claim, login: FetchedLogin): Promise<void> {
    const sealed = this.#envelope.seal(toRecord(login), search.context)
    const lifetime = lifetimeLeft(login, search.request.durationSeconds, this.#options.clock.now())
    if (lifetime === undefined) return
    try {
      if (await claim.write(sealed, lifetime)) report(search, 'written')
      else this.#failed(search, new StoreFailure('write', 'lost'))
    } catch (error) {
      this.#failed(search, error)
    }
  }

  /** The store is optional, so its failures are only reported. */
  #failed(search: Search, error: unknown): undefined {
    report(search, 'failed', error instanceof StoreFailure ? error : undefined)
  }

  #slowStoreError(search: Search, { operation }: StoreFailure): RedshiftCredentialsError {
    const { request, deadlineMillis } = search
    const spent = Math.round(this.#spent(search))
    return new RedshiftCredentialsError(
      'ERR_REDSHIFT_TIMEOUT',
      `The store did not complete ${operation} in time and used ${spent} of the ${Math.round(deadlineMillis)} ms for the login of ${JSON.stringify(targetOf(request))}; AWS did not respond in the rest. ` +
        'Check the connection to the store and the network path to AWS, or raise fetchTimeoutMillis.',
    )
  }

  #pause(millis: number): Promise<void> {
    // The timer need not keep the process alive: the flight's deadline does so while a caller waits.
    return new Promise(resolve => this.#options.clock.setTimeout(resolve, millis).unref())
  }
}

const claimedError = (request: CredentialRequest): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    `Another process has claimed to fetch the login for ${JSON.stringify(targetOf(request))}, and has not put it in the store in time. ` +
      'Check that the processes that share it reach AWS, or raise fetchTimeoutMillis.',
  )

function report(search: Search, event: StoreMessage['event'], why?: Partial<StoreFailure> | StoreIgnoredReason): void {
  if (!storeUse.hasSubscribers) return
  const { operation, reason, detail } = typeof why === 'string' ? { reason: why } : (why ?? {})
  storeUse.publish({ ...traceContext(search.request), event, operation, reason, detail })
}
