import pg from 'pg'
import type { Server } from './server.js'
import { asSuperuserWithRetries } from './superuser.js'
import { createSystemViews } from './system-views.js'

/** Creates the databases that do not exist yet. As on Redshift, everyone may create tables in their schema `public`. */
export async function createDatabases(
  server: Server,
  names: readonly string[],
  { systemViews }: { systemViews: boolean },
): Promise<void> {
  for (const name of names) {
    await asSuperuserWithRetries(server, server.database, async client => {
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
      if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
    })
    await asSuperuserWithRetries(server, name, async client => {
      const { rows } = await client.query(`SELECT has_schema_privilege('public', 'public', 'CREATE') AS open`)
      if (!rows[0]?.open) await client.query('GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC')
      if (systemViews) await createSystemViews(client)
    })
  }
}
