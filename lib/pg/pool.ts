import pg from 'pg'
import { type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import type { RedshiftOptions } from '../options.js'
import { checkPlain } from '../plain-object.js'
import { type Binding, binding, bindingOf, boundConfig } from './binding.js'
import { clientClass, type RedshiftPgClientClass } from './client.js'
import { connectionSettings, REDSHIFT_PORT } from './config.js'
import { passwordFunction, type RedshiftPasswordFunction } from './password.js'
import { acceptBothNames, aliasOf } from './server-name.js'
import { tlsOf } from './tls.js'
import { knownUser } from './user.js'

/** The options of `pg.Pool`. */
export interface RedshiftPgOptions extends Omit<pg.PoolConfig, 'Client'> {
  /** The class to extend for clients: `pg.Client` of any copy of pg, or a subclass. Default: `pg.Client`. */
  Client?: (new (...config: never[]) => { query(...args: never[]): unknown }) | undefined
}

/** The configuration of `pg.Pool`, plus `redshift`. */
export interface RedshiftPoolConfig extends RedshiftPgOptions {
  /** Which login to fetch: options, or credentials to share with others. Default: everything is read from the connection. */
  redshift?: RedshiftOptions | RedshiftCredentials | undefined
}

/**
 * A `pg.Pool` whose connections log in with current Redshift credentials. By default, TLS is on with verification and the port is 5439.
 * Without a host, the address is looked up.
 *
 * `end()` closes credentials that the pool created, but not credentials that you passed in.
 *
 * @example
 * const pool = new RedshiftPool({ host: 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com', database: 'dev' })
 */
export class RedshiftPool extends pg.Pool {
  readonly #credentials: RedshiftCredentials
  readonly #ownsCredentials: boolean

  /** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` */
  constructor(config: RedshiftPoolConfig = {}) {
    checkPlain('The configuration of the pool', config)
    const Client = clientClass(config.Client ?? pg.Client)
    const own = boundConfig(config, bindingOf(Client))
    // Created before super(), so that `options` never contains AWS keys.
    const redshift = toCredentials(own.redshift)
    // Refuses an invalid connection here rather than in the first connect().
    connectionSettings(own, redshift.connectionOptions())
    super({ ...own, Client, redshift } as pg.PoolConfig)
    this.#credentials = redshift
    this.#ownsCredentials = redshift !== own.redshift
  }

  /** The credentials that the pool logs in with, for `status()`: those it was given, or those it created from its options. */
  get credentials(): RedshiftCredentials {
    return this.#credentials
  }

  /** Ends the pool as `pg.Pool` does, and closes the credentials that it created. A second call rejects, as in `pg.Pool`. */
  override end(): Promise<void>
  /** Ends the pool in the same way, with a callback. */
  override end(callback: () => void): void
  override end(callback?: (error?: Error) => void): Promise<void> | undefined {
    if (!callback) return super.end().then(() => this.#closeCredentials())
    super.end((error?: Error) => {
      // A second end() fails while the first one may still wait for busy clients.
      if (!error) this.#closeCredentials()
      callback(error)
    })
    return undefined
  }

  async #closeCredentials(): Promise<void> {
    if (this.#ownsCredentials) await this.#credentials.close()
  }
}

/** Options for `pg.Pool` and `pg.Client`, as {@link redshiftPoolOptions} returns them. */
export interface RedshiftPoolOptions extends pg.PoolConfig {
  /** The client class, which fetches its own login. Pools use this class. */
  Client: RedshiftPgClientClass
  /** The password function for libraries that create a plain `pg.Client`. */
  password: RedshiftPasswordFunction
}

/**
 * Creates options for anything that constructs a `pg.Pool`: pg itself, the standalone `pg-pool`, and libraries built on them. Their `Client`
 * takes user and password from the same login, and replaces a login that the server refuses. `password`, and `user` if it is known, are for
 * libraries that also create a plain `pg.Client`.
 *
 * @param source options, or credentials to share
 * @param pgOptions options of `pg.Pool`, which take precedence
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 *
 * @example
 * new DataSource({ type: 'postgres', extra: redshiftPoolOptions({ host, database }) })
 */
export function redshiftPoolOptions(
  source: RedshiftOptions | RedshiftCredentials,
  pgOptions: RedshiftPgOptions = {},
): RedshiftPoolOptions {
  checkPlain('The second argument of redshiftPoolOptions', pgOptions)
  if ('pg' in pgOptions) throw optionError('There is no option pg. Set Client: pg.Client instead.')
  const Base = clientClass(pgOptions.Client ?? pg.Client)
  const credentials = toCredentials(source)
  const options = credentials.connectionOptions()
  const bound: Binding = { redshift: credentials, password: passwordFunction(credentials) }
  // A class may be bound already, but only to the same credentials.
  boundConfig(bound, bindingOf(Base))
  const { redshift: _, ...own } = boundConfig(pgOptions, bound)
  const { host, port, database, user = knownUser(options) } = connectionSettings(own, options)
  return {
    ...own,
    // Left out if the client has to look it up, because pg replaces an undefined host by localhost.
    ...(host !== undefined && { host }),
    ...((host ?? port) !== undefined && { port: port ?? REDSHIFT_PORT }),
    database,
    ...(user !== undefined && { user }),
    ssl: acceptBothNames(tlsOf(own, options), aliasOf(host, options.host)),
    // The class holds the credentials, because some libraries deep-copy the options and a copy of the credentials would not work.
    Client: class extends Base {
      static readonly [binding] = bound
    },
    password: bound.password,
  }
}
