import { createHash, createHmac } from 'node:crypto'
import pg from 'pg'
import { scramVerifier } from './scram.js'
import type { Server } from './server.js'
import { asSuperuser, asSuperuserWithRetries } from './superuser.js'

/** PostgreSQL truncates longer names, which could make two users the same role. */
const maxNameBytes = 63

/** A role of the backing server that a session logs in as. */
export interface LoginRole {
  readonly name: string
  readonly password: string
  /** The role that the session switches to (`SET ROLE`). Undefined: none. */
  readonly actsAs: string | undefined
}

/** Who logs in: the name and, if the caller chose it, the database user with the groups that it joins. */
export interface LoginIdentity {
  readonly user: string
  readonly databaseUser: { readonly name: string; readonly groups: readonly string[] } | undefined
}

/** A name that the backing server uses itself. Its role would have the rights of the superuser, or access to its files. */
export class ReservedRole extends Error {
  constructor(name: string) {
    super(`the emulator's PostgreSQL server uses the role "${name}" itself: choose another name`)
  }
}

/** The roles that the emulator creates on the backing server. */
export class Roles {
  readonly #server: Server
  readonly #loginRoles = new Map<string, Promise<LoginRole>>()

  constructor(server: Server) {
    this.#server = server
  }

  /** Returns the role that a login uses. The first session that needs it creates or changes it. */
  loginRole(identity: LoginIdentity): Promise<LoginRole> {
    const key = identityKey(identity)
    const known = this.#loginRoles.get(key)
    if (known) return known
    const role = this.#createLoginRole(identity)
    this.#loginRoles.set(key, role)
    role.catch(() => this.forget(identity))
    return role
  }

  /** Makes the next login check the role again, because it may have been dropped or have another password. */
  forget(identity: LoginIdentity): void {
    this.#loginRoles.delete(identityKey(identity))
  }

  forgetAll(): void {
    this.#loginRoles.clear()
  }

  /** Creates the database users or groups that do not exist yet, without a password: nothing logs in as one of them. */
  async create(kind: 'USER' | 'GROUP', names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    await this.#asSuperuser(async client => {
      for (const name of names.map(roleName)) {
        const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name])
        if (rowCount === 0) await client.query(`CREATE ${kind} ${pg.escapeIdentifier(name)}`)
      }
    })
  }

  /**
   * As on Redshift, a login for a named database user becomes that user. A login with groups gets their rights for this session only:
   * its role inherits their rights and the user's, and keeps its own name.
   */
  async #createLoginRole({ user, databaseUser }: LoginIdentity): Promise<LoginRole> {
    const name = roleName(user)
    const password = this.#derive('password', user).toString('base64url')
    const verifier = scramVerifier(password, this.#derive('salt', user).subarray(0, 16))
    const users = databaseUser ? [databaseUser.name] : []
    const groups = databaseUser?.groups ?? []
    await this.#refuseReserved([user, ...users, ...groups].map(roleName))
    await this.create('USER', users)
    await this.create('GROUP', groups)
    const inherits = groups.length > 0
    await this.#asSuperuser(async client => {
      const { rows } = await client.query(
        'SELECT rolpassword, rolcanlogin AND rolinherit = $2 AS matches FROM pg_authid WHERE rolname = $1',
        [name, inherits],
      )
      const [found] = rows
      const attributes = `LOGIN ${inherits ? 'INHERIT' : 'NOINHERIT'} PASSWORD ${pg.escapeLiteral(verifier)}`
      if (found?.rolpassword !== verifier || !found.matches) {
        await client.query(`${found ? 'ALTER' : 'CREATE'} ROLE ${pg.escapeIdentifier(name)} ${attributes}`)
      }
      for (const role of [...users, ...groups].map(roleName)) {
        const { rows } = await client.query("SELECT pg_has_role($1::name, $2::name, 'MEMBER') AS member", [name, role])
        if (!rows[0]?.member) await client.query(`GRANT ${pg.escapeIdentifier(role)} TO ${pg.escapeIdentifier(name)}`)
      }
    })
    return { name, password, actsAs: databaseUser && !inherits ? roleName(databaseUser.name) : undefined }
  }

  /**
   * Refuses the superuser that the emulator uses, the bootstrap superuser, and PostgreSQL's own roles and keywords. It allows a role that
   * setup SQL made a superuser.
   */
  async #refuseReserved(names: readonly string[]): Promise<void> {
    const { rows } = await asSuperuser(this.#server, this.#server.database, client =>
      client.query(
        `SELECT name FROM unnest($1::text[]) name LEFT JOIN pg_roles ON rolname = name
          WHERE rolname = current_user OR pg_roles.oid = 10 OR name LIKE 'pg\\_%' OR name IN ('none', 'public')`,
        [names],
      ),
    )
    if (rows[0]) throw new ReservedRole(rows[0].name)
  }

  #asSuperuser(run: (client: pg.Client) => Promise<void>): Promise<void> {
    return asSuperuserWithRetries(this.#server, this.#server.database, run)
  }

  /** Returns the same bytes in every emulator on this server: otherwise one would change the passwords of another's roles. */
  #derive(purpose: string, user: string): Buffer {
    return createHmac('sha256', this.#server.password).update(`pg-redshift-iam emulator ${purpose}\0${user}`).digest()
  }
}

function identityKey({ user, databaseUser }: LoginIdentity): string {
  return JSON.stringify([user, databaseUser?.name])
}

function roleName(user: string): string {
  if (Buffer.byteLength(user) <= maxNameBytes) return user
  const digest = createHash('sha256').update(user).digest('hex').slice(0, 8)
  const start = Buffer.from(user).subarray(0, maxNameBytes - digest.length - 1)
  // A stream leaves out a character that was cut.
  return `${new TextDecoder().decode(start, { stream: true })}~${digest}`
}
