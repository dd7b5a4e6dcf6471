import pg from 'pg'
import { type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import { checkPlain } from '../intake.js'
import type { RedshiftOptions } from '../options.js'
import { type Binding, binding, bindingOf, boundConfig } from './binding.js'
import { clientClass, type RedshiftPgClientClass } from './client.js'
import { connectionSettings, REDSHIFT_PORT } from './config.js'
import { passwordFunction, type RedshiftPasswordFunction } from './password.js'
import { aliasOf, verifyAlias } from './server-name.js'
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
  readonly #owned: boolean

  /** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` */
  constructor(config: RedshiftPoolConfig = {}) {
    checkPlain('The configuration of the pool', config)
    const Client = clientClass(config.Client ?? pg.Client)
    const given = boundConfig(config, bindingOf(Client))
    // Created before super(), so that `options` never contains AWS keys.
    const redshift = toCredentials(given.redshift)
    connectionSettings(given, redshift.connectionOptions())
    super({ ...given, Client, redshift } as pg.PoolConfig)
    this.#credentials = redshift
    this.#owned = redshift !== given.redshift
  }

  /** The credentials that the pool logs in with, for `status()`: those it was given, or those it made of its options. */
  get credentials(): RedshiftCredentials {
    return this.#credentials
  }

  /** Ends the pool as `pg.Pool` does, and closes the credentials that it created. */
  override end(): Promise<void>
  /** Same, with a callback. */
  override end(callback: () => void): void
  override end(callback?: (error?: Error) => void): Promise<void> | undefined {
    if (!callback) return super.end().then(() => this.#closeOwned())
    super.end((error?: Error) => {
      // A second end() fails while the first one may still wait for busy clients.
      if (!error) this.#closeOwned()
      callback(error)
    })
    return undefined
  }

  async #closeOwned(): Promise<void> {
    if (this.#owned) await this.#credentials.close()
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
 * Creates options for anything that constructs a `pg.Pool`: pg itself, the standalone `pg-pool`, and libraries built on them. Its `Client`
 * uses user and password of the same login, and replaces a login that the server refuses. `password`, and `user` if it is known, are for
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
  if ('pg' in pgOptions) throw optionError('pg is set, which is not an option. Set Client: pg.Client in its place.')
  const Base = clientClass(pgOptions.Client ?? pg.Client)
  const credentials = toCredentials(source)
  const options = credentials.connectionOptions()
  const bound: Binding = { redshift: credentials, password: passwordFunction(credentials) }
  // The class may be bound already. Its credentials must be the same.
  boundConfig(bound, bindingOf(Base))
  const { redshift: _, ...own } = boundConfig(pgOptions, bound)
  const { host, port, database, user = knownUser(options) } = connectionSettings(own, options)
  return {
    ...own,
    // Left out if it is to be looked up, because pg uses localhost if host is undefined.
    ...(host !== undefined && { host }),
    ...((host ?? port) !== undefined && { port: port ?? REDSHIFT_PORT }),
    database,
    ...(user !== undefined && { user }),
    ssl: verifyAlias(tlsOf(own, options), aliasOf(host, options.host)),
    // The class holds the credentials, because libraries deep-copy options and a copy of the credentials would not work.
    Client: class extends Base {
      static readonly [binding] = bound
    },
    password: bound.password,
  }
}
