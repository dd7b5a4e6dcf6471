import {
  acceptLogin,
  type ConnectionOptions,
  connectionOptionsOf,
  freshLogin,
  getLogin,
  type RedshiftCredentials,
  refuseLogin,
  toCredentials,
} from '../credentials.js'
import { optionError, RedshiftCredentialsError } from '../errors.js'
import { passwordRefused } from '../identity-provider.js'
import type { RedshiftLogin } from '../login.js'
import type { RedshiftOptions } from '../options.js'
import { checkConnection } from '../placement.js'
import type { RedshiftConnection } from '../request.js'
import { checkIamUser, checkSameUser, checkTls, checkUser, placeOf } from './login.js'
import { isRefusal } from './server-messages.js'

/** The function for pg's `password` option, as {@link redshiftPassword} makes it. */
export type RedshiftPasswordFunction = (connection?: RedshiftConnection) => Promise<string>

/** What is used of the `pg.Client` that calls the function as its method. */
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

/** postgres.js and others pass nothing: then the options must say it all. */
function checkAlone(options: ConnectionOptions): void {
  checkTls(options.ssl ?? true, options)
  if (options.dbUser === undefined && options.user === undefined)
    throw optionError(
      'The password function was called without a connection, as postgres.js does. Give it the target, region, database and dbUser in its options.',
    )
}

/**
 * Where the function can see what becomes of its password: the credentials are told, so that after a refusal the next connection
 * may get another, and pg's copies of the password are wiped, which else stay in the client for the life of its connection.
 */
function followLogin(client: CallingClient, credentials: RedshiftCredentials, login: RedshiftLogin): void {
  const { connection, connectionParameters } = client
  if (!connection?.once || !connection.off) return
  const place = placeOf(client)
  const accepted = (): void => {
    acceptLogin(credentials, login, place)
    over()
  }
  const refused = (message: unknown): void => {
    if (isRefusal(message)) refuseLogin(credentials, login, place)
    over()
  }
  const over = (): void => {
    for (const [event, listener] of ends) connection.off?.(event, listener)
    client.password = null
    if (connectionParameters) connectionParameters.password = null
  }
  const ends = [
    ['errorMessage', refused],
    ['authenticationOk', accepted],
    ['end', over],
  ] as const
  for (const [event, listener] of ends) connection.once(event, listener)
}

/**
 * The function behind `redshiftPassword` and the ORM adapters.
 * @param given what the login was fetched for, where that is known better than from the connection
 * @param named the login whose user the connection names: its password serves where AWS has named another user since
 */
export function passwordFunction(
  credentials: RedshiftCredentials,
  given?: RedshiftConnection,
  named?: RedshiftLogin,
): RedshiftPasswordFunction {
  const options = connectionOptionsOf(credentials)

  // A `function`, since pg calls it as a method of the client, and before 8.19 without an argument.
  async function password(this: unknown, connection?: RedshiftConnection): Promise<string> {
    if (options.tokenLogin) throw passwordRefused('A password function')
    const client = isClient(this) ? this : undefined
    const stream = client?.connection?.stream
    try {
      const parameters = connection ?? client?.connectionParameters
      checkConnection(parameters)
      if (parameters) checkTls(stream ? stream.encrypted : parameters.ssl, options)
      if (parameters && !given) checkIamUser(parameters.user, options)
      if (!parameters && !given) checkAlone(options)
      // A library may have been told another database since.
      const target = given && parameters?.database ? { ...given, database: parameters.database } : (given ?? parameters)
      const place = client && placeOf(client)
      const current = freshLogin(credentials, target, place) ?? (await getLogin(credentials, target, place))
      // Who waited has given up. pg would keep the password; an error, it may tell a second time.
      if (stream?.destroyed) return ''
      const login = named && named.user !== current.user ? named : current
      if (parameters) checkSameUser(parameters.user, login)
      else checkUser(options.user, login)
      if (client) followLogin(client, credentials, login)
      return login.password
    } catch (error) {
      // pg rejects connect(), but leaves the socket open until the server gives up.
      if (stream) setImmediate(() => stream.destroy?.())
      throw error
    }
  }

  Object.defineProperty(password, Symbol.toPrimitive, {
    value: (hint: string): string => {
      // pg.native builds its connection string with '' + password: it would send this function's source as the password.
      if (hint === 'default')
        throw new RedshiftCredentialsError(
          'ERR_REDSHIFT_NATIVE',
          'A password function was turned into text: pg.native cannot call it. Use the JavaScript client of pg (unset NODE_PG_FORCE_NATIVE, remove pg-native).',
        )
      return 'redshiftPassword()'
    },
  })
  return password
}

/**
 * Makes the function for the `password` option of `pg.Pool`, `pg.Client`, and of what is built on them. It gives the current
 * password for each new connection. One function may serve many pools, users and databases.
 *
 * It suits a user that is known up front (`user: 'IAM:alice'`): pg names the user to the server before it asks for the
 * password. Where AWS chooses the user (serverless, roles), take `RedshiftPool` or `redshiftPoolOptions`.
 *
 * @param source options, or credentials to share. What they leave out is read off the connection: the host says cluster or
 * workgroup, and region; the user and the database are the connection's.
 * @returns a function that rejects with `RedshiftCredentialsError`: any code of {@link RedshiftCredentials.get}, and
 * `ERR_REDSHIFT_TLS` (a connection without TLS), `ERR_REDSHIFT_USER_MISMATCH` (the login is for another user than the
 * connection). Turned into text, as `pg.native` does, it throws `ERR_REDSHIFT_NATIVE`.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 *
 * @example
 * new Pool({ host, port: 5439, database: 'dev', user: 'IAM:alice', ssl: true, password: redshiftPassword() })
 */
export function redshiftPassword(source?: RedshiftOptions | RedshiftCredentials): RedshiftPasswordFunction {
  const credentials = toCredentials(source)
  if (connectionOptionsOf(credentials).tokenLogin) throw passwordRefused('redshiftPassword()')
  return passwordFunction(credentials)
}
