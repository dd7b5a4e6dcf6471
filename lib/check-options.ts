import { optionError, quoted } from './errors.js'
import { checkTokenOptions } from './identity-provider.js'
import { CHECKS, isAwsClient, type RedshiftOptions } from './options.js'
import { checkNames, checkPlain, copyPlain, isPlain } from './plain-object.js'

/** The options of pg and pg-pool, as listed in docs/options.md. Some are missing in their types. */
const PG_OPTIONS: ReadonlySet<string> = new Set(
  `Client Promise allowExitOnIdle application_name binary client_encoding connection connectionString connectionTimeoutMillis
  enableChannelBinding fallback_application_name idleTimeoutMillis idle_in_transaction_session_timeout keepAlive
  keepAliveInitialDelayMillis lock_timeout log max maxLifetimeSeconds maxUses min onConnect options password pipeline poolSize
  query_timeout replication scramMaxIterations sslnegotiation statement_timeout stream types verify`.split(/\s+/),
)

/** Options of the AWS SDK that users may put in the wrong place. */
const AWS_OPTIONS: ReadonlySet<string> = new Set(
  `credentialDefaultProvider customUserAgent defaultsMode endpoint logger maxAttempts requestHandler retryMode retryStrategy
  useDualstackEndpoint useFipsEndpoint`.split(/\s+/),
)

/** Options for the connection that pg has as well. */
const SHARED: ReadonlySet<string> = new Set(['host', 'port', 'database', 'user', 'ssl'])

/** Folds the spellings of AWS's APIs and of other drivers: `DbUser`, `db_user`. */
const fold = (name: string): string => name.replace(/[_-]/g, '').toLowerCase()

const OPTION_NAMES: ReadonlyMap<string, string> = new Map(
  Object.keys(CHECKS)
    .filter(name => !SHARED.has(name))
    .map(name => [fold(name), name]),
)

/** Options that choose an AWS identity. The first two belong to the current SDK, the others to version 2. */
const IDENTITY: ReadonlySet<string> = new Set([
  'credentials',
  'profile',
  'accessKeyId',
  'secretAccessKey',
  'sessionToken',
])

function unknownOption(option: string): Error {
  const own = OPTION_NAMES.get(fold(option))
  if (own) return optionError(`There is no option ${quoted(option)}. Use ${own}.`)
  if (option === 'password') return optionError('password is set. Leave it out: the password is fetched from AWS.')
  if (PG_OPTIONS.has(option))
    return optionError(`${option} is an option of pg. Set it next to redshift, or with the other options of pg.`)
  if (IDENTITY.has(option) || AWS_OPTIONS.has(option))
    return optionError(`${option} is an option of the AWS SDK. Set it in aws: { … }.`)
  return optionError(`There is no option ${quoted(option)}. The options are ${Object.keys(CHECKS).join(', ')}.`)
}

/**
 * Refuses options of this package and of the AWS SDK in a configuration of pg. pg would ignore them, and the login would be a different one.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function checkPlacement(config: object): void {
  for (const name of Object.getOwnPropertyNames(config)) {
    if ((config as Readonly<Record<string, unknown>>)[name] === undefined) continue
    const own = OPTION_NAMES.get(fold(name))
    if (own) throw optionError(`${name} is not an option of pg. Set it in redshift: { ${own} }.`)
    if (IDENTITY.has(name) || AWS_OPTIONS.has(name))
      throw optionError(`${name} is not an option of pg. Set it in redshift: { aws: { … } }.`)
  }
}

/**
 * Refuses a connection that names another login than the one that would be fetched: by an option of this package, by a connection string,
 * or by properties that cannot be read. Other properties have no effect. pg's own connection objects are instances of a class and are
 * accepted.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function checkConnection(connection: unknown): void {
  if (connection === undefined) return
  const isObject = typeof connection === 'object' && connection !== null
  if (isObject && !isPlain(connection) && ('host' in connection || 'database' in connection || 'user' in connection))
    return
  checkPlain('The connection', connection)
  if ('connectionString' in connection && connection.connectionString)
    throw optionError('connectionString is not read from a connection. Set host, database and user instead.')
  for (const [name, value] of Object.entries(connection)) {
    const own = value === undefined ? undefined : OPTION_NAMES.get(fold(name))
    if (own) throw optionError(`${name} is not read from a connection. Set ${own} in the options of the login.`)
  }
}

/**
 * Reads the signal from the second argument of a function that returns a login.
 * @param name the function, for messages
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, for example if the signal itself is passed
 */
export function signalOf(
  name: string,
  options: { readonly signal?: AbortSignal | null | undefined } | null | undefined,
): AbortSignal | undefined {
  if (options === undefined || options === null) return undefined
  checkNames(name, options, ['signal'])
  const signal: unknown = options.signal ?? undefined
  if (signal !== undefined && !isSignal(signal))
    throw optionError(`signal is ${quoted(signal)}. Set it to an AbortSignal, or leave it out.`)
  return signal
}

/** Not by `instanceof`, because test runners have realms, each with its own class. */
const isSignal = (value: unknown): value is AbortSignal =>
  typeof value === 'object' && value !== null && 'throwIfAborted' in value && 'addEventListener' in value

/** Refuses misplaced options in the SDK's configuration, because the SDK ignores unknown ones. */
function checkAwsPlacement(aws: object): void {
  for (const [name, value] of Object.entries(aws)) {
    if (value === undefined) continue
    if (/^(accessKeyId|secretAccessKey|sessionToken)$/.test(name))
      throw optionError(`The AWS SDK ignores aws.${name}. Set it in aws: { credentials: { … } }.`)
    const own = name === 'region' ? undefined : OPTION_NAMES.get(fold(name))
    if (own) throw optionError(`The AWS SDK ignores aws.${name}. Set ${own} next to aws.`)
  }
}

/**
 * Copies options, so that later changes of the original have no effect.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if the options are not a plain object
 */
export function copyOptions(given: RedshiftOptions): RedshiftOptions {
  checkPlain('The source of the login', given)
  const options = copyPlain(given)
  // Functions in these are providers and callbacks rather than methods, so copy these objects, too.
  const { aws, ssl, identityProvider } = options
  return {
    ...options,
    ...(isConfiguration(aws) && !isAwsClient(aws) && { aws: copyPlain(aws) }),
    ...(isConfiguration(ssl) && { ssl: copyPlain(ssl) }),
    // Copied, so that it is compared by its content. Another function means another person.
    ...(isConfiguration(identityProvider) && { identityProvider: copyPlain(identityProvider) }),
  }
}

const isConfiguration = <T>(value: T): value is T & object =>
  typeof value === 'object' && value !== null && isPlain(value)

/** Checks the options as far as possible without a connection. Throws `ERR_REDSHIFT_OPTION`. */
export function checkOptions(options: RedshiftOptions): void {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(CHECKS, option)) throw unknownOption(option)
    CHECKS[option as keyof RedshiftOptions](value)
  }
  const { aws } = options
  if (aws && !isAwsClient(aws)) checkAwsPlacement(aws)
  checkTokenOptions(options)
  if (options.clusterIdentifier !== undefined && options.workgroupName !== undefined)
    throw optionError(
      'clusterIdentifier and workgroupName are both set. Keep clusterIdentifier for a provisioned cluster, or workgroupName for a serverless workgroup.',
    )
}
