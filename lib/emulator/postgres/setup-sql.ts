import type { Roles } from './roles.js'
import type { Server } from './server.js'
import { asSuperuser } from './superuser.js'

/** SQL that a test runs before its program logs in. */
export interface SetupSql {
  readonly sql: string
  readonly database: string
  /** The database users that exist. Undefined: every user exists. */
  readonly users: readonly string[] | undefined
  /** The users that AWS chooses. */
  readonly identities: readonly string[]
}

/** Runs SQL as the superuser and returns the rows of its last statement. It may grant rights to users who have not logged in yet. */
export async function runSetupSql(server: Server, roles: Roles, setup: SetupSql): Promise<Record<string, unknown>[]> {
  const { sql, database, users, identities } = setup
  await roles.create('USER', [...new Set([...identities, ...(users ?? [])])])
  const created = new Set<string>()
  for (;;) {
    try {
      const results = await asSuperuser(server, database, client => client.query(sql))
      // The SQL may have dropped roles and created others of the same name.
      roles.forgetAll()
      return [results].flat().at(-1)?.rows ?? []
    } catch (error) {
      const name = users === undefined ? missingRole(error) : undefined
      if (name === undefined || created.has(name)) throw error
      created.add(name)
      await roles.create(isGroup(sql, name) ? 'GROUP' : 'USER', [name])
    }
  }
}

/** Whether the word GROUP precedes the name. Words are compared whole, because a name may be part of another. */
function isGroup(sql: string, name: string): boolean {
  const words = sql.toLowerCase().split(/[\s,;"]+/)
  return words.some((word, at) => word === name.toLowerCase() && words[at - 1] === 'group')
}

/** A database user has no colon in its name: `IAM:alice` logs in as `alice`, and a grant to `"IAM:alice"` fails as on Redshift. */
function missingRole(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '42704') return undefined
  const [, name] = /^role "([^:]+)" does not exist$/.exec(error.message) ?? []
  return name
}
