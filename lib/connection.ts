import { optionError, quoted } from './errors.js'

/** The connection that a login is for: pg's `ConnectionParameters`, or any object with these properties. */
export interface RedshiftConnection {
  /** The host, from which the target and the region are read. An option `host` must agree with it. Default: `PGHOST`. */
  readonly host?: string | null | undefined
  /** The port. It does not affect which login is fetched. */
  readonly port?: number | string | null | undefined
  /** The database that the connection opens, and that the login is fetched for. Default: `PGDATABASE`. */
  readonly database?: string | null | undefined
  /** The user, such as `IAM:alice`. Default: `PGUSER`; without it, AWS chooses the user. */
  readonly user?: string | null | undefined
  /** pg's `ssl`. A password function refuses a connection without TLS. */
  readonly ssl?: unknown
}

/** The properties of a connection that a request depends on, each read once. */
export interface ReadConnection extends Pick<RedshiftConnection, 'host' | 'database' | 'user'> {
  /** Whether the database may be pg's fallback: the name of the user, if no database is configured. */
  readonly mayBeFallback?: boolean | undefined
}

/** Reads a property of a connection. An empty string counts as missing, as in pg. Throws `ERR_REDSHIFT_OPTION`. */
export function readConnection(connection: RedshiftConnection, name: 'host' | 'database' | 'user'): string | undefined {
  const value: unknown = connection[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string')
    throw optionError(
      `The ${name} of the connection is ${quoted(value)}, not a string. Set it to a string, or leave it out.`,
    )
  // A zero byte ends a string in the start-up packet, so the rest would be read as parameters.
  if (value.includes('\0')) throw optionError(`The ${name} of the connection contains a NUL byte. Remove that byte.`)
  return value
}
