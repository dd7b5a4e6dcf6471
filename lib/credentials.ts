import { type Address, AddressBook } from './address.js'
import { AwsClients } from './aws/client.js'
import { endpointOf } from './aws/endpoint.js'
import { CredentialCache } from './cache.js'
import { optionError, type RedshiftCredentialsError, targetError } from './errors.js'
import { systemClock } from './flight.js'
import { copyProvider, passwordRefused, type TokenLogin, tokenLoginOf } from './identity-provider.js'
import { mark } from './intake.js'
import { type RedshiftLogin, type RedshiftToken, toLogin, toToken } from './login.js'
import type { RedshiftApi, RedshiftOptions } from './options.js'
import { checkConnection, checkOptions, copyOptions } from './placement.js'
import { type CredentialRequest, cacheKey, type RedshiftConnection, resolveRequest, targetOf } from './request.js'
import { fetchFrom, SingleTokens } from './sources.js'
import { SharedLogins } from './store/shared.js'

/** The state of one cached login, as {@link RedshiftCredentials.status} tells it. It holds no secret. */
export interface RedshiftStatus {
  /** The AWS operation, or `identityProvider` where the application gives the token. */
  readonly api: RedshiftApi | 'identityProvider'
  /** Cluster, workgroup or custom domain; or the type of the identity provider. */
  readonly target: string
  /** The database that the login is restricted to. */
  readonly database: string | undefined
  /** The login's user; until there is a login, the one that was asked for. Undefined for a token, which Redshift reads. */
  readonly user: string | undefined
  /** `none`: no login yet. `fresh`, then `stale`: it is in use, and being refreshed. `expired`: it is not used again. */
  readonly phase: 'none' | 'fresh' | 'stale' | 'expired'
  /** A server refused the login, and AWS is being asked for another. */
  readonly inDoubt: boolean
  readonly expiration: Date | undefined
  /** When the login becomes stale, on this host's clock. */
  readonly refreshAt: Date | undefined
  /** Why the last fetch failed; undefined after a success. */
  readonly lastError: RedshiftCredentialsError | undefined
}

/** What the pg side needs of the options. The AWS side stays here, since it may hold keys. */
export type ConnectionOptions = Readonly<
  Pick<
    RedshiftOptions,
    'host' | 'port' | 'database' | 'user' | 'ssl' | 'dbName' | 'dbUser' | 'dbGroups' | 'autoCreate'
  > & {
    requireTls: boolean
    /** How to log in with a token. Undefined: these credentials are for passwords. */
    tokenLogin: TokenLogin | undefined
  }
>

// Tells AWS configurations apart in the cache key, without anything of what they hold.
const identities = new WeakMap<object, number>()
let lastIdentity = 0
function identityOf(aws: object | undefined): number {
  if (!aws) return 0
  const identity = identities.get(aws) ?? ++lastIdentity
  identities.set(aws, identity)
  return identity
}

/** The last connection that was asked for, and what came of it: pools ask for the same one again and again. */
interface Resolved {
  readonly host: unknown
  readonly database: unknown
  readonly user: unknown
  readonly environment: string
  readonly key: string
  readonly request: CredentialRequest
}

/** Whether this is one of this copy of the package, and not the empty shell that a deep copy makes of it. */
export let isCredentials: (source: unknown) => source is RedshiftCredentials

/** Reads the options of credentials that concern the connection. */
export let connectionOptionsOf: (credentials: RedshiftCredentials) => ConnectionOptions

/** The login for a connection to a place, as long as it is fresh: most connections need not wait for a promise. */
export let freshLogin: (
  credentials: RedshiftCredentials,
  connection: RedshiftConnection | undefined,
  place: string | undefined,
) => RedshiftLogin | undefined

/** As `get`, for a connection to a place: one that has accepted logins waits while a refused one is in doubt. */
export let getLogin: (
  credentials: RedshiftCredentials,
  connection: RedshiftConnection | undefined,
  place: string | undefined,
  signal?: AbortSignal,
) => Promise<RedshiftLogin>

/** Tells that the server at a place accepted a login. */
export let acceptLogin: (credentials: RedshiftCredentials, login: RedshiftLogin, place: string) => void

/** As `invalidate`, with the place where the server refused the login. */
export let refuseLogin: (credentials: RedshiftCredentials, login: RedshiftLogin, place: string) => boolean

/** After `refuseLogin` has returned true: another login than the refused one; undefined where AWS has none now. */
export let replaceLogin: (
  credentials: RedshiftCredentials,
  login: RedshiftLogin,
  signal: AbortSignal,
) => Promise<RedshiftLogin | undefined>

/** The login in use, if there is one. Starts nothing. */
export let peekLogin: (credentials: RedshiftCredentials, connection: RedshiftConnection) => RedshiftLogin | undefined

/** An address that was looked up, and how to have it looked up anew. */
export interface FoundAddress extends Address {
  /** After a connection to it was refused: the next connection looks it up again. */
  forget(): void
}

/** Looks up where the cluster or workgroup of a connection is to be reached. */
export let findAddress: (
  credentials: RedshiftCredentials,
  connection: RedshiftConnection,
  signal?: AbortSignal,
) => Promise<FoundAddress>

/**
 * Fetches temporary Redshift logins from AWS, caches them, and refreshes them before they expire. One object serves any
 * number of pools, users and databases; whatever shares it shares its logins.
 *
 * It runs no timer: a login is refreshed in the background when somebody asks for it and it has become stale. To warm it up, `await
 * credentials.get()` at start.
 *
 * @example
 * const credentials = new RedshiftCredentials({ clusterIdentifier: 'examplecluster', region: 'us-west-2', database: 'dev' })
 * const { user, password } = await credentials.get()
 */
export class RedshiftCredentials {
  static {
    isCredentials = (source): source is RedshiftCredentials =>
      typeof source === 'object' && source !== null && #options in source
    connectionOptionsOf = credentials => credentials.#connectionOptions
    freshLogin = (credentials, connection, place) =>
      credentials.#cache.fresh(credentials.#resolve(connection).key, place)
    getLogin = (credentials, connection, place, signal) => credentials.#get(connection, place, signal)
    acceptLogin = (credentials, login, place) => credentials.#cache.accepted(login, place)
    refuseLogin = (credentials, login, place) => credentials.#cache.invalidate(login, place)
    replaceLogin = (credentials, login, signal) => credentials.#cache.replacement(login, signal)
    peekLogin = (credentials, connection) => credentials.#cache.peek(credentials.#resolve(connection).key)
    findAddress = async (credentials, connection, signal) => {
      const { request } = credentials.#resolve(connection)
      const address = await credentials.#addresses.find(request, signal)
      return { ...address, forget: () => credentials.#addresses.forget(request) }
    }
  }

  readonly #options: RedshiftOptions
  readonly #connectionOptions: ConnectionOptions
  readonly #clients: AwsClients
  readonly #endpoint: string | undefined
  readonly #cache: CredentialCache
  readonly #addresses: AddressBook
  /** For tokens that are good for one connection. They are never cached. */
  readonly #single: SingleTokens | undefined
  #resolved: Resolved | undefined

  /**
   * Checks the options. Nothing is sent, and the AWS SDK is not loaded, before the first `get`.
   * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
   */
  constructor(source: RedshiftOptions = {}) {
    const options = copyOptions(source)
    checkOptions(options)
    mark(this)
    const identityProvider = options.identityProvider && copyProvider(options.identityProvider)
    this.#options = { ...options, identityProvider }
    const { host, port, database, user, ssl, dbName, dbUser, dbGroups, autoCreate, requireTls = true } = options
    const own = { host, port, database, user, ssl, dbName, dbUser, dbGroups, autoCreate, requireTls }
    const tokenLogin = tokenLoginOf(options)
    this.#connectionOptions = { ...own, tokenLogin }
    const { maxEntries = 100, fetchTimeoutMillis = 15_000 } = options
    this.#clients = new AwsClients(options.aws, systemClock, maxEntries)
    this.#addresses = new AddressBook(this.#clients, fetchTimeoutMillis, maxEntries)
    const fetch = fetchFrom(this.#clients, identityProvider)
    if (tokenLogin?.singleUse) this.#single = new SingleTokens(fetch, fetchTimeoutMillis)
    const { store, aws } = options
    const random = Math.random
    this.#endpoint = endpointOf(aws, process.env, store !== undefined)
    const shared =
      store &&
      new SharedLogins({ store, clock: systemClock, random, fetch, fetchTimeoutMillis, endpoint: this.#endpoint })
    this.#cache = new CredentialCache({
      clock: systemClock,
      random,
      fetch: shared?.fetch ?? fetch,
      replaced: shared?.remove,
      maxEntries,
      fetchTimeoutMillis,
    })
  }

  /**
   * The current login. Returns at once while there is one that works; else waits for AWS, with all who ask for the same.
   *
   * @param connection what the options leave out is read off it: `host`, `database`, `user`. pg's `ConnectionParameters` fit.
   * @param options `signal` detaches this caller only; the fetch goes on for the others.
   * @throws RedshiftCredentialsError with any code but those of a connection (`TLS`, `USER_MISMATCH`, `NATIVE`); or the
   * signal's reason. It never hangs: a fetch has the deadline `fetchTimeoutMillis`.
   */
  get(connection?: RedshiftConnection, options?: { signal?: AbortSignal | undefined }): Promise<RedshiftLogin> {
    if (this.#connectionOptions.tokenLogin) return Promise.reject(passwordRefused('RedshiftCredentials.get()'))
    try {
      checkConnection(connection)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#get(connection, undefined, options?.signal)
  }

  /**
   * The person's current token, for credentials with `api: 'GetIdentityCenterAuthToken'` or `identityProvider`. As `get` otherwise.
   * A token of type `EXT_JWT` is good for one login: each call asks for another.
   *
   * @param connection what the options leave out is read off it: `host`. pg's `ConnectionParameters` fit.
   * @param options `signal` detaches this caller only; the fetch goes on for the others.
   * @throws RedshiftCredentialsError as `get`, and `ERR_REDSHIFT_OPTION` where these credentials are for passwords
   */
  async getToken(
    connection?: RedshiftConnection,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<RedshiftToken> {
    if (!this.#connectionOptions.tokenLogin)
      throw optionError(
        "These credentials give logins, not tokens. Call get(), or set api to 'GetIdentityCenterAuthToken', or identityProvider.",
      )
    checkConnection(connection)
    return toToken(await this.#get(connection, undefined, options?.signal))
  }

  /**
   * Tells that the server refused a login or a token. AWS is asked for another at once, in the background, unless it was asked for the
   * same reason a moment ago. The refused login stays in use until there is a different one, so one server's refusal
   * never costs the others a login that works. A hundred refusals of one login cause one call.
   * @returns true if there is another login, or AWS is being asked for one: the next `get` waits for it, up to 5 seconds.
   * False if AWS is not asked now: the pause since the last call for a refusal is not over (5 seconds at first, up to 5
   * minutes while refusals go on), or the login is not one of these credentials.
   */
  invalidate(login: RedshiftLogin | RedshiftToken): boolean {
    return this.#cache.invalidate(toLogin(login))
  }

  /** The state of each cached login, without secrets. */
  status(): RedshiftStatus[] {
    return this.#cache.status().map(({ request, user, ...state }) => ({
      api: request.api,
      target: targetOf(request),
      database: request.dbName,
      user: user || (request.api === 'GetClusterCredentials' ? request.dbUser : undefined),
      ...state,
    }))
  }

  /** Forgets the logins, rejects who waits with `ERR_REDSHIFT_CLOSED`, and every later `get`. May be called twice. */
  async close(): Promise<void> {
    this.#resolved = undefined
    // The clients first: who has waited for AWS credentials lets go of the client that was loading them.
    this.#clients.close()
    this.#cache.close()
    this.#single?.close()
    this.#addresses.close()
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #get(
    connection: RedshiftConnection | undefined,
    place: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<RedshiftLogin> {
    try {
      const { key, request } = this.#resolve(connection)
      return this.#single ? this.#single.get(request, signal) : this.#cache.get(key, request, signal, place)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #resolve(connection: RedshiftConnection = {}): Resolved {
    const { host, database, user } = connection
    const { PGHOST, PGDATABASE, PGUSER } = process.env
    const environment = JSON.stringify([PGHOST, PGDATABASE, PGUSER])
    const last = this.#resolved
    if (last && last.host === host && last.database === database && last.user === user)
      if (last.environment === environment) return last
    const request = resolveRequest(this.#options, connection, process.env)
    const { aws, store } = this.#options
    if (store && request.region === undefined)
      throw targetError(
        `A store shares logins by region, and none is named for ${JSON.stringify(targetOf(request))}. Set region, or use its own host name, which says it.`,
      )
    const key = cacheKey(request, this.#endpoint, identityOf(aws))
    this.#resolved = { host, database, user, environment, key, request }
    return this.#resolved
  }
}

/**
 * Credentials from what a user gives as `source`.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export const toCredentials = (source: RedshiftOptions | RedshiftCredentials = {}): RedshiftCredentials =>
  isCredentials(source) ? source : new RedshiftCredentials(source)
