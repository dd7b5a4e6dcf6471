import type { RedshiftCredentialsError } from './errors.js'
import type { Instant } from './lease.js'

/**
 * A temporary database login, frozen. `user` and `password` belong together: pass both of the same login to pg. `inspect`, JSON and string
 * conversion do not show the password.
 */
export class RedshiftLogin {
  // A private field, which inspect with showHidden, structuredClone and Object.entries cannot read.
  readonly #password: string

  /** The user to log in as, including the prefix: `IAM:alice`, `IAMR:analyst`. */
  readonly user: string
  /** When the login expires, on AWS's clock. Sessions that are already open continue. */
  readonly expiration: Date
  /** When AWS recommends to refresh the login; only if AWS returned it. */
  readonly nextRefreshTime?: Date
  /** The temporary password. */
  declare readonly password: string

  /** @internal */
  constructor(user: string, password: string, expiration: Date, nextRefreshTime?: Date) {
    this.user = user
    this.#password = password
    this.expiration = expiration
    if (nextRefreshTime) this.nextRefreshTime = nextRefreshTime
    Object.freeze(this)
  }

  static {
    // With the option getters, `inspect` calls the getters of every prototype up to one whose constructor is built in. This prototype
    // has the constructor Object, so its getter is not called.
    const hidden = Object.create(Object.prototype, {
      constructor: { value: Object },
      password: {
        get(this: RedshiftLogin) {
          return this.#password
        },
      },
    })
    Object.setPrototypeOf(RedshiftLogin.prototype, hidden)
  }
}

/** The login that a fetch will replace. */
export interface HeldLogin {
  readonly login: RedshiftLogin
  /** AWS's clock in the last response with this pair, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When a server refused it; undefined unless AWS is being asked for another login because of that. */
  readonly doubtedSince: Instant | undefined
}

/** Whether two logins are the same for the server. AWS may return the same password again with a later expiration. */
export const samePair = (
  one: Pick<RedshiftLogin, 'user' | 'password'> | undefined,
  other: Pick<RedshiftLogin, 'user' | 'password'>,
): boolean => one?.user === other.user && one.password === other.password

/** Returns the login that a token wraps. */
let heldAs: (token: RedshiftToken) => RedshiftLogin

/**
 * A token that logs a person in, frozen. `inspect`, JSON and string conversion do not show the token.
 */
export class RedshiftToken {
  readonly #login: RedshiftLogin

  /** When the token expires, on the clock of its issuer. Sessions that are already open continue. */
  readonly expiration: Date
  /** The token. */
  declare readonly token: string

  /** @internal */
  constructor(login: RedshiftLogin) {
    this.#login = login
    this.expiration = login.expiration
    Object.freeze(this)
  }

  static {
    heldAs = token => token.#login
    // Hidden in the same way as a login's password.
    const hidden = Object.create(Object.prototype, {
      constructor: { value: Object },
      token: {
        get(this: RedshiftToken) {
          return this.#login.password
        },
      },
    })
    Object.setPrototypeOf(RedshiftToken.prototype, hidden)
  }
}

const tokens = new WeakMap<RedshiftLogin, RedshiftToken>()

/** Wraps a login whose user is empty. Inside this package, tokens are such logins, so that the cache treats both alike. */
export function toToken(login: RedshiftLogin): RedshiftToken {
  const token = tokens.get(login) ?? new RedshiftToken(login)
  tokens.set(login, token)
  return token
}

export const toLogin = (credential: RedshiftLogin | RedshiftToken): RedshiftLogin =>
  credential instanceof RedshiftToken ? heldAs(credential) : credential

/** The response of AWS, with its times. */
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

/** What a fetch reports about itself while it runs. */
export interface FetchNotes {
  /** Its time limit in milliseconds, retries included. */
  readonly deadlineMillis?: number | undefined
  /** Why the last attempt failed. If the deadline passes between two attempts, callers get this error. */
  failure?: RedshiftCredentialsError | undefined
  /** The value of Retry-After in AWS's last response, in milliseconds. */
  retryAfter?: number | undefined
}
