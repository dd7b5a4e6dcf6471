import type { Catalog } from './catalog.js'
import { asSuperuser, type Server } from './server.js'

/** SQL that a test runs before its subject logs in. */
export interface SetUp {
  readonly sql: string
  readonly database: string
  /** The database users that exist. Undefined: every user exists. */
  readonly users: readonly string[] | undefined
  /** The users that AWS chooses. */
  readonly identities: readonly string[]
}

/** Runs it as the superuser, and returns the rows of its last statement. It may grant rights to users who have not logged in yet. */
export async function runSetUp(server: Server, catalog: Catalog, setUp: SetUp): Promise<Record<string, unknown>[]> {
  const { sql, database, users, identities } = setUp
  await catalog.createRoles('USER', [...new Set([...identities, ...(users ?? [])])])
  const created = new Set<string>()
  for (;;) {
    try {
      const results = await asSuperuser(server, database, client => client.query(sql))
      // It may have dropped roles, and made others of the same name.
      catalog.forgetAll()
      return [results].flat().at(-1)?.rows ?? []
    } catch (error) {
      const name = users === undefined ? missingRole(error) : undefined
      if (name === undefined || created.has(name)) throw error
      created.add(name)
      await catalog.createRoles(isGroup(sql, name) ? 'GROUP' : 'USER', [name])
    }
  }
}

/** Whether the statement says GROUP before the name, which may also be a part of others. */
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
