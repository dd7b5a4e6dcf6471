import type { Server } from '../../lib/emulator/postgres/server.js'
import { startServer } from '../../lib/emulator/postgres/start-server.js'

/** The environment variable with the PostgreSQL server that the emulators of a run share. */
const variable = 'REDSHIFT_EMULATOR_POSTGRES'

let server: Server | undefined

/** One PostgreSQL for the whole run, also with `--parallel`: mocha calls this once, and its workers inherit the variable. */
export async function mochaGlobalSetup(): Promise<void> {
  if (process.env[variable]) return
  server = await startServer()
  process.env[variable] = serverUrl(server)
}

export async function mochaGlobalTeardown(): Promise<void> {
  if (!server) return
  delete process.env[variable]
  await server.close()
}

/** The URL of a server, for the emulator's option `postgres`. */
export function serverUrl({ host, port, user, password, database }: Omit<Server, 'close'>): string {
  const authority = host.includes(':') ? `[${host}]` : host
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${authority}:${port}/${encodeURIComponent(database)}`
}
