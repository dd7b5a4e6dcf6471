import pg from 'pg'
import { badOption } from '../bad-option.js'

/** Where the backing PostgreSQL listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** A running PostgreSQL behind the gateway, and its superuser. */
export interface Server extends ServerAddress {
  readonly user: string
  readonly password: string
  /** A database that is always there. */
  readonly database: string
  close(): Promise<void>
}

/** A server that somebody else started, and stops. */
export function runningServer(url: string): Server {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  if (!/^postgres(ql)?:$/.test(protocol)) throw badOption('postgres', `"${protocol}//…" is not a PostgreSQL URL.`)
  return {
    host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(port || 5432),
    user: decodeURIComponent(username) || 'postgres',
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || 'postgres',
    close: async () => {},
  }
}

/** The URL that {@link runningServer} reads. */
export function serverUrl({ host, port, user, password, database }: Omit<Server, 'close'>): string {
  const authority = host.includes(':') ? `[${host}]` : host
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${authority}:${port}/${encodeURIComponent(database)}`
}

/** Runs something as the superuser, over a connection of its own that is closed afterwards. */
export async function asSuperuser<T>(
  server: Server,
  database: string,
  run: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { host, port, user, password } = server
  const client = new pg.Client({ host, port, user, password, database, ssl: false })
  // An error outside of a query is the query's, or the connection's end.
  client.on('error', () => {})
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}
