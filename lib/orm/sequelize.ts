import type { ClientConfig } from 'pg'
import { type ConnectionOptions, type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import { passwordRefused } from '../identity-provider.js'
import type { RedshiftOptions } from '../options.js'
import { placeOf } from '../pg/config.js'
import { passwordFunction } from '../pg/password.js'
import { acceptBothNames, aliasOf } from '../pg/server-name.js'
import { checkSsl } from '../pg/tls.js'
import { checkUser, environmentUser } from '../pg/user.js'

/**
 * The properties of Sequelize's connection configuration that the hook reads and writes. Sequelize 6 has `username` and
 * `dialectOptions.ssl`, Sequelize 7 has `user` and `ssl`.
 */
interface SequelizeConfig {
  host?: string
  port?: number | string
  database?: string
  username?: string
  user?: string
  password?: unknown
  ssl?: unknown
  dialectOptions?: { ssl?: unknown }
}

/** The port that Sequelize 6 sets if none is configured. Sequelize 7 leaves it open. */
const DEFAULT_PORT = 5432

const isVersion6 = (config: SequelizeConfig): boolean => 'dialectOptions' in config

/**
 * Sets the port of the options if the configuration has none.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if Sequelize 6 would connect to its default instead
 */
function applyPort(config: SequelizeConfig, { port }: ConnectionOptions): void {
  if (port === undefined) return
  if (!config.port) config.port = port
  if (isVersion6(config) && Number(config.port) === DEFAULT_PORT && port !== DEFAULT_PORT)
    throw optionError(
      `port is ${port} in the options of the login, but Sequelize connects to ${DEFAULT_PORT}, its default. Set port: ${port} in the configuration of Sequelize.`,
    )
}

/**
 * Creates the `beforeConnect` hook for Sequelize 6 and `@sequelize/postgres` 7. It sets the current user and password for each new
 * connection, including those to replicas.
 *
 * @param source options, or credentials to share. What they leave out is read from Sequelize's configuration. Their `ssl` and `port` are
 * used if that configuration has none: `dialectOptions.ssl` in Sequelize 6, `ssl` in Sequelize 7. Sequelize 6 sets the port 5432 itself, so
 * set `port` there.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`. The hook rejects with the errors of {@link RedshiftCredentials.get}. It also
 * rejects with `ERR_REDSHIFT_TLS` if `ssl` does not turn TLS on, with `ERR_REDSHIFT_OPTION` if that is a string such as `'false'` or if
 * Sequelize 6 would connect to its default port instead of `port`, and with `ERR_REDSHIFT_USER_MISMATCH` if AWS returned a login for another
 * user than the configured one.
 *
 * @example
 * new Sequelize({ dialect: 'postgres', host, port: 5439, database, dialectOptions: { ssl: true }, hooks: { beforeConnect: redshiftBeforeConnect() } })
 */
export function redshiftBeforeConnect(
  source?: RedshiftOptions | RedshiftCredentials,
): (config: object) => Promise<void> {
  const credentials = toCredentials(source)
  const options = credentials.connectionOptions()
  if (options.tokenLogin) throw passwordRefused('redshiftBeforeConnect()')
  // Sequelize may pass the same object again, with the user that the hook set. Other properties may have changed meanwhile.
  const users = new WeakMap<object, { readonly configured: string | undefined; readonly set: string }>()

  return async (config: SequelizeConfig) => {
    // Sequelize 6 reads dialectOptions.ssl only. If PGSSLMODE is set, the password function checks the socket.
    const { ssl: configuredSsl } = isVersion6(config) ? (config.dialectOptions ?? {}) : config
    const ssl = configuredSsl === undefined ? options.ssl : configuredSsl
    checkSsl(ssl, options)
    applyPort(config, options)
    const verified = acceptBothNames(ssl as ClientConfig['ssl'], aliasOf(config.host, options.host))
    if (verified !== configuredSsl) {
      // dialectOptions is replaced rather than changed, because Sequelize may share it.
      if (isVersion6(config)) config.dialectOptions = { ...config.dialectOptions, ssl: verified }
      else config.ssl = verified
    }
    const last = users.get(config)
    const names = [config.username, config.user]
    const isUnchanged = last !== undefined && names.every(name => name === last.set)
    const configured = isUnchanged ? last.configured : names.find(name => name && name !== last?.set)
    const { host, database } = config
    const connection = { host, database, user: options.user ?? (configured || environmentUser(options)) }
    const login = await credentials.getLogin(connection, placeOf({ ...config, ssl }))
    checkUser(connection.user, login)
    config.username = config.user = login.user
    users.set(config, { configured, set: login.user })
    // A function rather than the password, because Sequelize keeps the configuration in a public property.
    config.password = passwordFunction(credentials, connection, login)
  }
}
