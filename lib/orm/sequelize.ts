import type { ClientConfig } from 'pg'
import { connectionOptionsOf, getLogin, type RedshiftCredentials, toCredentials } from '../credentials.js'
import { passwordRefused } from '../identity-provider.js'
import type { RedshiftOptions } from '../options.js'
import { environmentUser } from '../pg/config.js'
import { checkSsl, checkUser, placeOf } from '../pg/login.js'
import { passwordFunction } from '../pg/password.js'
import { aliasOf, verifyAlias } from '../pg/server-name.js'

/**
 * What the hook reads and writes of Sequelize's configuration for one connection. Sequelize 6 calls the user `username` and
 * keeps TLS in `dialectOptions`; 7 calls it `user`, with `ssl` beside it.
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
 * The `beforeConnect` hook for Sequelize 6 and `@sequelize/postgres` 7: it puts the current user and password into each new
 * connection, for every replica too.
 *
 * @param source options, or credentials to share. What they leave out is read off Sequelize's configuration.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`. The hook rejects as `RedshiftCredentials.get` does, and with
 * `ERR_REDSHIFT_TLS` where `dialectOptions.ssl` (6) or `ssl` (7) is not set, `ERR_REDSHIFT_OPTION` where it is a text such as `'false'`.
 *
 * @example
 * new Sequelize({ dialect: 'postgres', host, port: 5439, database, dialectOptions: { ssl: true }, hooks: { beforeConnect: redshiftBeforeConnect() } })
 */
export function redshiftBeforeConnect(
  source?: RedshiftOptions | RedshiftCredentials,
): (config: object) => Promise<void> {
  const credentials = toCredentials(source)
  const options = connectionOptionsOf(credentials)
  if (options.tokenLogin) throw passwordRefused('redshiftBeforeConnect()')
  // Sequelize passes the same object again, with the user that was put in the last time. All else may have changed since.
  const named = new WeakMap<object, { readonly given: string | undefined; readonly put: string }>()

  return async (config: SequelizeConfig) => {
    // Sequelize 6 ignores the other one. What PGSSLMODE comes to, the password function sees on the socket.
    const { ssl } = 'dialectOptions' in config ? (config.dialectOptions ?? {}) : config
    checkSsl(ssl, options)
    const verified = verifyAlias(ssl as ClientConfig['ssl'], aliasOf(config.host, options.host))
    // Sequelize may share this object with others: it is replaced, not changed.
    if (verified !== ssl && 'dialectOptions' in config)
      config.dialectOptions = { ...config.dialectOptions, ssl: verified }
    else if (verified !== ssl) config.ssl = verified
    const last = named.get(config)
    const names = [config.username, config.user]
    const isOurs = last !== undefined && names.every(name => name === last.put)
    const given = isOurs ? last.given : names.find(name => name && name !== last?.put)
    const { host, database } = config
    const connection = { host, database, user: options.user ?? (given || environmentUser(options)) }
    const login = await getLogin(credentials, connection, placeOf({ ...config, ssl }))
    checkUser(connection.user, login)
    config.username = config.user = login.user
    named.set(config, { given, put: login.user })
    // The function, not the password: Sequelize keeps the configuration where everybody can see it.
    config.password = passwordFunction(credentials, connection, login)
  }
}
