import type { RedshiftConnection } from './connection.js'
import { RecordedEnvironment } from './environment.js'
import { targetError } from './errors.js'
import type { RedshiftOptions } from './options.js'
import { isPlain } from './plain-object.js'
import { type CredentialRequest, cacheKey, targetOf } from './request.js'
import { resolveRequest } from './resolve-request.js'

/** A resolved connection, with everything that its request depends on. */
interface Resolved {
  readonly host: unknown
  readonly database: unknown
  readonly user: unknown
  readonly mayBeFallback: boolean
  readonly environment: RecordedEnvironment
  readonly key: string
  readonly request: CredentialRequest
}

/** Resolves connections to requests. It keeps the last one, because pools request the same one repeatedly. */
export class RequestCache {
  readonly #options: RedshiftOptions
  #last: Resolved | undefined

  constructor(options: RedshiftOptions) {
    this.#options = options
  }

  /** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET` */
  resolve(connection: RedshiftConnection = {}): { readonly key: string; readonly request: CredentialRequest } {
    const { host, database, user } = connection
    // Only pg's own objects, which are instances of a class, contain the fallback.
    const mayBeFallback = database === user && !isPlain(connection)
    const last = this.#last
    if (
      last &&
      last.host === host &&
      last.database === database &&
      last.user === user &&
      last.mayBeFallback === mayBeFallback &&
      last.environment.isCurrent()
    )
      return last
    const environment = new RecordedEnvironment(() => process.env)
    // The values that were compared, because a getter may return another one.
    const request = resolveRequest(this.#options, { host, database, user, mayBeFallback }, environment)
    if (this.#options.store && request.region === undefined)
      throw targetError(
        `The region of ${JSON.stringify(targetOf(request))} is not set, but a store shares logins by region. Set region, or set host to the Redshift host name, which contains the region.`,
      )
    this.#last = { host, database, user, mayBeFallback, environment, key: cacheKey(request), request }
    return this.#last
  }
}
