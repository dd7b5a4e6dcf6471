import type { Instant } from './clock.js'
import { RedshiftCredentialsError } from './errors.js'
import type { RedshiftLogin } from './login.js'
import { type CredentialRequest, targetOf } from './request.js'

/** Fetches a login. Rejects only with `RedshiftCredentialsError`. */
export type Fetch = (request: CredentialRequest, context: FetchContext) => Promise<FetchedLogin>

/** A login or a token as its source returned it, with the times of the response. */
export interface FetchedLogin {
  /** Empty for a token. */
  readonly user: string
  /** The password, or the token. */
  readonly password: string
  readonly expiration: Date
  readonly nextRefreshTime: Date | undefined
  /** The server's clock in the response, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When the successful attempt was sent. */
  readonly sentAt: Instant
}

/** The login that a fetch will replace. */
export interface CurrentLogin {
  readonly login: RedshiftLogin
  /** AWS's clock in the last response with this pair, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When a server refused it; undefined unless another login is being requested from AWS because of that. */
  readonly doubtedSince: Instant | undefined
}

/** An error, or a function that finds out what the fetch is waiting for. It resolves to undefined if that is unknown. */
type DeadlineError = RedshiftCredentialsError | (() => Promise<RedshiftCredentialsError | undefined>)

/** One fetch: its limits, and what it reports about itself while it runs. */
export class FetchContext {
  /** The time limit in milliseconds, retries included. The flight may end earlier if its login expires before. */
  readonly deadlineMillis: number
  /** The value of Retry-After in AWS's last response, in milliseconds. */
  retryAfter: number | undefined
  readonly #abortController = new AbortController()
  readonly #current: () => CurrentLogin | undefined
  #deadlineError: DeadlineError | undefined
  #timeoutError: RedshiftCredentialsError | undefined

  constructor(deadlineMillis: number, current: () => CurrentLogin | undefined = () => undefined) {
    this.deadlineMillis = deadlineMillis
    this.#current = current
  }

  /** Aborts when the fetch has ended, for example at its deadline. */
  get signal(): AbortSignal {
    return this.#abortController.signal
  }

  abort(): void {
    this.#abortController.abort()
  }

  /** The login that the fetch will replace. */
  get current(): CurrentLogin | undefined {
    return this.#current()
  }

  /** What callers get if the deadline passes now; undefined for a plain timeout. */
  async deadlineError(): Promise<RedshiftCredentialsError | undefined> {
    const error = this.#deadlineError
    return (typeof error === 'function' ? await error() : error) ?? this.#timeoutError
  }

  /** Sets what callers get if the deadline passes from now on: why the last attempt failed, or what the fetch is waiting for. */
  setDeadlineError(error: DeadlineError | undefined): void {
    this.#deadlineError = error
  }

  /** Sets what callers get instead of a plain timeout, for the rest of the fetch. */
  setTimeoutError(error: RedshiftCredentialsError): void {
    this.#timeoutError = error
  }
}

/** The error of a fetch that did not end before its deadline, if nothing more is known. */
export const timeoutError = (request: CredentialRequest, deadlineMillis: number): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    request.api === 'identityProvider'
      ? `identityProvider.token did not return within ${Math.round(deadlineMillis)} ms. Check the function, or raise fetchTimeoutMillis.`
      : `AWS did not respond to ${request.api} for ${JSON.stringify(targetOf(request))} within ${Math.round(deadlineMillis)} ms, including the time to load AWS credentials. ` +
          'Check the network path to AWS and to the source of the AWS credentials (SSO, metadata service), or raise fetchTimeoutMillis.',
  )
