import type { ClientConfig } from 'pg'
import { type RedshiftCredentials, toCredentials } from '../credentials.js'
import { passwordRefused } from '../identity-provider.js'
import type { RedshiftOptions } from '../options.js'
import { placeOf } from '../pg/config.js'
import { passwordFunction } from '../pg/password.js'
import { aliasOf, verifyAlias } from '../pg/server-name.js'
import { checkSsl } from '../pg/tls.js'
import { checkUser, environmentUser } from '../pg/user.js'

/**
 * The properties of Sequelize's connection configuration that the hook reads and writes. Sequelize 6 has `username` and
 * `dialectOptions.ssl`; Sequelize 7 has `user` and `ssl`.
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
 * @param source options, or credentials to share. Sequelize's configuration supplies what they leave out.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`. The hook rejects as `RedshiftCredentials.get` does. It also rejects with
 * `ERR_REDSHIFT_TLS` if `dialectOptions.ssl` (Sequelize 6) or `ssl` (7) is not set, and with `ERR_REDSHIFT_OPTION` if it is a string such as
 * `'false'`.
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
  // Sequelize passes the same object again, with the user that the hook set last time. Other properties may have changed.
  const named = new WeakMap<object, { readonly given: string | undefined; readonly put: string }>()

  return async (config: SequelizeConfig) => {
    // Sequelize 6 reads dialectOptions.ssl only. If PGSSLMODE is set, the password function checks the socket.
    const { ssl } = 'dialectOptions' in config ? (config.dialectOptions ?? {}) : config
    checkSsl(ssl, options)
    const verified = verifyAlias(ssl as ClientConfig['ssl'], aliasOf(config.host, options.host))
    // Replace dialectOptions instead of changing it, because Sequelize may share it.
    if (verified !== ssl && 'dialectOptions' in config)
      config.dialectOptions = { ...config.dialectOptions, ssl: verified }
    else if (verified !== ssl) config.ssl = verified
    const last = named.get(config)
    const names = [config.username, config.user]
    const isOurs = last !== undefined && names.every(name => name === last.put)
    const given = isOurs ? last.given : names.find(name => name && name !== last?.put)
    const { host, database } = config
    const connection = { host, database, user: options.user ?? (given || environmentUser(options)) }
    const login = await credentials.getLogin(connection, placeOf({ ...config, ssl }))
    checkUser(connection.user, login)
    config.username = config.user = login.user
    named.set(config, { given, put: login.user })
    // Set a function rather than the password, because Sequelize keeps the configuration in a public property.
    config.password = passwordFunction(credentials, connection, login)
  }
}
