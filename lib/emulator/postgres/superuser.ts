import pg from 'pg'
import type { Server } from './server.js'

/**
 * SQLSTATEs that another emulator on the same server can cause: the object exists by now, its row was just updated, or another CREATE
 * DATABASE uses the template database.
 */
const concurrencyStates = ['42710', '42P04', '23505', 'XX000', '55006', '40P01']

/** Runs something as the superuser, on its own connection. */
export async function asSuperuser<T>(
  server: Server,
  database: string,
  run: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { host, port, user, password } = server
  const client = new pg.Client({ host, port, user, password, database, ssl: false })
  // Queries report their own errors. Without a listener, any other error would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

/** Like {@link asSuperuser}, but retries if another emulator on the same server interfered. */
export async function asSuperuserWithRetries(
  server: Server,
  database: string,
  run: (client: pg.Client) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await asSuperuser(server, database, run)
    } catch (error) {
      const state = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (attempt === 10 || !concurrencyStates.includes(state)) throw error
      await new Promise(resolve => setTimeout(resolve, 20 * attempt * Math.random()))
    }
  }
}
