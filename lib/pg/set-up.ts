import type pg from 'pg'
import { RedshiftCredentials } from '../credentials.js'
import { optionError, RedshiftCredentialsError } from '../errors.js'
import type { TokenLogin } from '../identity-provider.js'
import { checkPlain, isSame } from '../intake.js'
import type { RedshiftOptions } from '../options.js'
import { copyOptions } from '../placement.js'
import { type Binding, boundConfig } from './binding.js'
import { type ConnectionSettings, connectionSettings, type RedshiftPgClientConfig } from './config.js'
import { dryRun, isNative, sslOf } from './internals.js'
import { type Alias, aliasOf } from './server-name.js'
import { checkSsl, tlsOf } from './tls.js'

/** The checked configuration of a client. */
export interface ClientSetUp {
  /** The configuration for pg's own constructor. */
  readonly pgConfig: pg.ClientConfig
  readonly credentials: RedshiftCredentials
  readonly given: ConnectionSettings
  /** Set if the host is not the cluster's own name. */
  readonly alias: Alias | undefined
  /** Undefined for a login with a password. */
  readonly tokenLogin: TokenLogin | undefined
  /** In milliseconds; 0 for no limit. */
  readonly connectionTimeoutMillis: number
}

/** A configuration that `connect()` rejects. If the constructor threw, `pool.connect()` would throw instead of rejecting. */
export interface RefusedSetUp {
  readonly pgConfig: pg.ClientConfig
  readonly refused: unknown
}

/** Checks everything that can be checked before anything is sent. Never throws. */
export function setUpClient(
  config: string | RedshiftPgClientConfig,
  Base: typeof pg.Client,
  binding: Binding | undefined,
): ClientSetUp | RefusedSetUp {
  try {
    const given = typeof config === 'string' ? { connectionString: config } : config
    checkPlain('The configuration of the client', given)
    return setUp(boundConfig(given, binding), Base)
  } catch (refused) {
    // Fixed values, because pg's own constructor throws for some environment variables about TLS.
    return { pgConfig: { ssl: true, sslnegotiation: 'postgres' }, refused }
  }
}

function setUp({ redshift, password, ...config }: RedshiftPgClientConfig, Base: typeof pg.Client): ClientSetUp {
  const credentials = sharedCredentials(redshift, redshift ?? shared)
  const options = credentials.connectionOptions()
  const given = connectionSettings({ ...config, password }, options)
  const { connectionTimeoutMillis = 0, connectionString, sslnegotiation } = config
  // Our own timer replaces pg's, because it must also cover the look-up and the second attempt.
  const ssl = tlsOf(config, options)
  const pgConfig = { ...config, ssl, connectionTimeoutMillis: 0 }
  if (connectionString || sslnegotiation || process.env.PGSSLNEGOTIATION || isSealed(ssl)) dryRun(Base, pgConfig)
  // pg-pool passes its own options, which contain maxUses. `redshift` stays readable in them.
  if ('maxUses' in config) checkNoKeys(redshift)
  const { tokenLogin } = options
  const alias = aliasOf(given.host, options.host)
  return { pgConfig, credentials, given, alias, tokenLogin, connectionTimeoutMillis }
}

/** Refuses AWS keys in the options of a stock pool, because logging or inspecting the pool would show them. */
function checkNoKeys(source: RedshiftOptions | RedshiftCredentials | undefined): void {
  const { credentials } = Object((source as RedshiftOptions | undefined)?.aws) as { credentials?: unknown }
  if (typeof credentials === 'object' && credentials !== null && 'secretAccessKey' in credentials)
    throw optionError(
      'redshift.aws.credentials holds AWS keys, which anyone can read in the options of this pool. Set redshift: new RedshiftCredentials({ … }), or use RedshiftPool.',
    )
}

/** Whether these TLS options are sealed. pg throws when it tries to hide their key. */
const isSealed = (ssl: unknown): boolean => typeof ssl === 'object' && ssl !== null && Object.isSealed(ssl)

/**
 * Checks the configuration as pg has parsed it.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_NATIVE`, `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TLS`
 */
export function checkClient(client: pg.Client, { credentials }: ClientSetUp): void {
  if (isNative(client))
    throw new RedshiftCredentialsError(
      'ERR_REDSHIFT_NATIVE',
      'pg.native cannot log in with a fetched pair. Use the JavaScript client of pg (unset NODE_PG_FORCE_NATIVE, remove pg-native).',
    )
  checkSsl(sslOf(client), credentials.connectionOptions())
}

/** Credentials, and what they were made from. */
interface Shared {
  readonly options: RedshiftOptions
  readonly environment: object
  readonly credentials: RedshiftCredentials
}

// pg-pool creates many clients from the same options object. They share one RedshiftCredentials while the options stay the same.
const shared = new WeakMap<object, Shared>()

function sharedCredentials(source: RedshiftOptions | RedshiftCredentials = {}, key: object = source) {
  if (RedshiftCredentials.isInstance(source)) return source
  const options = copyOptions(source)
  const environment = awsEnvironment()
  const known = shared.get(key)
  if (known && isSame(known.options, options) && isSame(known.environment, environment)) return known.credentials
  const credentials = new RedshiftCredentials(options)
  shared.set(key, { options, environment, credentials })
  return credentials
}

/** The environment variables that the AWS SDK reads for its identity and region. */
const awsEnvironment = (): object =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_')))
