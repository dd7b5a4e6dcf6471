import type { ClientConfig } from 'pg'
import { type RedshiftCredentials, toCredentials } from '../credentials.js'
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

/**
 * Creates the `beforeConnect` hook for Sequelize 6 and `@sequelize/postgres` 7. It sets the current user and password for each new
 * connection, including those to replicas.
 *
 * @param source options, or credentials to share. What they leave out is read from Sequelize's configuration.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`. The hook rejects with the errors of {@link RedshiftCredentials.get}. It also
 * rejects with `ERR_REDSHIFT_TLS` if `dialectOptions.ssl` (Sequelize 6) or `ssl` (Sequelize 7) does not turn TLS on, with
 * `ERR_REDSHIFT_OPTION` if that is a string such as `'false'`, and with `ERR_REDSHIFT_USER_MISMATCH` if AWS returned a login for another
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
    const { ssl } = 'dialectOptions' in config ? (config.dialectOptions ?? {}) : config
    checkSsl(ssl, options)
    const verified = acceptBothNames(ssl as ClientConfig['ssl'], aliasOf(config.host, options.host))
    // dialectOptions is replaced rather than changed, because Sequelize may share it.
    if (verified !== ssl && 'dialectOptions' in config)
      config.dialectOptions = { ...config.dialectOptions, ssl: verified }
    else if (verified !== ssl) config.ssl = verified
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
