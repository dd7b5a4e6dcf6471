import { optionError } from '../errors.js'

/*
 * This does not use `pg-connection-string`, which pg itself uses. That reads the files of `sslrootcert`, `sslcert` and `sslkey` when it
 * parses, in the constructor of a pool too, where pg would not read them. It also accepts any string: without a scheme, it reads the host
 * as "base", and a URL inside a URL as a database name that contains the password.
 */

/** The parts of a connection string. Those that it leaves out are undefined, where pg would use its defaults. */
export interface ConnectionParts {
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly database?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
}

const PLACEHOLDER_HOST = 'no-host.invalid'

/**
 * Parses a connection string.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function parseConnectionString(connectionString: string): ConnectionParts {
  try {
    // Without the slashes, pg would use the whole string as the path of a Unix socket.
    if (!/^[a-z]+:\/\//i.test(connectionString)) throw new TypeError('not a URL with a host')
    // With the host among the parameters, as libpq allows, the string is not a valid URL. Insert a host.
    const withHost = connectionString.replace(/^([a-z]+:\/\/[^/?#]*@)(?=[/?#]|$)/i, `$1${PLACEHOLDER_HOST}`)
    const url = new URL(withHost)
    const { port, pathname, username, password } = url
    // Of several parameters with the same name, the last one counts, as in pg.
    const parameters = Object.fromEntries(url.searchParams)
    // If a URL is pasted into another one, the path contains its password. It must not be sent to AWS as a database name.
    if (/[/:]/.test(pathname.slice(1))) throw new TypeError('not a database name')
    const hostname = url.hostname === PLACEHOLDER_HOST ? '' : url.hostname
    // Parameters take precedence, as in pg.
    return {
      parameters,
      host: parameters.host || decode(hostname.replace(/^\[(.+)\]$/, '$1')),
      port: parameters.port || port,
      database: decode(pathname.slice(1)),
      user: parameters.user || decode(username),
      password: parameters.password || password,
    }
  } catch {
    // The message does not repeat the string, which may contain a password.
    throw optionError(
      'connectionString cannot be parsed. Write it as postgres://IAM%3Aalice@host:5439/database, or set host, port, database and user.',
    )
  }
}

const decode = (part: string): string | undefined => (part ? decodeURIComponent(part) : undefined)
