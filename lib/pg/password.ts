import { checkConnection } from '../check-options.js'
import type { RedshiftConnection } from '../connection.js'
import { type ConnectionOptions, type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError, RedshiftCredentialsError } from '../errors.js'
import { passwordRefused } from '../identity-provider.js'
import type { RedshiftLogin } from '../login.js'
import type { RedshiftOptions } from '../options.js'
import { placeOf } from './config.js'
import { isRefusal } from './server-messages.js'
import { checkTls } from './tls.js'
import { checkIamUser, checkSameUser, checkUser } from './user.js'

/** The function for pg's `password` option that {@link redshiftPassword} returns. It resolves to the current password. */
export type RedshiftPasswordFunction = (connection?: RedshiftConnection) => Promise<string>

/** The members of the calling `pg.Client` that are used here. pg calls the function as a method of the client. */
interface CallingClient {
  password?: unknown
  readonly host?: unknown
  readonly port?: unknown
  readonly database?: unknown
  readonly ssl?: unknown
  readonly connectionParameters?: RedshiftConnection & { password?: unknown }
  readonly connection?: {
    readonly stream?: { readonly encrypted?: boolean; readonly destroyed?: boolean; destroy?(): void }
    once?(event: string, listener: (message: unknown) => void): void
    off?(event: string, listener: (message: unknown) => void): void
  }
}

const isClient = (value: unknown): value is CallingClient =>
  typeof value === 'object' && value !== null && 'connectionParameters' in value

/** Checks that the options are complete for a call without a connection, as from postgres.js. */
function checkOptionsWithoutConnection(options: ConnectionOptions): void {
  checkTls(options.ssl ?? true, options)
  if (options.dbUser === undefined && options.user === undefined)
    throw optionError(
      'The password function was called without a connection, as postgres.js does. Set the target, region, database and dbUser in its options.',
    )
}

/**
 * Reports to the credentials whether the server accepts the login. After a refusal, the next connection can then get another login. Also
 * clears pg's copies of the password, which pg would keep as long as the connection is open.
 */
function watchLogin(client: CallingClient, credentials: RedshiftCredentials, login: RedshiftLogin): void {
  const { connection, connectionParameters } = client
  if (!connection?.once || !connection.off) return
  const place = placeOf(client)
  const onAccepted = (): void => {
    credentials.acceptLogin(login, place)
    finish()
  }
  const onError = (message: unknown): void => {
    if (isRefusal(message)) credentials.refuseLogin(login, place)
    finish()
  }
  const finish = (): void => {
    for (const [event, listener] of listeners) connection.off?.(event, listener)
    client.password = null
    if (connectionParameters) connectionParameters.password = null
  }
  const listeners = [
    ['errorMessage', onError],
    ['authenticationOk', onAccepted],
    ['end', finish],
  ] as const
  for (const [event, listener] of listeners) connection.once(event, listener)
}

/**
 * Creates the function behind `redshiftPassword` and the ORM adapters.
 * @param settings the configured connection. It overrides what pg passes, apart from the database.
 * @param userLogin the login that the connection's user is from. Its password is returned if AWS has chosen another user since.
 */
export function passwordFunction(
  credentials: RedshiftCredentials,
  settings?: RedshiftConnection,
  userLogin?: RedshiftLogin,
): RedshiftPasswordFunction {
  const options = credentials.connectionOptions()
  // The connections of a pool have the same user, and a name is checked once.
  let checkedUser: string | null | undefined

  // A `function` rather than an arrow, because pg calls it as a method of the client, and before 8.19 without an argument.
  async function password(this: unknown, connection?: RedshiftConnection): Promise<string> {
    if (options.tokenLogin) throw passwordRefused('A password function')
    const client = isClient(this) ? this : undefined
    const stream = client?.connection?.stream
    try {
      const parameters = connection ?? client?.connectionParameters
      checkConnection(parameters)
      if (parameters) checkTls(stream ? stream.encrypted : parameters.ssl, options)
      if (parameters && !settings && parameters.user !== checkedUser) {
        checkIamUser(parameters.user, options)
        checkedUser = parameters.user
      }
      if (!parameters && !settings) checkOptionsWithoutConnection(options)
      // A library may connect to another database than the configured one.
      const database = parameters?.database
      const target = settings && database ? { ...settings, database } : (settings ?? parameters)
      const place = client && placeOf(client)
      const current = credentials.freshLogin(target, place) ?? (await credentials.getLogin(target, place))
      // The caller timed out. Returning a password would leave it on the client; throwing could report a second error.
      if (stream?.destroyed) return ''
      const login = userLogin && userLogin.user !== current.user ? userLogin : current
      if (parameters) checkSameUser(parameters.user, login)
      else checkUser(options.user, login)
      if (client) watchLogin(client, credentials, login)
      return login.password
    } catch (error) {
      // The connection has failed already, and pg has reported that. It would report this error as well.
      if (stream?.destroyed) return ''
      // pg rejects connect() but leaves the socket open until the server closes it.
      if (stream) setImmediate(() => stream.destroy?.())
      throw error
    }
  }

  Object.defineProperty(password, Symbol.toPrimitive, {
    value: (hint: string): string => {
      // pg.native builds its connection string with '' + password, which would send the source of this function as the password.
      if (hint === 'default')
        throw new RedshiftCredentialsError(
          'ERR_REDSHIFT_NATIVE',
          'pg.native cannot call a password function. Use the JavaScript client of pg: unset NODE_PG_FORCE_NATIVE and remove pg-native.',
        )
      return 'redshiftPassword()'
    },
  })
  return password
}

/**
 * Creates a function for the `password` option of `pg.Pool`, `pg.Client` and libraries built on them. It returns the current password for
 * each new connection. One function can serve many pools, users and databases.
 *
 * Use it if the user is known in advance (`user: 'IAM:alice'`), because pg sends the user to the server before it asks for the password. If
 * AWS chooses the user (serverless, roles), use `RedshiftPool` or `redshiftPoolOptions`.
 *
 * @param source options, or credentials to share. What they leave out is read from the connection: the target and the region from its
 * host, the user and the database.
 * @returns a function that resolves to the password. It rejects with `RedshiftCredentialsError`: any code of
 * {@link RedshiftCredentials.get}, `ERR_REDSHIFT_TLS` if the connection is not encrypted, or `ERR_REDSHIFT_USER_MISMATCH` if AWS returned
 * a login for another user. It throws `ERR_REDSHIFT_NATIVE` if it is converted to a string, as `pg.native` does.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 *
 * @example
 * new Pool({ host, port: 5439, database: 'dev', user: 'IAM:alice', ssl: true, password: redshiftPassword() })
 */
export function redshiftPassword(source?: RedshiftOptions | RedshiftCredentials): RedshiftPasswordFunction {
  const credentials = toCredentials(source)
  if (credentials.connectionOptions().tokenLogin) throw passwordRefused('redshiftPassword()')
  return passwordFunction(credentials)
}
