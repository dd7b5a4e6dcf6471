/** What went wrong, as a closed union: a `switch` over it is checked by the compiler. The page that each names comes with the package. */
export type RedshiftErrorCode =
  /** An option is missing, malformed, unknown, or does not fit the API. Nothing was sent. See docs/troubleshooting.md#err_redshift_option */
  | 'ERR_REDSHIFT_OPTION'
  /** The cluster, workgroup or region is unknown, or named twice and differently. Nothing was sent. See docs/troubleshooting.md#err_redshift_target */
  | 'ERR_REDSHIFT_TARGET'
  /** The connection is not encrypted. Redshift refuses IAM logins without TLS. See docs/troubleshooting.md#err_redshift_tls */
  | 'ERR_REDSHIFT_TLS'
  /** The connection logs in as another user than the login is for. See docs/troubleshooting.md#err_redshift_user_mismatch */
  | 'ERR_REDSHIFT_USER_MISMATCH'
  /** `pg.native` was given a password function, which it cannot call. See docs/troubleshooting.md#err_redshift_native */
  | 'ERR_REDSHIFT_NATIVE'
  /** There are no AWS credentials, or AWS does not accept them (expired, unknown, badly signed). See docs/troubleshooting.md#err_redshift_aws_credentials */
  | 'ERR_REDSHIFT_AWS_CREDENTIALS'
  /** The IAM policy does not allow the call. See docs/troubleshooting.md#err_redshift_access_denied */
  | 'ERR_REDSHIFT_ACCESS_DENIED'
  /** There is no such cluster or workgroup in that region and account. See docs/troubleshooting.md#err_redshift_not_found */
  | 'ERR_REDSHIFT_NOT_FOUND'
  /** AWS does not support the call for this cluster, or the server asks for another kind of login. See docs/troubleshooting.md#err_redshift_unsupported */
  | 'ERR_REDSHIFT_UNSUPPORTED'
  /** AWS's rate limit was hit. See docs/troubleshooting.md#err_redshift_throttled */
  | 'ERR_REDSHIFT_THROTTLED'
  /** AWS failed (5xx), or could not be reached. See docs/troubleshooting.md#err_redshift_unavailable */
  | 'ERR_REDSHIFT_UNAVAILABLE'
  /** AWS, or the provider of AWS credentials, did not answer within the deadline. See docs/troubleshooting.md#err_redshift_timeout */
  | 'ERR_REDSHIFT_TIMEOUT'
  /** AWS's response, or the server's request for a login, could not be read. See docs/troubleshooting.md#err_redshift_response */
  | 'ERR_REDSHIFT_RESPONSE'
  /** Redshift refused a login, and AWS has no other one now. See docs/troubleshooting.md#err_redshift_login_rejected */
  | 'ERR_REDSHIFT_LOGIN_REJECTED'
  /** The credentials, the pool or the client were closed. See docs/troubleshooting.md#err_redshift_closed */
  | 'ERR_REDSHIFT_CLOSED'

/**
 * Every error of this package. `code` says what went wrong, `message` ends with the remedy. `cause`, where there is one, is
 * a copy of the underlying error that holds no secret.
 */
export class RedshiftCredentialsError extends Error {
  static {
    // Bundlers rename a class that refers to itself, and loggers show its name.
    Object.defineProperty(RedshiftCredentialsError, 'name', { value: 'RedshiftCredentialsError' })
    RedshiftCredentialsError.prototype.name = 'RedshiftCredentialsError'
  }

  /** What went wrong. Compare this rather than the message, which may change. */
  readonly code: RedshiftErrorCode
  readonly #remedy: string | undefined

  constructor(code: RedshiftErrorCode, message: string, options?: { cause?: unknown; remedy?: string | undefined }) {
    super(message, options?.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.#remedy = options?.remedy
  }

  /**
   * The end of the message that says what to do, where it may be said differently elsewhere.
   * @internal
   */
  get remedy(): string | undefined {
    return this.#remedy
  }

  /**
   * A new instance with the same content. pg-pool writes into the stack of the error that it passes on, so those who
   * share a failure each get one of their own.
   * @internal
   */
  copy(): RedshiftCredentialsError {
    return new RedshiftCredentialsError(this.code, this.message, { cause: this.cause, remedy: this.#remedy })
  }
}

/** Failures of AWS that say nothing about the login or the set-up, and pass by themselves. */
const PASSING: ReadonlySet<RedshiftErrorCode> = new Set([
  'ERR_REDSHIFT_THROTTLED',
  'ERR_REDSHIFT_UNAVAILABLE',
  'ERR_REDSHIFT_TIMEOUT',
  'ERR_REDSHIFT_RESPONSE',
])

/** Whether an error is likely to pass by itself. */
export const isPassing = (error: unknown): boolean =>
  error instanceof RedshiftCredentialsError && PASSING.has(error.code)

/** A bad option, refused before anything is sent. */
export const optionError = (message: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError('ERR_REDSHIFT_OPTION', message)

/** A cluster, workgroup or region that is missing or contradictory. */
export const targetError = (message: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError('ERR_REDSHIFT_TARGET', message)

/** The error that everything rejects with after `close()`. */
export const closedError = (): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_CLOSED',
    'The Redshift credentials are closed. Create new ones, or close them later.',
  )

/** Whatever was thrown, as one of ours. What is not foreseen is not repeated: it may hold anything. */
export const ours = (error: unknown): RedshiftCredentialsError =>
  error instanceof RedshiftCredentialsError
    ? error
    : new RedshiftCredentialsError(
        'ERR_REDSHIFT_UNAVAILABLE',
        `The fetch failed in a way that was not foreseen${error instanceof Error ? ` (${error.constructor.name})` : ''}. Look at the option aws, and what it brings along.`,
      )

/** A value as it may stand in a message: one line, quoted, not too long, and without what an object or a URL may hide. */
export const quoted = (value: unknown): string => {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  const text = typeof value === 'string' ? escaped(JSON.stringify(withoutSecrets(value))) : String(value)
  return text.length > 100 ? `${text.slice(0, 97)}…` : text
}

// Characters that a terminal obeys, or that change the order in which others are read.
const UNPRINTABLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu

const escaped = (text: string): string =>
  text.replace(UNPRINTABLE, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** What others say, on one line, and without what a terminal would not show as it is. */
export const printable = (text: string): string => text.replace(/\s+/g, ' ').replace(UNPRINTABLE, '')

/** A connection string, or what is left of one, where a name was meant: user, password and parameters stay out of messages. No name holds a slash. */
const withoutSecrets = (text: string): string => {
  if (!text.includes('/')) return text
  const start = /^(\w+:\/\/)?/.exec(text)?.[0] ?? ''
  const end = text.lastIndexOf('@')
  const place = end >= start.length ? `${start}…${text.slice(end)}` : text
  return place.replace(/(?<=[?;]).+$/s, '…')
}
