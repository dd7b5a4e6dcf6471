import type pg from 'pg'
import {
  connectionOptionsOf,
  findAddress,
  getLogin,
  peekLogin,
  type RedshiftCredentials,
  toCredentials,
} from '../credentials.js'
import { optionError, quoted } from '../errors.js'
import { passwordRefused } from '../identity-provider.js'
import { checkPlain } from '../intake.js'
import type { RedshiftOptions } from '../options.js'
import { clientClass } from '../pg/client.js'
import { type GivenConnection, givenConnection, REDSHIFT_PORT, tlsOf } from '../pg/config.js'
import { checkSsl, checkUser, placeOf } from '../pg/login.js'
import { passwordFunction, type RedshiftPasswordFunction } from '../pg/password.js'
import { aliasOf, verifyAlias } from '../pg/server-name.js'

/** What Knex's `connection` function resolves to. */
export interface RedshiftKnexConnection {
  database: string
  ssl?: NonNullable<pg.PoolConfig['ssl']>
  host?: string
  port?: number
  /** Left out, with `password`, where Knex was lent the client that knows them. */
  user?: string
  password?: RedshiftPasswordFunction
  /** True once AWS names another user. A new password of the same user is fetched at each connect. */
  expirationChecker?: () => boolean
}

/** pg's own options, which win over those of the source. */
export type RedshiftKnexOptions = Omit<pg.ClientConfig, 'password' | 'connectionString'>

/**
 * The function for Knex's `connection`. A rotation of the same user throws no live connection away; when AWS names another user,
 * connections of the old one are replaced as they come to be used.
 *
 * Knex calls it as a method of its client, and is lent a `RedshiftPgClient` there: user and password are taken as one pair, and a
 * login that the server refuses is replaced. Called otherwise, from a function around it say, it gives the configuration of
 * a plain client: that one names the user first, so that a connection fails where AWS has just named another.
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
): (this: unknown) => Promise<RedshiftKnexConnection> {
  checkPlain('The second argument of redshiftKnexConnection', pgOptions)
  checkKnexOptions(pgOptions)
  const credentials = toCredentials(source)
  const options = connectionOptionsOf(credentials)
  const given = givenConnection(pgOptions, options)
  const tls = verifyAlias(tlsOf(pgOptions, options), aliasOf(given.host, options.host))
  const { host, port, database, user, ssl, ...own } = { ...pgOptions, ...given, ssl: tls }
  checkSsl(ssl, options)
  const settings = { ...own, database, ...(ssl !== undefined && { ssl }) }
  const place = placeOf({ host, port: port ?? REDSHIFT_PORT, database, ssl })
  const borrowers = new WeakSet<KnexClient>()

  return async function connection(this: unknown) {
    if (isKnexClient(this)) {
      // The client asks for a token itself: one may be good for one connection only.
      if (!options.tokenLogin) checkUser(user, await getLogin(credentials, given, place))
      if (!borrowers.has(this)) Object.assign(this, { driver: lend(this.driver, credentials, given) })
      borrowers.add(this)
      return {
        ...settings,
        ...(host !== undefined && { host }),
        ...(port !== undefined && { port }),
        ...(user !== undefined && { user }),
      }
    }
    if (options.tokenLogin)
      throw passwordRefused('redshiftKnexConnection(), called otherwise than as the method of a Knex client,')
    const login = await getLogin(credentials, given, place)
    checkUser(user, login)
    const address = host === undefined ? await findAddress(credentials, given) : { host, port: REDSHIFT_PORT }
    // A fresh object each time: Knex deletes expirationChecker from the one it gets.
    return {
      ...settings,
      host: address.host,
      port: port ?? address.port,
      user: login.user,
      password: passwordFunction(credentials, given),
      expirationChecker: () => (peekLogin(credentials, given) ?? login).user !== login.user,
    }
  }
}

/** Knex has a pool of its own, and drops what pg reads from these beside its connection. */
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

/** What is looked at of the Knex client that calls the function as its method. */
interface KnexClient {
  /** Its copy of the module `pg`. */
  readonly driver: { readonly Client: typeof pg.Client }
}

const isKnexClient = (value: unknown): value is KnexClient =>
  typeof value === 'object' &&
  value !== null &&
  'driver' in value &&
  typeof (value.driver as Partial<KnexClient['driver']> | undefined)?.Client === 'function'

/** The module `pg` with a client of ours. Knex before 3.3 takes no pool, and no version has an option for the class. */
function lend(driver: KnexClient['driver'], redshift: RedshiftCredentials, given: GivenConnection): object {
  const { tokenLogin } = connectionOptionsOf(redshift)
  class Client extends clientClass(driver.Client) {
    #disposed: unknown

    constructor(config: pg.ClientConfig) {
      super({ ...config, redshift })
    }

    /**
     * Knex sets this on a connection that is lost, and asks for it before it uses one. Its expirationChecker does not know the
     * connection that it is asked about, and makes it throw any one away.
     */
    get __knex__disposed(): unknown {
      // A token names no user.
      const { user } = (!tokenLogin && peekLogin(redshift, given)) || this
      return this.#disposed ?? (user === this.user ? undefined : `AWS names ${quoted(user)} now`)
    }
    set __knex__disposed(reason: unknown) {
      this.#disposed = reason
    }
  }
  return { ...driver, Client }
}
