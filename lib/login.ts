import type { RedshiftCredentialsError } from './errors.js'
import type { Instant } from './lease.js'

/**
 * A temporary database login, frozen. `user` and `password` belong together: give pg both from the same one.
 * No `inspect`, JSON or string form of it shows the password.
 */
export class RedshiftLogin {
  // Not a property: neither inspect with showHidden, nor a structured clone, nor Object.entries reaches it.
  readonly #password: string

  /** The user to log in as, the prefix included: `IAM:alice`, `IAMR:analyst`. */
  readonly user: string
  /** When AWS lets the login expire, on AWS's clock. Sessions that are open by then live on. */
  readonly expiration: Date
  /** When AWS would like the login to be refreshed (serverless only). */
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
    // `inspect` goes up to the first prototype of a built-in class: what it is told to show of getters, it finds none behind that.
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

/** The login that a fetch is to replace. */
export interface HeldLogin {
  readonly login: RedshiftLogin
  /** AWS's clock in the last response that gave this pair, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When a server refused it, while AWS is being asked about that. */
  readonly doubtedSince: Instant | undefined
}

/** Whether two logins are one to the server: AWS may hand out a password again, with a later expiry. */
export const samePair = (
  one: Pick<RedshiftLogin, 'user' | 'password'> | undefined,
  other: Pick<RedshiftLogin, 'user' | 'password'>,
): boolean => one?.user === other.user && one.password === other.password

/** The login that a token is held as. */
let heldAs: (token: RedshiftToken) => RedshiftLogin

/**
 * A token that logs a person in, frozen. No `inspect`, JSON or string form of it shows the token.
 */
export class RedshiftToken {
  readonly #login: RedshiftLogin

  /** When the token expires, on the clock of its issuer. Sessions that are open by then live on. */
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
    // Hidden as a login's password is.
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

/** Within this package, a token is a login whose user is empty: the cache and its rules treat both alike. */
export function toToken(login: RedshiftLogin): RedshiftToken {
  const token = tokens.get(login) ?? new RedshiftToken(login)
  tokens.set(login, token)
  return token
}

export const toLogin = (credential: RedshiftLogin | RedshiftToken): RedshiftLogin =>
  credential instanceof RedshiftToken ? heldAs(credential) : credential

/** What AWS answered, and when. */
export interface FetchedLogin {
  /** Empty for a token. */
  readonly user: string
  /** The password, or the token. */
  readonly password: string
  readonly expiration: Date
  readonly nextRefreshTime: Date | undefined
  /** The server's clock in this very answer, in milliseconds since the epoch. */
  readonly serverTime: number
  /** When the attempt that was answered was sent. */
  readonly sentAt: Instant
}

/** What is known of a fetch, and learned while it is under way. */
export interface FetchNotes {
  /** How long it may take altogether, in milliseconds. */
  readonly deadlineMillis?: number | undefined
  /** Why the last attempt failed: what a deadline that falls between two attempts is reported as. */
  failure?: RedshiftCredentialsError | undefined
  /** What AWS asked for in Retry-After, in milliseconds. */
  retryAfter?: number | undefined
}
