import { badOption } from '../bad-option.js'

/** The address of the backing PostgreSQL server. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** A running PostgreSQL server behind the gateway, and its superuser. */
export interface Server extends ServerAddress {
  readonly user: string
  readonly password: string
  /** A database that always exists. */
  readonly database: string
  close(): Promise<void>
}

/** A server that was not started by the emulator, and is not stopped by it. */
export function runningServer(url: string): Server {
  // Node's own error would contain the URL, and the URL a password.
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol))
    throw badOption('postgres', 'the value is not a PostgreSQL URL. Use postgres://user:password@host:port/database.')
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(port || 5432),
    user: decodeURIComponent(username) || 'postgres',
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || 'postgres',
    close: async () => {},
  }
}
