import type { PoolConfig } from 'pg'
import { connectionOptionsOf, findAddress, peekLogin, type RedshiftCredentials, toCredentials } from '../credentials.js'
import type { RedshiftOptions } from '../options.js'
import { type GivenConnection, givenConnection, REDSHIFT_PORT, tlsOf } from '../pg/config.js'
import { checkTls, checkUser } from '../pg/login.js'
import { passwordFunction, type RedshiftPasswordFunction } from '../pg/password.js'

/** What Knex's `connection` function resolves to. */
export interface RedshiftKnexConnection {
  host: string
  port: number
  database: string
  user: string
  ssl: PoolConfig['ssl']
  password: RedshiftPasswordFunction
  /** True once AWS has chosen another user. A new password of the same user is fetched at each connect. */
  expirationChecker: () => boolean
}

/** pg's own options, which win over those of the source. */
export type RedshiftKnexOptions = Omit<PoolConfig, 'Client' | 'password' | 'connectionString'>

/**
 * The function for Knex's `connection`. A rotation of the same user throws no live connection away; another user does.
 *
 * @param source options, or credentials to share
 * @param pgOptions pg's own options; they win
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TLS`. The function rejects as `RedshiftCredentials.get` does.
 *
 * @example
 * knex({ client: 'redshift', connection: redshiftKnexConnection({ host, database }) })
 */
export function redshiftKnexConnection(
  source: RedshiftOptions | RedshiftCredentials,
  pgOptions: RedshiftKnexOptions = {},
): () => Promise<RedshiftKnexConnection> {
  const credentials = toCredentials(source)
  const options = connectionOptionsOf(credentials)
  const given = givenConnection(pgOptions, options)
  const ssl = tlsOf(pgOptions, options)
  checkTls(ssl ?? process.env.PGSSLMODE, options)

  // A fresh object each time: Knex deletes expirationChecker from the one it gets.
  return async () => {
    const [{ host, port }, login] = await Promise.all([addressOf(credentials, given), credentials.get(given)])
    checkUser(given.user, login)
    const { user } = login
    return {
      ...pgOptions,
      host,
      port,
      database: given.database,
      ssl,
      user,
      password: passwordFunction(credentials, given),
      expirationChecker: () => (peekLogin(credentials, given)?.user ?? user) !== user,
    }
  }
}

/** The address to connect to: what is given, or what AWS says. */
async function addressOf(
  credentials: RedshiftCredentials,
  given: GivenConnection,
): Promise<{ host: string; port: number }> {
  if (given.host !== undefined) return { host: given.host, port: given.port ?? REDSHIFT_PORT }
  const found = await findAddress(credentials, given)
  return { host: found.host, port: given.port ?? found.port }
}
