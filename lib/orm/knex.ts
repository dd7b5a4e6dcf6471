import type pg from 'pg'
import { type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError, quoted } from '../errors.js'
import { passwordRefused } from '../identity-provider.js'
import { checkPlain } from '../intake.js'
import type { RedshiftOptions } from '../options.js'
import { clientClass } from '../pg/client.js'
import { type ConnectionSettings, connectionSettings, placeOf, REDSHIFT_PORT } from '../pg/config.js'
import { passwordFunction, type RedshiftPasswordFunction } from '../pg/password.js'
import { aliasOf, verifyAlias } from '../pg/server-name.js'
import { checkSsl, tlsOf } from '../pg/tls.js'
import { checkUser } from '../pg/user.js'

/** The connection settings that the `connection` function resolves to. */
export interface RedshiftKnexConnection {
  /** The database to connect to. */
  database: string
  /** TLS, as pg's `ssl`. Default: verified TLS, unless `PGSSLMODE` is set. */
  ssl?: NonNullable<pg.PoolConfig['ssl']>
  /** The host to connect to. Left out if the client looks it up. */
  host?: string
  /** The port to connect to. Left out if the client determines it. */
  port?: number
  /** The user to log in as. Left out if AWS chooses it and the client uses a `RedshiftPgClient`. */
  user?: string
  /** Returns the current password. Left out if the client uses a `RedshiftPgClient`. */
  password?: RedshiftPasswordFunction
  /** Returns true once AWS has chosen another user. A new password for the same user is fetched at each connect. */
  expirationChecker?: () => boolean
}

/** Options of pg, which override those of the source. */
export type RedshiftKnexOptions = Omit<pg.ClientConfig, 'password' | 'connectionString'>

/**
 * Creates the function for Knex's option `connection`. When the password changes, live connections are kept. When AWS chooses another user,
 * the old user's connections are replaced the next time they are used.
 *
 * Knex calls the function as a method of its client, which then uses a `RedshiftPgClient`: user and password come from the same login, and
 * a login that the server refuses is replaced. If you call it in another way, for example from a function around it, it returns settings
 * for a plain `pg.Client`. That client sends the user first, so a connection fails if AWS has just chosen another user.
 *
 * @param source options, or credentials to share
 * @param pgOptions options of pg, which take precedence
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TLS`. The function rejects as `RedshiftCredentials.get` does.
 *
 * @example
 * knex({ client: 'redshift', connection: redshiftKnexConnection({ host, database }) })
 */
export function redshiftKnexConnection(
  source: RedshiftOptions | RedshiftCredentials,
  pgOptions: RedshiftKnexOptions = {},
): (this: unknown) => Promise<RedshiftKnexConnection> {
  checkPlain('The second argument of redshiftKnexConnection', pgOptions)
  checkKnexOptions(pgOptions)
  const credentials = toCredentials(source)
  const options = credentials.connectionOptions()
  const given = connectionSettings(pgOptions, options)
  const tls = verifyAlias(tlsOf(pgOptions, options), aliasOf(given.host, options.host))
  const { host, port, database, user, ssl, ...own } = { ...pgOptions, ...given, ssl: tls }
  checkSsl(ssl, options)
  const settings = { ...own, database, ...(ssl !== undefined && { ssl }) }
  const place = placeOf({ host, port: port ?? REDSHIFT_PORT, database, ssl })
  const patchedClients = new WeakSet<KnexClient>()

  return async function connection(this: unknown) {
    if (isKnexClient(this)) {
      // The client fetches its token itself, because a token may be valid for only one connection.
      if (!options.tokenLogin) checkUser(user, await credentials.getLogin(given, place))
      if (!patchedClients.has(this))
        Object.assign(this, { driver: driverWithOurClient(this.driver, credentials, given) })
      patchedClients.add(this)
      return {
        ...settings,
        ...(host !== undefined && { host }),
        ...(port !== undefined && { port }),
        ...(user !== undefined && { user }),
      }
    }
    if (options.tokenLogin)
      throw passwordRefused('redshiftKnexConnection(), called otherwise than as the method of a Knex client,')
    const login = await credentials.getLogin(given, place)
    checkUser(user, login)
    const address = host === undefined ? await credentials.findAddress(given) : { host, port: REDSHIFT_PORT }
    // A new object each time, because Knex deletes expirationChecker from it.
    return {
      ...settings,
      host: address.host,
      port: port ?? address.port,
      user: login.user,
      password: passwordFunction(credentials, given),
      expirationChecker: () => (credentials.peekLogin(given) ?? login).user !== login.user,
    }
  }
}

/** Options that Knex ignores, because it has its own pool or does not pass them to pg. */
const NOT_FOR_KNEX: ReadonlySet<string> = new Set(
  `Client allowExitOnIdle connectionString idleTimeoutMillis log max maxLifetimeSeconds maxUses min onConnect poolSize
  redshift verify`.split(/\s+/),
)

function checkKnexOptions(options: object): void {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && NOT_FOR_KNEX.has(name))
      throw optionError(
        `${name} is set, which a connection of Knex does not have. Set host and database in place of a connection string, and options of the pool in Knex's own pool.`,
      )
}

/** The members used of the Knex client that calls the function as its method. */
interface KnexClient {
  /** Its copy of the module `pg`. */
  readonly driver: { readonly Client: typeof pg.Client }
}

const isKnexClient = (value: unknown): value is KnexClient =>
  typeof value === 'object' &&
  value !== null &&
  'driver' in value &&
  typeof (value.driver as Partial<KnexClient['driver']> | undefined)?.Client === 'function'

/** The module `pg` with our client class. Knex has no option for the class, and before 3.3 none for a pool. */
function driverWithOurClient(
  driver: KnexClient['driver'],
  redshift: RedshiftCredentials,
  given: ConnectionSettings,
): object {
  const { tokenLogin } = redshift.connectionOptions()
  class Client extends clientClass(driver.Client) {
    #disposed: unknown

    constructor(config: pg.ClientConfig) {
      super({ ...config, redshift })
    }

    /**
     * Knex sets this on a lost connection and reads it before it uses one. Knex's expirationChecker is not an alternative: it is not told
     * which connection it is asked about, so it would discard any of them.
     */
    get __knex__disposed(): unknown {
      // A login with a token has no user name to compare.
      const { user } = (!tokenLogin && redshift.peekLogin(given)) || this
      return this.#disposed ?? (user === this.user ? undefined : `AWS names ${quoted(user)} now`)
    }
    set __knex__disposed(reason: unknown) {
      this.#disposed = reason
    }
  }
  return { ...driver, Client }
}
