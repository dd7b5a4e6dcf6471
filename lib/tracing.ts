import { type Channel, channel } from 'node:diagnostics_channel'
import type { RedshiftCredentialsError } from './errors.js'
import { type CredentialRequest, targetOf } from './request.js'

/** What every message of ours says of the login that it is about. No secret ever enters a message. */
export interface TraceContext {
  /** The AWS operation, or `identityProvider` where the application gives the token. */
  readonly api: CredentialRequest['api']
  /** Cluster, workgroup or custom domain; or the type of the identity provider. */
  readonly target: string
  readonly region: string | undefined
  readonly database: string | undefined
  /** The database user that was asked for; undefined where AWS chooses it. */
  readonly user: string | undefined
}

/** Channel `pg-redshift-iam:fetch-start`: AWS is about to be asked. */
export interface FetchStartMessage extends TraceContext {
  /** Whether a login is served meanwhile, so that nobody waits. */
  readonly background: boolean
}

/** Channel `pg-redshift-iam:fetch-end`: AWS has answered, or has not. */
export interface FetchEndMessage extends FetchStartMessage {
  /** `unchanged`: the answer has the same expiry as the login in hand, which is kept. */
  readonly outcome: 'fetched' | 'unchanged' | 'failed'
  readonly durationMillis: number
  /** When the login in hand expires. */
  readonly expiration: Date | undefined
  /** Why it failed. */
  readonly error: RedshiftCredentialsError | undefined
  /** How long AWS is left alone after this, at least. */
  readonly pauseMillis: number
}

/** Channel `pg-redshift-iam:invalidate`: the server refused a login. */
export interface InvalidateMessage extends TraceContext {
  /** Whether AWS is asked for another login. The refused one stays in use until there is one. */
  readonly accepted: boolean
  readonly ageMillis: number
}

/** What a store is asked to do. */
export type StoreOperation = 'read' | 'claim' | 'write' | 'release' | 'remove'

/**
 * Why a value of the store is of no use. `unreadable`: tampered with, or sealed with another key, for another login or another
 * identity. `lifetime`: it is said to live longer than the login does. `old`: this process has a newer login.
 */
export type StoreIgnoredReason = 'unreadable' | 'lifetime' | 'old'

/**
 * What went wrong with the store. `slow`: no answer within 300 ms. `failed`: see `detail`. `held`: another process claimed the
 * fetch, and brought nothing. `lost`: our own claim lapsed before the login was there.
 */
export type StoreFailureReason = 'slow' | 'failed' | 'held' | 'lost'

/** Channel `pg-redshift-iam:store`: what came of sharing a login with the fleet. */
export interface StoreMessage extends TraceContext {
  /**
   * `hit`: the login came from the store. `written`: it came from AWS, and is shared now. `ignored`: the store had a value that is
   * of no use. `direct`: AWS is asked although the store was to answer. `failed`: the store does not know what it was to be told.
   */
  readonly event: 'hit' | 'written' | 'ignored' | 'direct' | 'failed'
  readonly reason: StoreIgnoredReason | StoreFailureReason | undefined
  /** Which operation went wrong. */
  readonly operation: StoreOperation | undefined
  /** Name and code of the store's error; never its message. */
  readonly detail: string | undefined
}

const typed = <Message>(name: string) => channel(`pg-redshift-iam:${name}`) as Channel<unknown, Message>

export const fetchStart = typed<FetchStartMessage>('fetch-start')
export const fetchEnd = typed<FetchEndMessage>('fetch-end')
export const invalidated = typed<InvalidateMessage>('invalidate')
export const storeUse = typed<StoreMessage>('store')

export const traceContext = (request: CredentialRequest): TraceContext => ({
  api: request.api,
  target: targetOf(request),
  region: request.region,
  database: request.dbName,
  user: request.api === 'GetClusterCredentials' ? request.dbUser : undefined,
})
