import type { ClientConfig } from 'pg'
import type { ConnectionOptions, RedshiftCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import { checkInteger } from '../identifiers.js'
import type { RedshiftOptions } from '../options.js'
import { checkPlacement } from '../placement.js'
import { type ConnectionParts, parseConnectionString } from './connection-string.js'
import { environmentUser, iamUser } from './user.js'

/** The configuration of `pg.Client`, plus `redshift`. */
export interface RedshiftPgClientConfig extends ClientConfig {
  /** Which login to fetch: options, or credentials to share with others. Default: everything is read from the connection. */
  redshift?: RedshiftOptions | RedshiftCredentials | undefined
}

/** Redshift's default port. */
export const REDSHIFT_PORT = 5439

/** The connection as configured, without pg's fallbacks: the operating system's account for the user, the user for the database. */
export interface ConnectionSettings {
  /** The host to connect to; undefined if it is to be looked up. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly database: string
  readonly user: string | undefined
}

/** Identifies a place: a server, database and TLS setting. A place's verdict on a login does not apply to other places. */
export const placeOf = (to: { host?: unknown; port?: unknown; database?: unknown; ssl?: unknown }): string =>
  JSON.stringify([to.host, Number(to.port), to.database, Boolean(to.ssl)])

/** Parses a port. An empty value counts as missing, as in pg. An invalid one is rejected here, because opening the socket would throw. */
function toPort(value: string | number | undefined): number | undefined {
  if (!value) return undefined
  checkInteger('port', Number(value), 1, 65_535)
  return Number(value)
}

/** Refuses a configured password, because the password is fetched. The error for a function explains where its options belong. */
function checkNoPassword(password: unknown): void {
  if (password === undefined || password === null || password === '') return
  throw optionError(
    typeof password === 'function'
      ? 'password is a function, which is not called here: the login is fetched for redshift. Leave password out, and move the options of redshiftPassword({ … }) to redshift: { … }.'
      : 'password is set. Leave it out: the password is fetched from AWS.',
  )
}

/**
 * Reads the connection from a configuration. pg's own keys override those of `redshift`, and these override `PG*`.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function connectionSettings(config: RedshiftPgClientConfig, options: ConnectionOptions): ConnectionSettings {
  const url: ConnectionParts = config.connectionString ? parseConnectionString(config.connectionString) : {}
  checkNoPassword(config.password)
  checkPlacement(config)
  checkPlacement(url.parameters ?? {})
  if (url.password)
    throw optionError(
      'connectionString holds a password. Take it out: the password is fetched from AWS. The colon in a user such as IAM:alice is written %3A.',
    )
  const { PGHOST, PGPORT, PGDATABASE } = process.env
  const database = url.database || config.database || options.database || options.dbName || PGDATABASE
  if (!database)
    throw optionError("No database is named, and pg would fall back to the user's name. Set database, or PGDATABASE.")
  if (options.tokenLogin && (url.user || config.user))
    throw optionError('user is set, but the token names the person. Leave user out of the configuration of pg.')
  const user = options.tokenLogin ? undefined : url.user || config.user || options.user || environmentUser(options)
  return {
    host: url.host || config.host || options.host || PGHOST || undefined,
    port: toPort(url.port) ?? toPort(config.port) ?? options.port ?? toPort(PGPORT),
    database,
    // The request mistakes a database with the user's name for pg's fallback. The prefix makes them differ.
    user: user === database ? iamUser(user, options.autoCreate) : user,
  }
}
