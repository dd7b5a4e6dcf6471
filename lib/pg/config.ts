import type { ClientConfig } from 'pg'
import type { ConnectionOptions, RedshiftCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import { checkWhole, isIamUser } from '../identifiers.js'
import type { RedshiftOptions } from '../options.js'
import { checkPlacement } from '../placement.js'
import { iamUser } from './login.js'
import type { RedshiftPasswordFunction } from './password.js'

/** Configuration of pg's own client, plus one key. */
export interface RedshiftPgClientConfig extends ClientConfig {
  /** Which login to fetch: options, or credentials to share. Default: all is read off the connection. */
  redshift?: RedshiftOptions | RedshiftCredentials | undefined
}

/** What `redshiftPoolOptions` has made a class of clients for. */
export interface Binding {
  readonly redshift: RedshiftCredentials
  /** The function that is among the options, for libraries that build a plain client. */
  readonly password: RedshiftPasswordFunction
}

/**
 * A configuration for a class of clients: a bound one brings its credentials, and knows its own password function.
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
  // pg-pool keeps password where a spread does not find it.
  return { ...config, redshift, password: config.password === password ? undefined : config.password }
}

/** Redshift's port, where none is given and none is looked up. */
export const REDSHIFT_PORT = 5439

/** What the configuration really says, before pg puts its fallbacks in: the system account for the user, the user for the database. */
export interface GivenConnection {
  /** Where to connect. Undefined: to be looked up. */
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

/** What a connection string says. pg parses it for itself; this tells what it leaves open. */
function readUrl(connectionString: string): ConnectionUrl {
  try {
    // Without the slashes, all of it would be a path: pg takes that for the one of a Unix socket.
    if (!/^[a-z]+:\/\//i.test(connectionString)) throw new TypeError('no URL of a host')
    // libpq's form, with the host among the parameters, is no URL by itself.
    const withHost = connectionString.replace(/^([a-z]+:\/\/[^/?#]*@)(?=[/?#]|$)/i, `$1${NO_HOST}`)
    const url = new URL(withHost)
    const { searchParams, port, pathname, username, password } = url
    // A URL that begins twice has all of itself in its path, a password included. It must not become a database, which AWS is told.
    if (/[/:]/.test(pathname.slice(1))) throw new TypeError('no name of a database')
    const hostname = url.hostname === NO_HOST ? '' : url.hostname
    const text = (value: string | null): string | undefined => (value ? decodeURIComponent(value) : undefined)
    // As in pg, a parameter wins.
    return {
      parameters: Object.fromEntries(searchParams),
      host: searchParams.get('host') || text(hostname.replace(/^\[(.+)\]$/, '$1')),
      port: searchParams.get('port') || text(port),
      database: text(pathname.slice(1)),
      user: searchParams.get('user') || text(username),
      password: searchParams.get('password') || password,
    }
  } catch {
    // Not repeated: it may hold a password.
    throw optionError(
      'connectionString cannot be parsed. Write it as postgres://IAM%3Aalice@host:5439/database, or give host, port, database and user.',
    )
  }
}

/**
 * Whom `PGUSER` holds a connection to: an IAM user, where no option names another. A plain name may be meant for other servers;
 * it is read with the request, for which AWS may need one.
 */
export const environmentUser = ({ dbUser }: ConnectionOptions): string | undefined => {
  const { PGUSER } = process.env
  return PGUSER && dbUser === undefined && isIamUser(PGUSER) ? PGUSER : undefined
}

/** As pg does, an empty one is taken for none; but one that is no port would throw when the socket is opened. */
function toPort(value: string | number | undefined): number | undefined {
  if (!value) return undefined
  checkWhole('port', Number(value), 1, 65_535)
  return Number(value)
}

/** Refuses every password that pg would use: this one is fetched. A function of ours says which login it was meant to fetch. */
function checkNoPassword(password: unknown): void {
  if (password === undefined || password === null || password === '') return
  throw optionError(
    typeof password === 'function'
      ? 'password is a function, which is not called here: the login is fetched for redshift. Leave password out, and move the options of redshiftPassword({ … }) to redshift: { … }.'
      : 'password is set. Leave it out: the password is fetched from AWS.',
  )
}

/**
 * What a configuration says of the connection: pg's own keys win over those of the source, and these over `PG*`.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function givenConnection(config: RedshiftPgClientConfig, options: ConnectionOptions): GivenConnection {
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
    // The request takes a database of the user's name for pg's fallback: this one was named.
    user: user === database ? iamUser(user, options.autoCreate) : user,
  }
}

/** TLS, verified, unless the configuration or `PGSSLMODE` says otherwise. */
export const tlsOf = (
  config: Pick<RedshiftPgClientConfig, 'ssl'>,
  options: ConnectionOptions,
): RedshiftPgClientConfig['ssl'] =>
  config.ssl !== undefined ? config.ssl : (options.ssl ?? (process.env.PGSSLMODE ? undefined : true))
