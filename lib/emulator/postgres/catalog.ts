import { createHash, createHmac } from 'node:crypto'
import pg from 'pg'
import { scramVerifier } from './scram.js'
import { asSuperuser, type Server } from './server.js'
import { createSystemViews } from './system-views.js'

/** PostgreSQL cuts longer names off, and two that differ only behind that point would become one. */
const maxNameBytes = 63

/**
 * What other emulators on the same server may do at the same moment: the object exists by now, or its row was just updated, or the
 * template database is in use by another CREATE DATABASE.
 */
const concurrencyStates = ['42710', '42P04', '23505', 'XX000', '55006', '40P01']

/** A role of the backing server that a session logs in as. */
export interface LoginRole {
  readonly name: string
  readonly password: string
  /** The role whose name and rights the session then has. Undefined: its own. */
  readonly actsAs: string | undefined
}

/** Whose role it is: the name to log in with and, where the caller named it, the database user with the groups that it joins. */
export interface LoginIdentity {
  readonly user: string
  readonly databaseUser: { readonly name: string; readonly groups: readonly string[] } | undefined
}

/** A name that the backing server keeps for itself: whoever got its role would have the rights of the superuser, or of its files. */
export class ReservedRole extends Error {
  constructor(name: string) {
    super(`the emulator's PostgreSQL server uses the role "${name}" itself: choose another name`)
  }
}

/** The databases and roles that the backing server has for the emulator. */
export class Catalog {
  readonly #server: Server
  readonly #loginRoles = new Map<string, Promise<LoginRole>>()

  constructor(server: Server) {
    this.#server = server
  }

  /** Creates the databases that are missing. Everybody may create tables in their schema `public`, as on Redshift. */
  async createDatabases(names: readonly string[], { systemViews }: { systemViews: boolean }): Promise<void> {
    for (const name of names) await this.#createDatabase(name, systemViews)
  }

  /** The role that a login uses, created or changed by the first session that needs it. */
  loginRole(identity: LoginIdentity): Promise<LoginRole> {
    const key = identityKey(identity)
    const known = this.#loginRoles.get(key)
    if (known) return known
    const role = this.#createLoginRole(identity)
    this.#loginRoles.set(key, role)
    role.catch(() => this.forget(identity))
    return role
  }

  /** Looks again the next time: somebody dropped a role, or changed its password. */
  forget(identity: LoginIdentity): void {
    this.#loginRoles.delete(identityKey(identity))
  }

  forgetAll(): void {
    this.#loginRoles.clear()
  }

  /** Creates the database users or groups that are missing. Neither has a password: nobody logs in as one of them. */
  async createRoles(kind: 'USER' | 'GROUP', names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    await this.#insistently(async client => {
      for (const name of names.map(roleName)) {
        const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name])
        if (rowCount === 0) await client.query(`CREATE ${kind} ${pg.escapeIdentifier(name)}`)
      }
    })
  }

  async #createDatabase(name: string, systemViews: boolean): Promise<void> {
    await this.#insistently(async client => {
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
      if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
    })
    await withRetries(() =>
      asSuperuser(this.#server, name, async client => {
        const { rows } = await client.query(`SELECT has_schema_privilege('public', 'public', 'CREATE') AS open`)
        if (!rows[0]?.open) await client.query('GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC')
        if (systemViews) await createSystemViews(client)
      }),
    )
  }

  /**
   * A login for a named database user becomes that user, as on Redshift. With groups it has their rights for this session only: a role
   * of its own inherits them and the user's, under its own name.
   */
  async #createLoginRole({ user, databaseUser }: LoginIdentity): Promise<LoginRole> {
    const name = roleName(user)
    const password = this.#derive('password', user).toString('base64url')
    const verifier = scramVerifier(password, this.#derive('salt', user).subarray(0, 16))
    const { name: database, groups = [] } = databaseUser ?? {}
    const users = database === undefined ? [] : [database]
    await this.#refuseReserved([user, ...users, ...groups].map(roleName))
    await this.createRoles('USER', users)
    await this.createRoles('GROUP', groups)
    const memberOf = [...users, ...groups].map(roleName)
    await this.#insistently(async client => {
      const inherit = groups.length > 0
      const { rows } = await client.query(
        'SELECT rolpassword, rolcanlogin AND rolinherit = $2 AS fits FROM pg_authid WHERE rolname = $1',
        [name, inherit],
      )
      const [found] = rows
      const attributes = `LOGIN ${inherit ? 'INHERIT' : 'NOINHERIT'} PASSWORD ${pg.escapeLiteral(verifier)}`
      if (found?.rolpassword !== verifier || !found.fits) {
        await client.query(`${found ? 'ALTER' : 'CREATE'} ROLE ${pg.escapeIdentifier(name)} ${attributes}`)
      }
      for (const role of memberOf) {
        const { rows } = await client.query('SELECT pg_has_role($1::name, $2::name, $3) AS member', [
          name,
          role,
          'MEMBER',
        ])
        if (!rows[0]?.member) await client.query(`GRANT ${pg.escapeIdentifier(role)} TO ${pg.escapeIdentifier(name)}`)
      }
    })
    return { name, password, actsAs: groups.length > 0 || database === undefined ? undefined : roleName(database) }
  }

  /**
   * The superuser that the emulator works as, the one that made the server, and PostgreSQL's own roles and words. A role that set-up
   * made a superuser is one on purpose.
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

  /** Runs something as the superuser in the database that is always there, again where another emulator was in the way. */
  #insistently(work: (client: pg.Client) => Promise<void>): Promise<void> {
    return withRetries(() => asSuperuser(this.#server, this.#server.database, work))
  }

  /** The same in every emulator on this server, so that none locks out the others by setting a password of its own. */
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
  return `${Buffer.from(user)
    .subarray(0, maxNameBytes - 9)
    .toString('latin1')}~${digest}`
}

async function withRetries(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const state = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (attempt === 10 || !concurrencyStates.includes(state)) throw error
      await new Promise(resolve => setTimeout(resolve, 20 * attempt * Math.random()))
    }
  }
}
