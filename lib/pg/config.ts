import type { ClientConfig } from 'pg'
import { checkPlacement } from '../check-options.js'
import { readConnection } from '../connection.js'
import type { ConnectionOptions, RedshiftCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import { checkInteger } from '../identifiers.js'
import type { RedshiftOptions } from '../options.js'
import { type ConnectionParts, parseConnectionString } from './connection-string.js'
import { environmentUser } from './user.js'

/** The configuration of `pg.Client`, plus `redshift`. */
export interface RedshiftPgClientConfig extends ClientConfig {
  /** Which login to fetch: options, or credentials to share with others. Default: everything is read from the connection. */
  redshift?: RedshiftOptions | RedshiftCredentials | undefined
}

/** Redshift's default port. */
export const REDSHIFT_PORT = 5439

/** The configured connection, without pg's fallbacks: the operating system's account as the user, and the user as the database. */
export interface ConnectionSettings {
  /** The host to connect to. Undefined if the client has to look it up. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly database: string
  readonly user: string | undefined
}

/** What distinguishes a place. The host and the port may have any type, because pg does not check them. */
interface Place {
  readonly host?: unknown
  readonly port?: unknown
  readonly database?: unknown
  readonly ssl?: unknown
}

/** Identifies the place that a client logs in to: server, database and TLS. Another place may accept a login that this one refused. */
export const placeOf = ({ host, port, database, ssl }: Place): string =>
  JSON.stringify([host, Number(port), database, Boolean(ssl)])

/** Parses a port. An empty value counts as missing, as in pg. An invalid port is refused here, because opening the socket would throw. */
function toPort(value: string | number | undefined, name = 'port'): number | undefined {
  if (!value) return undefined
  // The message quotes a string that is not a number.
  const port = typeof value === 'string' && !Number.isNaN(Number(value)) ? Number(value) : value
  checkInteger(name, port, 1, 65_535)
  return port
}

/** The names of a connection. Any other value than a string is refused here, because pg and Node would throw errors of their own. */
const NAMES = ['host', 'database', 'user'] as const

/** Refuses a configured password, because the password is fetched from AWS. */
function checkNoPassword(password: unknown): void {
  if (password === undefined || password === null || password === '') return
  throw optionError(
    typeof password === 'function'
      ? 'password is a function, which is not called here. Leave password out, and move the options of redshiftPassword({ … }) to redshift: { … }.'
      : 'password is set. Leave it out: the password is fetched from AWS.',
  )
}

/**
 * Reads the connection from a configuration. pg's own options come before those of `redshift`, and these before the `PG*` variables. Where
 * they contradict each other about the cluster, the database or the user, the request or the login is refused later.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function connectionSettings(config: RedshiftPgClientConfig, options: ConnectionOptions): ConnectionSettings {
  const url: ConnectionParts = config.connectionString ? parseConnectionString(config.connectionString) : {}
  checkNoPassword(config.password)
  // Values such as false count as missing, as in pg.
  for (const name of NAMES) if (config[name]) readConnection(config, name)
  checkPlacement(config)
  checkPlacement(url.parameters ?? {})
  if (url.password)
    throw optionError(
      'connectionString contains a password. Remove it: the password is fetched from AWS, and the colon in a user such as IAM:alice must be written as %3A.',
    )
  const { PGHOST, PGPORT, PGDATABASE } = process.env
  const database = url.database || config.database || options.database || options.dbName || PGDATABASE
  if (!database)
    throw optionError('No database is set, and pg would use the name of the user. Set database or PGDATABASE.')
  if (options.tokenLogin && (url.user || config.user))
    throw optionError('user is set, but the token identifies the person. Leave user out of the configuration of pg.')
  const user = options.tokenLogin ? undefined : url.user || config.user || options.user || environmentUser(options)
  return {
    host: url.host || config.host || options.host || PGHOST || undefined,
    port: toPort(url.port) ?? toPort(config.port) ?? options.port ?? toPort(PGPORT, 'PGPORT'),
    database,
    user,
  }
}
