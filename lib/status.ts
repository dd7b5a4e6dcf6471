import type { EntryStatus } from './cache-entry.js'
import type { RedshiftCredentialsError } from './errors.js'
import type { RedshiftApi } from './options.js'
import { targetOf } from './request.js'

/** The state of one cached login, as returned by {@link RedshiftCredentials.status}. It contains no secret. */
export interface RedshiftStatus {
  /** The AWS operation, or `identityProvider` if the application provides the token. */
  readonly api: RedshiftApi | 'identityProvider'
  /** The cluster, workgroup or custom domain, or the type of the identity provider. */
  readonly target: string
  /** The database that the login is restricted to; undefined if it is valid for every database. */
  readonly database: string | undefined
  /** The login's user or, until there is a login, the requested one. Undefined if AWS chooses it, and for a token, which names the person. */
  readonly user: string | undefined
  /** `none`: no login yet. `fresh`: in use. `stale`: still in use, and the next caller starts a refresh. `expired`: no longer used. */
  readonly phase: 'none' | 'fresh' | 'stale' | 'expired'
  /** Whether a server refused the login and another one is being requested from AWS. */
  readonly inDoubt: boolean
  /** When AWS lets the login expire, on AWS's clock; undefined if there is no login. */
  readonly expiration: Date | undefined
  /** When the login becomes stale, on this host's clock; undefined if there is no login. */
  readonly refreshAt: Date | undefined
  /**
   * Why the last fetch failed; undefined after a success. With the phase `fresh` or `stale`, connections still get a login.
   * `JSON.stringify` keeps its name, code and message.
   */
  readonly lastError: RedshiftCredentialsError | undefined
}

export const toStatus = ({ request, user, ...state }: EntryStatus): RedshiftStatus => ({
  api: request.api,
  target: targetOf(request),
  database: request.dbName,
  user: user || (request.api === 'GetClusterCredentials' ? request.dbUser : undefined),
  ...state,
})
