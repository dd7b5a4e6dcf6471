import { type Channel, channel } from 'node:diagnostics_channel'
import type { Clock } from './clock.js'
import type { RedshiftCredentialsError } from './errors.js'
import type { RedshiftApi } from './options.js'
import { type CredentialRequest, targetOf } from './request.js'

/** Identifies the login that a diagnostics message is about. No message contains a secret. */
export interface TraceContext {
  /** The AWS operation, or `identityProvider` if the application provides the token. */
  readonly api: RedshiftApi | 'identityProvider'
  /** The cluster, workgroup or custom domain, or the type of the identity provider. */
  readonly target: string
  /** The AWS region; undefined if the AWS SDK determines it. */
  readonly region: string | undefined
  /** The database that the login is restricted to; undefined if it is valid for every database. */
  readonly database: string | undefined
  /** The requested database user; undefined if AWS chooses it. */
  readonly user: string | undefined
}

/** Channel `pg-redshift-iam:fetch-start`: a fetch begins. */
export interface FetchStartMessage extends TraceContext {
  /** Whether this is a refresh in the background: callers get the cached login meanwhile. */
  readonly background: boolean
}

/** Channel `pg-redshift-iam:fetch-end`: a fetch has ended, with a login or with an error. */
export interface FetchEndMessage extends FetchStartMessage {
  /** `unchanged`: AWS returned a login that expires no later than the cached one, which is kept. */
  readonly outcome: 'fetched' | 'unchanged' | 'failed'
  /** How long the fetch took, in milliseconds. */
  readonly durationMillis: number
  /** The user of the cached login, as AWS named it: `IAM:alice`, `IAMR:analyst`. Undefined without a login, and for a token. */
  readonly loginUser: string | undefined
  /** When the cached login expires; undefined if there is none. */
  readonly expiration: Date | undefined
  /** Why the fetch failed; undefined after a success. */
  readonly error: RedshiftCredentialsError | undefined
  /** The minimum time until the next fetch of this login, in milliseconds. */
  readonly pauseMillis: number
}

/**
 * Channel `pg-redshift-iam:invalidate`: the database server refused the current login. Other refusals while another login is being fetched
 * are not reported.
 */
export interface InvalidateMessage extends TraceContext {
  /** Whether another login is requested from AWS. The refused one stays in use until AWS returns a different one. */
  readonly accepted: boolean
  /** The age of the refused login, in milliseconds since it was requested. */
  readonly ageMillis: number
}

/** An operation of a store. */
export type StoreOperation = 'read' | 'claim' | 'write' | 'release' | 'remove'

/**
 * Why a value in the store is not used. `unreadable`: it was changed, or encrypted with another key, for another login or for another
 * identity. `lifetime`: the store reports a longer lifetime than the login has. `old`: this process has a newer login.
 */
export type StoreIgnoredReason = 'unreadable' | 'lifetime' | 'old'

/**
 * What went wrong with the store. `slow`: no response within `operationMillis` of the store. `failed`: the store threw an error, see
 * `detail`. `held`: another process claimed the fetch and stored no login. `lost`: this process's claim expired before it stored the login.
 */
export type StoreFailureReason = 'slow' | 'failed' | 'held' | 'lost'

/** Channel `pg-redshift-iam:store`: the result of sharing a login through a store. */
export interface StoreMessage extends TraceContext {
  /**
   * `hit`: the login came from the store. `written`: it came from AWS and is now in the store. `ignored`: the value in the store is not
   * used. `direct`: the store gave neither a login nor a claim, so AWS is called without it. `failed`: a claim could not be written to,
   * released in or removed from the store.
   */
  readonly event: 'hit' | 'written' | 'ignored' | 'direct' | 'failed'
  /** Why the value was ignored or the operation failed; undefined for `hit` and `written`. */
  readonly reason: StoreIgnoredReason | StoreFailureReason | undefined
  /** The operation that failed; undefined if none did. */
  readonly operation: StoreOperation | undefined
  /** The name and code of the store's error, never its message; undefined if the store threw none. */
  readonly detail: string | undefined
}

const openChannel = <Message>(name: string) => channel(`pg-redshift-iam:${name}`) as Channel<unknown, Message>

export const fetchStart = openChannel<FetchStartMessage>('fetch-start')
export const fetchEnd = openChannel<FetchEndMessage>('fetch-end')
export const invalidated = openChannel<InvalidateMessage>('invalidate')
export const storeUse = openChannel<StoreMessage>('store')

export const traceContext = (request: CredentialRequest): TraceContext => ({
  api: request.api,
  target: targetOf(request),
  region: request.region,
  database: request.dbName,
  user: request.api === 'GetClusterCredentials' ? request.dbUser : undefined,
})

/** Publishes the start and the end of one fetch. */
export class FetchTrace {
  readonly #clock: Clock
  readonly #message: FetchStartMessage
  readonly #startedAt: number

  constructor(clock: Clock, request: CredentialRequest, background: boolean) {
    this.#clock = clock
    this.#message = { ...traceContext(request), background }
    this.#startedAt = clock.now().monotonic
  }

  start(): void {
    if (fetchStart.hasSubscribers) fetchStart.publish(this.#message)
  }

  /** @param describe called only if there are subscribers */
  end(describe: () => Omit<FetchEndMessage, keyof FetchStartMessage | 'durationMillis'>): void {
    if (!fetchEnd.hasSubscribers) return
    const durationMillis = Math.round(this.#clock.now().monotonic - this.#startedAt)
    fetchEnd.publish({ ...this.#message, durationMillis, ...describe() })
  }
}
