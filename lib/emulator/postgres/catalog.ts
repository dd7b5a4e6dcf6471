import { createHash, createHmac } from 'node:crypto'
import pg from 'pg'
import { scramVerifier } from './scram.js'
import { asSuperuser, type Server } from './server.js'

/** PostgreSQL cuts longer names off, and two that differ only behind that point would become one. */
const maxNameBytes = 63

/**
 * What other emulators on the same server may do at the same moment: the object exists by now, or its row was just updated, or the
 * template database is in use by another CREATE DATABASE.
 */
const concurrencyStates = ['42710', '42P04', '23505', 'XX000', '55006']

/** A role of the backing server that stands for a database user of Redshift. */
export interface Role {
  readonly name: string
  readonly password: string
}

/** The databases and roles that the backing server has for the emulator. */
export class Catalog {
  readonly #server: Server
  readonly #roles = new Map<string, Promise<Role>>()

  constructor(server: Server) {
    this.#server = server
  }

  /** Creates the databases that are missing. Everybody may create tables in their schema `public`, as on Redshift. */
  async createDatabases(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#createDatabase(name)
  }

  /** The role for a user name, created or taken over by the first who asks. */
  role(user: string): Promise<Role> {
    const known = this.#roles.get(user)
    if (known) return known
    const role = this.#createRole(user)
    this.#roles.set(user, role)
    role.catch(() => this.forget(user))
    return role
  }

  /** Looks again the next time: somebody dropped the role, or changed its password. */
  forget(user: string): void {
    this.#roles.delete(user)
  }

  async #createDatabase(name: string): Promise<void> {
    await insistently(() =>
      asSuperuser(this.#server, this.#server.database, async client => {
        const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
        if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
      }),
    )
    await insistently(() =>
      asSuperuser(this.#server, name, async client => {
        const { rows } = await client.query(`SELECT has_schema_privilege('public', 'public', 'CREATE') AS open`)
        if (!rows[0]?.open) await client.query('GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC')
      }),
    )
  }

  async #createRole(user: string): Promise<Role> {
    const role = { name: roleName(user), password: this.#derive('password', user).toString('base64url') }
    const verifier = scramVerifier(role.password, this.#derive('salt', user).subarray(0, 16))
    const attributes = `LOGIN PASSWORD ${pg.escapeLiteral(verifier)}`
    await insistently(() =>
      asSuperuser(this.#server, this.#server.database, async client => {
        const { rows } = await client.query('SELECT rolpassword, rolcanlogin FROM pg_authid WHERE rolname = $1', [
          role.name,
        ])
        const [found] = rows
        if (found?.rolpassword === verifier && found.rolcanlogin) return
        await client.query(`${found ? 'ALTER' : 'CREATE'} ROLE ${pg.escapeIdentifier(role.name)} ${attributes}`)
      }),
    )
    return role
  }

  /** The same in every emulator on this server, so that none locks out the others by setting a password of its own. */
  #derive(purpose: string, user: string): Buffer {
    return createHmac('sha256', this.#server.password).update(`pg-redshift-iam emulator ${purpose}\0${user}`).digest()
  }
}

function roleName(user: string): string {
  if (Buffer.byteLength(user) <= maxNameBytes) return user
  const digest = createHash('sha256').update(user).digest('hex').slice(0, 8)
  return `${Buffer.from(user)
    .subarray(0, maxNameBytes - 9)
    .toString('latin1')}~${digest}`
}

async function insistently(work: () => Promise<void>): Promise<void> {
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
