import type pg from 'pg'
import { type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError, quoted } from '../errors.js'
import { passwordRefused } from '../identity-provider.js'
import type { RedshiftOptions } from '../options.js'
import { clientClass } from '../pg/client.js'
import { type ConnectionSettings, connectionSettings, placeOf, REDSHIFT_PORT } from '../pg/config.js'
import { passwordFunction, type RedshiftPasswordFunction } from '../pg/password.js'
import { acceptBothNames, aliasOf } from '../pg/server-name.js'
import { checkSsl, tlsOf } from '../pg/tls.js'
import { checkUser } from '../pg/user.js'
import { checkPlain } from '../plain-object.js'

/** The connection settings that the `connection` function resolves to. */
export interface RedshiftKnexConnection {
  /** The database to connect to. */
  database: string
  /** pg's `ssl`. Default: true (verified TLS), unless `PGSSLMODE` is set. */
  ssl?: NonNullable<pg.PoolConfig['ssl']>
  /** The host to connect to. Omitted if the client looks it up. */
  host?: string
  /** The port to connect to. Omitted if the client determines it. */
  port?: number
  /** The user to log in as. Omitted if AWS chooses it and Knex uses a `RedshiftPgClient`. */
  user?: string
  /** Returns the current password. Omitted if Knex uses a `RedshiftPgClient`. */
  password?: RedshiftPasswordFunction
  /** Returns true if AWS has chosen another user since. Omitted if Knex uses a `RedshiftPgClient`. */
  expirationChecker?: () => boolean
}

/** The options of `pg.Client`. `port` and `ssl` override those of the source; a different database or user is an error. */
export type RedshiftKnexOptions = Omit<pg.ClientConfig, 'password' | 'connectionString'>

/**
 * Creates the function for Knex's option `connection`. A new password does not close open connections. When AWS chooses another user, Knex
 * replaces each connection of the old user before its next use.
 *
 * Pass the function itself to Knex. Knex calls it as a method of its client, which then uses a `RedshiftPgClient`: user and password come
 * from the same login, and a login that the server refuses is replaced. If you call it from a function of your own, it resolves to settings
 * for a plain `pg.Client`. That client sends the user before it has the password, so a connection fails if AWS has just chosen another user.
 * Without a host, the address is looked up once, and not again after a connection to it has failed.
 *
 * @param source options, or credentials to share
 * @param pgOptions options of `pg.Client`, which take precedence. Default: none
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TLS`. The function rejects with the errors of
 * {@link RedshiftCredentials.get}, and with `ERR_REDSHIFT_USER_MISMATCH` if AWS returned a login for another user than the configured one.
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
  const settings = connectionSettings(pgOptions, options)
  const tls = acceptBothNames(tlsOf(pgOptions, options), aliasOf(settings.host, options.host))
  const { host, port, database, user, ssl, ...own } = { ...pgOptions, ...settings, ssl: tls }
  checkSsl(ssl, options)
  const common = { ...own, database, ...(ssl !== undefined && { ssl }) }
  const place = placeOf({ host, port: port ?? REDSHIFT_PORT, database, ssl })
  const patchedClients = new WeakSet<KnexClient>()

  return async function connection(this: unknown) {
    if (isKnexClient(this)) {
      // The pg client fetches a token itself, because it may be valid for only one connection.
      if (!options.tokenLogin) checkUser(user, await credentials.getLogin(settings, place))
      if (!patchedClients.has(this))
        Object.assign(this, { driver: driverWithClientClass(this.driver, credentials, settings) })
      patchedClients.add(this)
      return {
        ...common,
        ...(host !== undefined && { host }),
        ...(port !== undefined && { port }),
        ...(user !== undefined && { user }),
      }
    }
    if (options.tokenLogin) throw passwordRefused('redshiftKnexConnection() outside a Knex client')
    const login = await credentials.getLogin(settings, place)
    checkUser(user, login)
    const address = host === undefined ? await credentials.findAddress(settings) : { host, port: REDSHIFT_PORT }
    // A new object each time, because Knex deletes expirationChecker from it.
    return {
      ...common,
      host: address.host,
      port: port ?? address.port,
      user: login.user,
      password: passwordFunction(credentials, settings),
      expirationChecker: () => (credentials.peekLogin(settings) ?? login).user !== login.user,
    }
  }
}

/** Options that Knex ignores, because it has its own pool or does not pass them to pg. */
const UNSUPPORTED_OPTIONS: ReadonlySet<string> = new Set(
  `Client allowExitOnIdle connectionString idleTimeoutMillis log max maxLifetimeSeconds maxUses min onConnect poolSize
  verify`.split(/\s+/),
)

function checkKnexOptions(options: object): void {
  if ('redshift' in options && options.redshift !== undefined)
    throw optionError(
      'A connection of Knex has no option redshift. Set its options in the first argument of redshiftKnexConnection.',
    )
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && UNSUPPORTED_OPTIONS.has(name))
      throw optionError(
        `A connection of Knex has no option ${name}. Set host and database instead of a connection string, and pool options in the pool of Knex.`,
      )
}

/** The members of the calling Knex client that are used here. */
interface KnexClient {
  /** Its copy of the module `pg`. */
  readonly driver: { readonly Client: typeof pg.Client }
}

const isKnexClient = (value: unknown): value is KnexClient =>
  typeof value === 'object' &&
  value !== null &&
  'driver' in value &&
  typeof (value.driver as Partial<KnexClient['driver']> | undefined)?.Client === 'function'

/** Copies the module `pg` and replaces its client class. Knex has no option for the class, and before 3.3 none for a pool. */
function driverWithClientClass(
  driver: KnexClient['driver'],
  redshift: RedshiftCredentials,
  settings: ConnectionSettings,
): object {
  const { tokenLogin } = redshift.connectionOptions()
  class Client extends clientClass(driver.Client) {
    #disposeReason: unknown

    constructor(config: pg.ClientConfig) {
      super({ ...config, redshift })
    }

    /**
     * Knex sets this on a lost connection, and reads it before it uses a connection. Knex's expirationChecker cannot replace it: it does not
     * know which connection Knex asks about, so it would discard all of them.
     */
    get __knex__disposed(): unknown {
      // A token login has no user name to compare.
      const { user } = (!tokenLogin && redshift.peekLogin(settings)) || this
      return this.#disposeReason ?? (user === this.user ? undefined : `AWS now returns a login for ${quoted(user)}`)
    }
    set __knex__disposed(reason: unknown) {
      this.#disposeReason = reason
    }
  }
  return { ...driver, Client }
}
