import { type Channel, channel } from 'node:diagnostics_channel'
import type { RedshiftCredentialsError } from './errors.js'
import type { RedshiftApi } from './options.js'
import { type CredentialRequest, targetOf } from './request.js'

/** What every message of ours says of the login that it is about. No secret ever enters a message. */
export interface TraceContext {
  readonly api: RedshiftApi
  /** Cluster, workgroup or custom domain. */
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
  /** Whether the login is dropped. One that was just fetched is kept: another would be refused as well. */
  readonly accepted: boolean
  readonly ageMillis: number
}

const typed = <Message>(name: string) => channel(`pg-redshift-iam:${name}`) as Channel<unknown, Message>

export const fetchStart = typed<FetchStartMessage>('fetch-start')
export const fetchEnd = typed<FetchEndMessage>('fetch-end')
export const invalidated = typed<InvalidateMessage>('invalidate')

export const traceContext = (request: CredentialRequest): TraceContext => ({
  api: request.api,
  target: targetOf(request),
  region: request.region,
  database: request.dbName,
  user: request.api === 'GetClusterCredentials' ? request.dbUser : undefined,
})
