/**
 * A temporary database login, frozen. `user` and `password` belong together: pass both of the same login to pg. `inspect`, JSON and string
 * conversion do not show the password.
 */
export class RedshiftLogin {
  // A private field, which inspect with showHidden, structuredClone and Object.entries cannot read.
  readonly #password: string
  readonly #expiresAt: number

  /** The user to log in as, including the prefix: `IAM:alice`, `IAMR:analyst`. */
  readonly user: string
  /** When the login expires, on AWS's clock. Sessions that are already open continue. */
  readonly expiration: Date
  /** When AWS recommends refreshing the login; missing if AWS did not return it. */
  readonly nextRefreshTime?: Date
  /** The temporary password. */
  declare readonly password: string

  /** @internal */
  constructor(user: string, password: string, expiration: Date, nextRefreshTime?: Date) {
    this.user = user
    this.#password = password
    this.#expiresAt = expiration.getTime()
    this.expiration = new Date(expiration)
    if (nextRefreshTime) this.nextRefreshTime = new Date(nextRefreshTime)
    Object.freeze(this)
  }

  /**
   * Returns when the login expires, in milliseconds since the epoch. Anyone who has the login can change the date in `expiration`, because
   * freezing does not protect it.
   * @internal
   */
  expiresAt(): number {
    return this.#expiresAt
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

/** Whether two logins are the same for the server. AWS may return the same password again with a later expiration. */
export const samePair = (
  one: Pick<RedshiftLogin, 'user' | 'password'> | undefined,
  other: Pick<RedshiftLogin, 'user' | 'password'>,
): boolean => one?.user === other.user && one.password === other.password

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
    this.expiration = new Date(login.expiresAt())
    Object.freeze(this)
  }

  /**
   * Returns the login that this token wraps.
   * @internal
   */
  asLogin(): RedshiftLogin {
    return this.#login
  }

  static {
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
  credential instanceof RedshiftToken ? credential.asLogin() : credential
