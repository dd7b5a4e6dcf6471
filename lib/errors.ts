/** The error codes, as a closed union: the compiler can check a `switch` for completeness. The linked page is part of the package. */
export type RedshiftErrorCode =
  /** An option is missing, malformed, unknown, or not allowed with the AWS operation. Nothing was sent. See docs/troubleshooting.md#err_redshift_option */
  | 'ERR_REDSHIFT_OPTION'
  /** The cluster, workgroup or region is not specified, or two options contradict each other. Nothing was sent. See docs/troubleshooting.md#err_redshift_target */
  | 'ERR_REDSHIFT_TARGET'
  /** The connection is not encrypted. Redshift refuses IAM logins without TLS. See docs/troubleshooting.md#err_redshift_tls */
  | 'ERR_REDSHIFT_TLS'
  /** The connection's user and the user of the login differ. See docs/troubleshooting.md#err_redshift_user_mismatch */
  | 'ERR_REDSHIFT_USER_MISMATCH'
  /** A password function was used with `pg.native`, which cannot call it. See docs/troubleshooting.md#err_redshift_native */
  | 'ERR_REDSHIFT_NATIVE'
  /** There are no AWS credentials, or AWS rejected them (expired, unknown, wrong signature). See docs/troubleshooting.md#err_redshift_aws_credentials */
  | 'ERR_REDSHIFT_AWS_CREDENTIALS'
  /** The IAM policy does not allow the call. See docs/troubleshooting.md#err_redshift_access_denied */
  | 'ERR_REDSHIFT_ACCESS_DENIED'
  /** The cluster or workgroup does not exist in this region and account. See docs/troubleshooting.md#err_redshift_not_found */
  | 'ERR_REDSHIFT_NOT_FOUND'
  /** AWS does not support the operation for this cluster, or the server requires another kind of login. See docs/troubleshooting.md#err_redshift_unsupported */
  | 'ERR_REDSHIFT_UNSUPPORTED'
  /** AWS's rate limit was exceeded. See docs/troubleshooting.md#err_redshift_throttled */
  | 'ERR_REDSHIFT_THROTTLED'
  /** AWS failed (HTTP 5xx) or could not be reached. See docs/troubleshooting.md#err_redshift_unavailable */
  | 'ERR_REDSHIFT_UNAVAILABLE'
  /** AWS or the provider of AWS credentials did not respond before the deadline. See docs/troubleshooting.md#err_redshift_timeout */
  | 'ERR_REDSHIFT_TIMEOUT'
  /** A response of AWS, or a message of the database server, is invalid. See docs/troubleshooting.md#err_redshift_response */
  | 'ERR_REDSHIFT_RESPONSE'
  /** Redshift refused a login, and AWS has no other one. See docs/troubleshooting.md#err_redshift_login_rejected */
  | 'ERR_REDSHIFT_LOGIN_REJECTED'
  /** The credentials, the pool or the client were closed. See docs/troubleshooting.md#err_redshift_closed */
  | 'ERR_REDSHIFT_CLOSED'

/**
 * The error class of this package. `code` identifies the problem, and `message` ends with the remedy. `cause`, if present, is a copy of the
 * underlying error without secrets.
 */
export class RedshiftCredentialsError extends Error {
  static {
    // Bundlers rename classes that refer to themselves, and loggers show the name.
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

  /** Used by `JSON.stringify`, which leaves out the message of other errors. */
  toJSON(): { name: string; code: RedshiftErrorCode; message: string } {
    return { name: this.name, code: this.code, message: this.message }
  }

  /**
   * The last part of the message, which says what to do. The command line replaces it with its own remedy.
   * @internal
   */
  get remedy(): string | undefined {
    return this.#remedy
  }

  /**
   * Returns a new instance with the same content. Callers who share a failure each get their own, because pg-pool changes the stack of an
   * error that it passes on.
   * @internal
   */
  copy(): RedshiftCredentialsError {
    return new RedshiftCredentialsError(this.code, this.message, { cause: this.cause, remedy: this.#remedy })
  }
}

/** Temporary failures of AWS, which are not caused by the login or the configuration. */
const TRANSIENT: ReadonlySet<RedshiftErrorCode> = new Set([
  'ERR_REDSHIFT_THROTTLED',
  'ERR_REDSHIFT_UNAVAILABLE',
  'ERR_REDSHIFT_TIMEOUT',
  'ERR_REDSHIFT_RESPONSE',
])

/** Whether an error is probably temporary. */
export const isTransient = (error: unknown): boolean =>
  error instanceof RedshiftCredentialsError && TRANSIENT.has(error.code)

/** An invalid option. Nothing was sent. */
export const optionError = (message: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError('ERR_REDSHIFT_OPTION', message)

/** A missing or contradictory cluster, workgroup or region. */
export const targetError = (message: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError('ERR_REDSHIFT_TARGET', message)

/** The error of every call after `close()`. */
export const closedError = (): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_CLOSED',
    'The Redshift credentials are closed. Create new ones, or call close() later.',
  )

/** Converts a thrown value to a RedshiftCredentialsError. The message of an unexpected error is left out, because it may contain secrets. */
export const toRedshiftCredentialsError = (error: unknown): RedshiftCredentialsError =>
  error instanceof RedshiftCredentialsError
    ? error
    : new RedshiftCredentialsError(
        'ERR_REDSHIFT_UNAVAILABLE',
        `The login could not be fetched because of an unexpected error${error instanceof Error ? ` (${error.constructor.name})` : ''}. Check the option aws and your code in it.`,
      )

/** Formats a value for a message: quoted, on one line, at most 100 characters, without the content of objects or secrets in URLs. */
export const quoted = (value: unknown): string => {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  const text = typeof value === 'string' ? escaped(JSON.stringify(withoutSecrets(value))) : String(value)
  return text.length > 100 ? `${text.slice(0, 97)}…` : text
}

// Control characters, and characters that change the direction of text.
const UNPRINTABLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu

const escaped = (text: string): string =>
  text.replace(UNPRINTABLE, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Formats a message from another program: on one line, without unprintable characters. */
export const printable = (text: string): string => text.replace(/\s+/g, ' ').replace(UNPRINTABLE, '')

/**
 * Removes user, password and parameters from a connection string that was passed instead of a name. Names contain no slash, and a colon
 * before an @ only after a prefix: `IAM:alice@example.com`.
 */
const withoutSecrets = (given: string): string => {
  // The parameters of libpq: host=… password=…
  const text = given.replace(/\b(password|passwd|pwd)(\s*=).*/is, '$1$2…')
  if (!/\/|^(?!IAM[AR]?:)[^:]*:[^@]*@/.test(text)) return text
  const start = /^(\w+:\/\/)?/.exec(text)?.[0] ?? ''
  const end = text.lastIndexOf('@')
  const place = end >= start.length ? `${start}…${text.slice(end)}` : text
  return place.replace(/(?<=[?;]).+$/s, '…')
}
