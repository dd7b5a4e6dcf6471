import type { Fetch, FetchContext, FetchedLogin } from '../fetch-context.js'
import type { RedshiftLogin } from '../login.js'
import type { CredentialRequest } from '../request.js'
import { StoreFailure } from './bounded-store.js'
import { Claim } from './claim.js'
import { ValueCipher } from './crypto.js'
import { claimedError, slowStoreError } from './errors.js'
import { containsLogin, lifetimeLeft, toRecord, validateRecord } from './record.js'
import { Search, type SearchOptions } from './search.js'
import type { EncryptionKey } from './store.js'

const FIRST_PAUSE_MILLIS = 25
const MAX_PAUSE_MILLIS = 1_000

export interface SharedLoginsOptions extends SearchOptions {
  readonly encryptionKeys: readonly EncryptionKey[]
  /** A random number in [0, 1), as `Math.random` returns. */
  readonly random: () => number
  /** Fetches from AWS. */
  readonly fetch: Fetch
  readonly fetchTimeoutMillis: number
}

/**
 * Fetches logins through a store, so that one process calls AWS for the whole fleet. A process that finds no usable login claims the
 * fetch; the other processes wait for its result. If the store fails, or a claim does not end in time, a process calls AWS as if there
 * were no store.
 */
export class SharedLogins {
  readonly #options: SharedLoginsOptions
  readonly #cipher: ValueCipher

  /** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if the store has no valid encryption key */
  constructor(options: SharedLoginsOptions) {
    this.#options = options
    this.#cipher = new ValueCipher(options.encryptionKeys)
  }

  /** The fetch function for the cache. It looks in the store before it calls AWS. */
  readonly fetch: Fetch = async (request, context) => {
    const search = new Search(this.#options, request, context)
    try {
      const found = await this.#find(search, context)
      if (!(found instanceof Claim)) return found
      return await this.#fetchClaimed(search, found, context)
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error
      search.report('direct', error)
      context.setDeadlineError(undefined)
      // If the deadline passes during the call of AWS, callers learn that the slow store used up the time.
      if (error.reason === 'slow')
        context.setTimeoutError(slowStoreError(request, error.operation, search.spentMillis, search.deadlineMillis))
      // If it has passed already, they learn about the claim.
      else if (error.reason === 'held' && search.spentMillis >= search.deadlineMillis)
        context.setTimeoutError(claimedError(request))
    }
    return this.#fetchDirect(search, context)
  }

  /** Removes a refused login from the store after another one has replaced it. Failures are reported, not thrown. */
  readonly remove = async (request: CredentialRequest, login: RedshiftLogin): Promise<void> => {
    const search = new Search(this.#options, request, {
      deadlineMillis: this.#options.fetchTimeoutMillis,
      current: undefined,
    })
    try {
      const { stored } = await search.store.read(search.key)
      if (stored && containsLogin(this.#cipher.open(stored.value, search.encryptionContext), login))
        await search.store.remove(search.key, stored.value)
    } catch (error) {
      search.reportFailed(error)
    }
  }

  /** Polls the store until it has a usable login or this process has claimed the fetch. */
  async #find(search: Search, context: FetchContext): Promise<FetchedLogin | Claim> {
    const { clock, random } = this.#options
    const { store, key, deadlineMillis } = search
    const maxPause = Math.min(MAX_PAUSE_MILLIS, deadlineMillis / 15)
    for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(pause * 2, maxPause)) {
      const { login, claimed } = await this.#read(search)
      if (login) return login
      // Wait at most two thirds of the deadline for other processes and start no operation after that. The rest is for our own call.
      // A claim lasts up to one third.
      search.throwIfOverdue()
      const claim = claimed ? undefined : await Claim.acquire(store, clock, key, deadlineMillis / 3)
      if (claim) return claim
      search.throwIfOverdue()
      context.setDeadlineError(claimedError(search.request))
      await this.#pause(pause * (0.75 + random() / 2))
      context.signal.throwIfAborted()
      search.throwIfOverdue()
    }
  }

  /** Reads the store: the login, if this process can use it, and whether any process has claimed the fetch. */
  async #read(search: Search): Promise<{ login?: FetchedLogin | undefined; claimed: boolean }> {
    const { clock } = this.#options
    const readAt = clock.now()
    const { stored, claimed } = await search.store.read(search.key)
    if (!stored) return { claimed }
    const record = this.#cipher.open(stored.value, search.encryptionContext)
    const { durationSeconds } = search.request
    const { login, ignored } = validateRecord(
      { ...stored, record },
      durationSeconds,
      readAt,
      clock.now(),
      search.current,
    )
    if (login) search.report('hit')
    search.reportIgnored(stored.value, ignored)
    return { login, claimed }
  }

  async #fetchClaimed(search: Search, claim: Claim, context: FetchContext): Promise<FetchedLogin> {
    const { signal } = context
    const release = (): Promise<void> => claim.release().catch(error => search.reportFailed(error))
    // After the deadline, release the claim so that other processes do not wait, even if the call never ends.
    signal.addEventListener('abort', release, { once: true })
    let shared = Promise.resolve()
    try {
      // The previous owner may have stored a login between our read and our claim.
      const found = search.hasTime ? await this.#read(search).catch(error => search.reportFailed(error)) : undefined
      if (found?.login) return found.login
      context.setDeadlineError(undefined)
      const login = await this.#fetchDirect(search, context)
      // From here on, the write or the code below releases the claim. An abort must not release it before the write.
      signal.removeEventListener('abort', release)
      shared = this.#share(search, claim, login)
      if (search.hasTime) await shared
      return login
    } finally {
      signal.removeEventListener('abort', release)
      void shared.then(release)
    }
  }

  async #fetchDirect({ request }: Search, context: FetchContext): Promise<FetchedLogin> {
    context.signal.throwIfAborted()
    return this.#options.fetch(request, context)
  }

  async #share(search: Search, claim: Claim, login: FetchedLogin): Promise<void> {
    const sealed = this.#cipher.seal(toRecord(login), search.encryptionContext)
    const lifetime = lifetimeLeft(login, search.request.durationSeconds, this.#options.clock.now())
    if (lifetime === undefined) return
    try {
      if (await claim.write(sealed, lifetime)) search.report('written')
      else search.reportFailed(new StoreFailure('write', 'lost'))
    } catch (error) {
      search.reportFailed(error)
    }
  }

  #pause(millis: number): Promise<void> {
    // The timer need not keep the process alive: the flight's deadline does so while a caller waits.
    return new Promise(resolve => this.#options.clock.setTimeout(resolve, millis).unref())
  }
}
