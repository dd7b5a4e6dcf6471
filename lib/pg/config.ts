import type { ClientConfig } from 'pg'
import type { ConnectionOptions, RedshiftCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import { checkInteger, isIamUser } from '../identifiers.js'
import type { RedshiftOptions } from '../options.js'
import { checkPlacement } from '../placement.js'
import { iamUser } from './login.js'
import type { RedshiftPasswordFunction } from './password.js'

/** The configuration of `pg.Client`, plus `redshift`. */
export interface RedshiftPgClientConfig extends ClientConfig {
  /** Which login to fetch: options, or credentials to share with others. Default: everything is read from the connection. */
  redshift?: RedshiftOptions | RedshiftCredentials | undefined
}

/** What `redshiftPoolOptions` binds a client class to. */
export interface Binding {
  readonly redshift: RedshiftCredentials
  /** The password function in the same options, for libraries that create a plain `pg.Client`. */
  readonly password: RedshiftPasswordFunction
}

/**
 * The configuration for a client class. A bound class adds its credentials and removes its own password function.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function boundConfig<Config extends Pick<RedshiftPgClientConfig, 'redshift' | 'password'>>(
  config: Config,
  binding: Binding | undefined,
): Config & Pick<RedshiftPgClientConfig, 'redshift'> {
  if (!binding) return config
  const { redshift, password } = binding
  if (config.redshift !== undefined && config.redshift !== redshift)
    throw optionError(
      'redshift is set beside a Client of redshiftPoolOptions, which logs in with other credentials. Leave redshift out, or leave Client out.',
    )
  // pg-pool makes password non-enumerable, so the spread does not copy it.
  return { ...config, redshift, password: config.password === password ? undefined : config.password }
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

interface ConnectionUrl {
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly database?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
}

const NO_HOST = 'no-host.invalid'

/** Parses a connection string. pg parses it, too; this shows which parts it leaves out. Throws `ERR_REDSHIFT_OPTION`. */
function readUrl(connectionString: string): ConnectionUrl {
  try {
    // Without the slashes, pg would treat the whole string as the path of a Unix socket.
    if (!/^[a-z]+:\/\//i.test(connectionString)) throw new TypeError('no URL of a host')
    // With the host among the parameters, as libpq allows, the string is not a valid URL. Insert a host.
    const withHost = connectionString.replace(/^([a-z]+:\/\/[^/?#]*@)(?=[/?#]|$)/i, `$1${NO_HOST}`)
    const url = new URL(withHost)
    const { searchParams, port, pathname, username, password } = url
    // If a URL is pasted into another one, the path contains its password. It must not be sent to AWS as a database name.
    if (/[/:]/.test(pathname.slice(1))) throw new TypeError('no name of a database')
    const hostname = url.hostname === NO_HOST ? '' : url.hostname
    const text = (value: string | null): string | undefined => (value ? decodeURIComponent(value) : undefined)
    // Parameters take precedence, as in pg.
    return {
      parameters: Object.fromEntries(searchParams),
      host: searchParams.get('host') || text(hostname.replace(/^\[(.+)\]$/, '$1')),
      port: searchParams.get('port') || text(port),
      database: text(pathname.slice(1)),
      user: searchParams.get('user') || text(username),
      password: searchParams.get('password') || password,
    }
  } catch {
    // The message does not repeat the string, which may contain a password.
    throw optionError(
      'connectionString cannot be parsed. Write it as postgres://IAM%3Aalice@host:5439/database, or give host, port, database and user.',
    )
  }
}

/**
 * The user from `PGUSER`, if it is an IAM user name and `dbUser` is not set. A plain name may be meant for other servers. The request still
 * reads it, because AWS may need a user.
 */
export const environmentUser = ({ dbUser }: ConnectionOptions): string | undefined => {
  const { PGUSER } = process.env
  return PGUSER && dbUser === undefined && isIamUser(PGUSER) ? PGUSER : undefined
}

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
  const url: ConnectionUrl = config.connectionString ? readUrl(config.connectionString) : {}
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

/** The TLS options. Default: TLS with verification, unless the configuration or `PGSSLMODE` sets something else. */
export const tlsOf = (
  config: Pick<RedshiftPgClientConfig, 'ssl'>,
  options: ConnectionOptions,
): RedshiftPgClientConfig['ssl'] =>
  config.ssl !== undefined ? config.ssl : (options.ssl ?? (process.env.PGSSLMODE ? undefined : true))
