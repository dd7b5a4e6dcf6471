import { randomBytes } from 'node:crypto'
import type { Settings } from './settings.js'
import type { Target } from './targets.js'

/** What a login is valid for. */
export interface LoginTerms {
  /** The name to log in with: `IAM:alice`, `IAMR:analyst`. */
  readonly user: string
  readonly target: Target
  /** Undefined: every database. */
  readonly database: string | undefined
  readonly lifetimeSeconds: number
  /** The database user that must exist or is created, and the groups that it joins. Undefined if AWS chooses the user. */
  readonly databaseUser: DatabaseUser | undefined
}

export interface DatabaseUser {
  readonly name: string
  readonly autoCreate: boolean
  readonly groups: readonly string[]
}

/** A login that the emulated AWS has issued. */
export interface IssuedLogin extends LoginTerms {
  readonly serial: number
  readonly password: string
  /** When it expires, in milliseconds since the epoch. The fault `clock-skew` does not change it. */
  readonly expiresAt: number
  revoked: boolean
}

/** What a client logs in with. */
export interface LoginAttempt {
  readonly user: string
  readonly database: string
  /** Undefined if the client named no host, or an unknown one. */
  readonly target: Target | undefined
  /** Whether the client has sent this password, or a hash of it. */
  readonly matches: (password: string) => boolean
}

export interface Refusal {
  readonly sqlstate: string
  readonly message: string
}

export type Verdict =
  | { readonly ok: true; readonly login: IssuedLogin }
  | { readonly ok: false; readonly login: IssuedLogin | undefined; readonly refusal: Refusal }

/** Redshift's error for a wrong password, for a login to another cluster or database, and for an IAM login without TLS. */
export function passwordRefusal(user: string): Refusal {
  return { sqlstate: '28000', message: `password authentication failed for user "${user}"` }
}

/** Redshift's error for a client that no entry of `pg_hba.conf` allows, by its address or because it uses no TLS. */
export function hbaRefusal(client: {
  address: string | undefined
  user: string
  database: string
  tls: boolean
}): Refusal {
  const { address = '::1', user, database, tls } = client
  const message = `no pg_hba.conf entry for host "${address}", user "${user}", database "${database}", SSL ${tls ? 'on' : 'off'}`
  return { sqlstate: '28000', message }
}

/** The issued logins, and the rules for accepting them. */
export class IssuedLogins {
  readonly #byUser = new Map<string, IssuedLogin[]>()
  /** Undefined: every user exists. */
  readonly #users: Set<string> | undefined
  #serial = 0

  constructor(settings: Pick<Settings, 'users'>) {
    this.#users = settings.users && new Set(settings.users)
  }

  issue(terms: LoginTerms, expiresAt: number = Date.now() + terms.lifetimeSeconds * 1000): IssuedLogin {
    this.#serial += 1
    const login = { ...terms, serial: this.#serial, password: makePassword(), expiresAt, revoked: false }
    const ofUser = this.#byUser.get(terms.user)
    if (ofUser) ofUser.push(login)
    else this.#byUser.set(terms.user, [login])
    return login
  }

  revokeAll(): void {
    for (const logins of this.#byUser.values()) for (const login of logins) login.revoked = true
  }

  /** The last login of this user with a password that matches. */
  find({ user, matches }: Pick<LoginAttempt, 'user' | 'matches'>): IssuedLogin | undefined {
    return this.#byUser.get(user)?.findLast(({ password }) => matches(password))
  }

  check(attempt: LoginAttempt): Verdict {
    const login = this.find(attempt)
    const refusal = this.#refuse(attempt, login)
    if (refusal || !login) return { ok: false, login, refusal: refusal ?? passwordRefusal(attempt.user) }
    if (login.databaseUser?.autoCreate) this.#users?.add(login.databaseUser.name)
    return { ok: true, login }
  }

  #refuse(attempt: LoginAttempt, login: IssuedLogin | undefined): Refusal | undefined {
    if (!login || login.revoked) return passwordRefusal(attempt.user)
    if (Date.now() >= login.expiresAt) return { sqlstate: '28000', message: 'IAM Authentication token has expired' }
    // A client that connects to localhost or an IP address does not name the cluster. Then the password alone identifies it.
    if (attempt.target && attempt.target !== login.target) return passwordRefusal(attempt.user)
    if (login.database !== undefined && login.database !== attempt.database) return passwordRefusal(attempt.user)
    const { databaseUser } = login
    if (databaseUser && !databaseUser.autoCreate && this.#users && !this.#users.has(databaseUser.name)) {
      return { sqlstate: '42704', message: `user "${attempt.user}" does not exist` }
    }
    return undefined
  }
}

/** Like AWS's: longer than some clients' buffers, with every base64 character that must be escaped in a URL. */
function makePassword(): string {
  return `${randomBytes(136).toString('base64url')}+/${randomBytes(4).toString('base64')}`
}
