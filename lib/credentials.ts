import { AwsClients } from './aws/client.js'
import { endpointOf } from './aws/endpoint.js'
import { CredentialCache } from './cache.js'
import { checkConnection, checkOptions, copyOptions, signalOf } from './check-options.js'
import { systemClock } from './clock.js'
import type { RedshiftConnection } from './connection.js'
import { type Address, EndpointCache, lookUpWith } from './endpoint-cache.js'
import { closedError, optionError } from './errors.js'
import { fetchFrom } from './fetch-login.js'
import { copyProvider, passwordRefused, type TokenLogin, tokenLoginOf } from './identity-provider.js'
import { type RedshiftLogin, type RedshiftToken, toLogin, toToken } from './login.js'
import type { RedshiftOptions } from './options.js'
import { mark } from './plain-object.js'
import { RequestCache } from './request-cache.js'
import { SingleUseTokens } from './single-use-tokens.js'
import { type RedshiftStatus, toStatus } from './status.js'
import { sharedLogins } from './store/lazy.js'

/** The options that the code for pg needs. The options for AWS are left out, because they may contain keys. */
export type ConnectionOptions = Readonly<
  Pick<
    RedshiftOptions,
    'host' | 'port' | 'database' | 'user' | 'ssl' | 'dbName' | 'dbUser' | 'dbGroups' | 'autoCreate'
  > & {
    requireTls: boolean
    /** How to log in with a token; undefined if these credentials return passwords. */
    tokenLogin: TokenLogin | undefined
  }
>

/** An address from AWS, with a method to have it looked up again. */
export interface FoundAddress extends Address {
  /** Call after a connection to it failed. The next connection looks the address up again. */
  forget(): void
}

/**
 * Fetches temporary Redshift logins from AWS, caches them, and refreshes them before they expire. One object serves any number of pools,
 * users and databases, which share its logins.
 *
 * It runs no timer. When a caller asks for a login that has become stale, the login is refreshed in the background. To fetch the first
 * login at start-up, call `await credentials.get()`.
 *
 * @example
 * const credentials = new RedshiftCredentials({ clusterIdentifier: 'examplecluster', region: 'us-west-2', database: 'dev' })
 * const { user, password } = await credentials.get()
 */
export class RedshiftCredentials {
  readonly #connectionOptions: ConnectionOptions
  readonly #clients: AwsClients
  readonly #requests: RequestCache
  readonly #cache: CredentialCache
  readonly #addresses: EndpointCache
  /** For tokens that are valid for one connection. They are never cached. */
  readonly #singleUse: SingleUseTokens | undefined
  #closed = false

  /**
   * Checks the options. Nothing is sent and the AWS SDK is not loaded until the first `get`.
   * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
   */
  constructor(source: RedshiftOptions = {}) {
    const options = copyOptions(source)
    checkOptions(options)
    mark(this)
    const { aws, store, maxEntries = 100, fetchTimeoutMillis = 15_000 } = options
    const { host, port, database, user, ssl, dbName, dbUser, dbGroups, autoCreate, requireTls = true } = options
    const connection = { host, port, database, user, ssl, dbName, dbUser, dbGroups, autoCreate, requireTls }
    const tokenLogin = tokenLoginOf(options)
    this.#connectionOptions = { ...connection, tokenLogin }
    const endpoint = endpointOf(aws, process.env, store !== undefined)
    const identityProvider = options.identityProvider && copyProvider(options.identityProvider)
    this.#requests = new RequestCache({ ...options, identityProvider })
    const clock = systemClock
    const random = Math.random
    this.#clients = new AwsClients(aws, clock, maxEntries)
    const lookUp = lookUpWith(this.#clients)
    this.#addresses = new EndpointCache({ clock, lookUp, timeoutMillis: fetchTimeoutMillis, maxEntries })
    const fetch = fetchFrom(this.#clients, clock, identityProvider)
    if (tokenLogin?.singleUse) this.#singleUse = new SingleUseTokens(clock, fetch, fetchTimeoutMillis)
    const shared = store && sharedLogins({ store, clock, random, fetch, fetchTimeoutMillis, endpoint })
    this.#cache = new CredentialCache({
      clock,
      random,
      fetch: shared?.fetch ?? fetch,
      replaced: shared?.remove,
      maxEntries,
      fetchTimeoutMillis,
    })
  }

  /**
   * Returns the current login. Resolves at once if a valid login is cached. Otherwise it waits for AWS; all callers who need the same login
   * share one fetch.
   *
   * @param connection supplies `host`, `database` and `user` if the options leave them out. pg's `ConnectionParameters` can be passed.
   * @param options Aborting `signal` detaches only this caller; the fetch continues for the others.
   * @throws RedshiftCredentialsError With any code except those of a connection (`ERR_REDSHIFT_TLS`, `ERR_REDSHIFT_USER_MISMATCH`,
   * `ERR_REDSHIFT_NATIVE`, `ERR_REDSHIFT_LOGIN_REJECTED`), or the signal's reason. It never hangs: a fetch ends after
   * `fetchTimeoutMillis`, or up to a second later with a more precise error.
   */
  get(connection?: RedshiftConnection, options?: { signal?: AbortSignal | undefined }): Promise<RedshiftLogin> {
    if (this.#connectionOptions.tokenLogin) return Promise.reject(passwordRefused('RedshiftCredentials.get()'))
    try {
      checkConnection(connection)
      return this.getLogin(connection, undefined, signalOf('get()', options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Returns the person's current token, for credentials with `api: 'GetIdentityCenterAuthToken'` or `identityProvider`. Otherwise it works
   * like `get`. A token of type `EXT_JWT` is valid for one login, so each call fetches a new one.
   *
   * @param connection supplies `host` if the options leave it out. pg's `ConnectionParameters` can be passed.
   * @param options Aborting `signal` detaches only this caller; the fetch continues for the others.
   * @throws RedshiftCredentialsError as `get` does, and `ERR_REDSHIFT_OPTION` if these credentials return passwords
   */
  async getToken(
    connection?: RedshiftConnection,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<RedshiftToken> {
    if (!this.#connectionOptions.tokenLogin)
      throw optionError(
        "These credentials return logins, not tokens. Call get(), or set identityProvider, or set api to 'GetIdentityCenterAuthToken'.",
      )
    checkConnection(connection)
    return toToken(await this.getLogin(connection, undefined, signalOf('getToken()', options)))
  }

  /**
   * Reports that a server refused a login or a token. Another one is requested from AWS at once, in the background, unless a refusal
   * caused such a request a moment ago. The refused login stays in use until AWS returns a different one, so that a refusal by one server
   * does not take a working login from the others. A hundred refusals of one login cause one request.
   * @returns true if another login is available or being requested: the next `get` waits for it, up to 5 seconds. False if none is
   * requested: the pause after the last request for a refusal is not over (5 seconds at first, up to 5 minutes while refusals continue),
   * or the login does not come from these credentials.
   */
  invalidate(login: RedshiftLogin | RedshiftToken): boolean {
    return this.#cache.invalidate(toLogin(login))
  }

  /** Returns the state of each cached login, without secrets. */
  status(): RedshiftStatus[] {
    return this.#cache.status().map(toStatus)
  }

  /** Discards the logins. Waiting callers and every later `get` reject with `ERR_REDSHIFT_CLOSED`. Safe to call more than once. */
  async close(): Promise<void> {
    this.#closed = true
    // Close the clients first: an aborted fetch that waits for AWS credentials removes its client, which would then not be destroyed.
    this.#clients.close()
    this.#cache.close()
    this.#singleUse?.close()
    this.#addresses.close()
  }

  /** Same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Determines the request for a connection. After `close`, that is the error, whatever the connection is. */
  #resolve(connection: RedshiftConnection | undefined): ReturnType<RequestCache['resolve']> {
    if (this.#closed) throw closedError()
    return this.#requests.resolve(connection)
  }

  // The members below are for the rest of this package. The published types leave them out.

  /**
   * Whether this is an instance of this copy of the package. A deep copy of one lacks the private fields and is rejected.
   * @internal
   */
  static isInstance(source: unknown): source is RedshiftCredentials {
    return typeof source === 'object' && source !== null && #cache in source
  }

  /**
   * Returns the options that concern the connection. A method rather than a getter, which `inspect` might call: `ssl` may contain a key.
   * @internal
   */
  connectionOptions(): ConnectionOptions {
    return this.#connectionOptions
  }

  /**
   * Same as `get`, for a connection to a place. While a login is in doubt, a place that has accepted it waits for the outcome.
   * @internal
   */
  getLogin(
    connection: RedshiftConnection | undefined,
    place: string | undefined,
    signal?: AbortSignal,
  ): Promise<RedshiftLogin> {
    try {
      const { key, request } = this.#resolve(connection)
      return this.#singleUse ? this.#singleUse.get(request, signal) : this.#cache.get(key, request, signal, place)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Returns the login for a connection to a place while it is fresh, without a promise: the common case.
   * @internal
   */
  freshLogin(connection: RedshiftConnection | undefined, place: string | undefined): RedshiftLogin | undefined {
    return this.#cache.fresh(this.#resolve(connection).key, place)
  }

  /**
   * Returns the login in use, if there is one. Never starts a fetch.
   * @internal
   */
  peekLogin(connection: RedshiftConnection): RedshiftLogin | undefined {
    return this.#cache.peek(this.#requests.resolve(connection).key)
  }

  /**
   * Reports that the server at a place accepted a login.
   * @internal
   */
  acceptLogin(login: RedshiftLogin, place: string): void {
    this.#cache.accepted(login, place)
  }

  /**
   * Same as `invalidate`, with the place where the server refused the login.
   * @internal
   */
  refuseLogin(login: RedshiftLogin, place: string): boolean {
    return this.#cache.invalidate(login, place)
  }

  /**
   * Call after `refuseLogin` has returned true. Resolves to a different login, or to undefined if AWS has none now.
   * @internal
   */
  replaceLogin(login: RedshiftLogin, signal: AbortSignal): Promise<RedshiftLogin | undefined> {
    return this.#cache.replacement(login, signal)
  }

  /**
   * Returns the age of a login in milliseconds; undefined if another one has replaced it.
   * @internal
   */
  loginAge(login: RedshiftLogin): number | undefined {
    return this.#cache.ageOf(login)
  }

  /**
   * Looks up the address of a connection's cluster or workgroup.
   * @internal
   */
  async findAddress(connection: RedshiftConnection, signal?: AbortSignal): Promise<FoundAddress> {
    const { request } = this.#resolve(connection)
    const address = await this.#addresses.find(request, signal)
    return { ...address, forget: () => this.#addresses.invalidate(request) }
  }
}

/**
 * Returns the credentials for a user's `source`: the object itself, or new credentials for options.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export const toCredentials = (source: RedshiftOptions | RedshiftCredentials = {}): RedshiftCredentials =>
  RedshiftCredentials.isInstance(source) ? source : new RedshiftCredentials(source)
