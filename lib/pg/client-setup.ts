import type pg from 'pg'
import { copyOptions } from '../check-options.js'
import { RedshiftCredentials } from '../credentials.js'
import { optionError, RedshiftCredentialsError } from '../errors.js'
import type { TokenLogin } from '../identity-provider.js'
import type { RedshiftOptions } from '../options.js'
import { checkPlain, isSame } from '../plain-object.js'
import { type Binding, boundConfig } from './binding.js'
import { type ConnectionSettings, connectionSettings, type RedshiftPgClientConfig } from './config.js'
import { isNative, parseEarly, sslOf } from './internals.js'
import { aliasOf, type ServerAlias, withoutOwnCheck } from './server-name.js'
import { checkSsl, tlsOf } from './tls.js'

/** The checked configuration of a client. */
export interface ClientSetup {
  /** The configuration for pg's own constructor. */
  readonly pgConfig: pg.ClientConfig
  readonly credentials: RedshiftCredentials
  readonly settings: ConnectionSettings
  /** Undefined if pg connects to the cluster's own host. */
  readonly alias: ServerAlias | undefined
  /** Undefined for a login with a password. */
  readonly tokenLogin: TokenLogin | undefined
  /** In milliseconds; 0 for no limit. */
  readonly connectionTimeoutMillis: number
}

/** A configuration that `connect()` rejects with `error`. If the constructor threw, `pool.connect()` would throw instead of rejecting. */
export interface InvalidSetup {
  readonly pgConfig: pg.ClientConfig
  readonly error: unknown
}

/** Checks a configuration as far as possible before anything is sent. Never throws. */
export function setUpClient(
  config: string | RedshiftPgClientConfig,
  Base: typeof pg.Client,
  binding: Binding | undefined,
): ClientSetup | InvalidSetup {
  try {
    const own = typeof config === 'string' ? { connectionString: config } : config
    checkPlain('The configuration of the client', own)
    return checkedSetup(boundConfig(own, binding), Base)
  } catch (error) {
    // Fixed values, because pg's own constructor throws for some environment variables about TLS.
    return { pgConfig: { ssl: true, sslnegotiation: 'postgres' }, error }
  }
}

function checkedSetup(own: RedshiftPgClientConfig, Base: typeof pg.Client): ClientSetup {
  const { redshift, password: _, ...config } = own
  const credentials = sharedCredentials(redshift)
  const options = credentials.connectionOptions()
  const settings = connectionSettings(own, options)
  const { connectionTimeoutMillis = 0, connectionString, sslnegotiation } = config
  const ssl = withoutOwnCheck(tlsOf(config, options))
  // The attempt's own timer replaces pg's, because it must also cover the look-up and the second connection.
  const pgConfig = { ...config, ssl, connectionTimeoutMillis: 0 }
  if (connectionString || sslnegotiation || process.env.PGSSLNEGOTIATION || isSealed(ssl)) parseEarly(Base, pgConfig)
  // pg-pool passes its own options, which always contain maxUses and are public: pool.options.redshift.
  if ('maxUses' in config) checkNoKeys(redshift)
  const { tokenLogin } = options
  const alias = aliasOf(settings.host, options.host)
  return { pgConfig, credentials, settings, alias, tokenLogin, connectionTimeoutMillis }
}

/** Refuses AWS keys in the options of a `pg.Pool`, because logging or inspecting the pool would show them. */
function checkNoKeys(source: RedshiftOptions | RedshiftCredentials | undefined): void {
  const { credentials } = Object((source as RedshiftOptions | undefined)?.aws) as { credentials?: unknown }
  if (typeof credentials === 'object' && credentials !== null && 'secretAccessKey' in credentials)
    throw optionError(
      'redshift.aws.credentials contains AWS keys, which other code can read in the options of this pool. Set redshift: new RedshiftCredentials({ … }), or use RedshiftPool.',
    )
}

/** Whether TLS options are sealed. pg throws when it tries to hide their key. */
const isSealed = (ssl: unknown): boolean => typeof ssl === 'object' && ssl !== null && Object.isSealed(ssl)

/**
 * Checks the configuration as pg has parsed it.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_NATIVE`, `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TLS`
 */
export function checkClient(client: pg.Client, { credentials }: ClientSetup): void {
  if (isNative(client))
    throw new RedshiftCredentialsError(
      'ERR_REDSHIFT_NATIVE',
      'pg.native cannot use a fetched login. Use the JavaScript client of pg: unset NODE_PG_FORCE_NATIVE and remove pg-native.',
    )
  checkSsl(sslOf(client), credentials.connectionOptions())
}

/** Credentials, with the options and variables that they were created from. */
interface SharedCredentials {
  readonly options: RedshiftOptions
  readonly environment: object
  readonly credentials: RedshiftCredentials
}

// pg-pool creates many clients from the same options object. They share one RedshiftCredentials while the options stay the same.
const shared = new WeakMap<object, SharedCredentials>()

const NO_OPTIONS: RedshiftOptions = {}

function sharedCredentials(source: RedshiftOptions | RedshiftCredentials = NO_OPTIONS): RedshiftCredentials {
  if (RedshiftCredentials.isInstance(source)) return source
  const options = copyOptions(source)
  const environment = awsEnvironment()
  const known = shared.get(source)
  if (known && isSame(known.options, options) && isSame(known.environment, environment)) return known.credentials
  const credentials = new RedshiftCredentials(options)
  shared.set(source, { options, environment, credentials })
  return credentials
}

/** The environment variables that the AWS SDK reads for its identity and region. */
const awsEnvironment = (): object =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_')))
