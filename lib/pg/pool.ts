import pg from 'pg'
import { connectionOptionsOf, type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import type { RedshiftOptions } from '../options.js'
import { clientClass, RedshiftPgClient, type RedshiftPgClientClass } from './client.js'
import { givenConnection, REDSHIFT_PORT, type RedshiftPgClientConfig, tlsOf } from './config.js'
import { knownUser } from './login.js'
import { type RedshiftPasswordFunction, redshiftPassword } from './password.js'

/** Configuration of pg's own pool, plus one key. */
export interface RedshiftPoolConfig extends pg.PoolConfig {
  /** Which login to fetch: options, or credentials to share. Default: all is read off the connection. */
  redshift?: RedshiftOptions | RedshiftCredentials | undefined
}

/**
 * A `pg.Pool` whose connections log in with current Redshift credentials. TLS is on and verified, and the port 5439, unless the
 * configuration says otherwise; where no host is given, it is looked up.
 *
 * `end()` closes the credentials that the pool has made, not those that it was given.
 *
 * @example
 * const pool = new RedshiftPool({ host: 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com', database: 'dev' })
 */
export class RedshiftPool extends pg.Pool {
  readonly #owned?: RedshiftCredentials

  /** @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` */
  constructor(config: RedshiftPoolConfig = {}) {
    // Before super(), so that AWS keys never stand in `options`.
    const redshift = toCredentials(config.redshift)
    givenConnection(config, connectionOptionsOf(redshift))
    super({ ...config, Client: config.Client ?? RedshiftPgClient, redshift } as pg.PoolConfig)
    if (redshift !== config.redshift) this.#owned = redshift
  }

  override end(): Promise<void>
  override end(callback: () => void): void
  override end(callback?: (error?: Error) => void): Promise<void> | undefined {
    if (!callback) return super.end().then(() => this.#owned?.close())
    super.end((error?: Error) => {
      // A second end() fails, while the first one may still be waiting for clients that are busy.
      if (!error) this.#owned?.close()
      callback(error)
    })
    return undefined
  }
}

/** A plain object for whoever builds a `pg.Pool`, or a `pg.Client`, of it. */
export interface RedshiftPoolOptions extends pg.PoolConfig {
  Client: RedshiftPgClientClass
  password: RedshiftPasswordFunction
}

/** pg's own options, which win, and the caller's copy of the module. */
export interface RedshiftPgOptions extends pg.PoolConfig {
  /** The copy of `pg` to build the client on. Default: the one that this package finds. */
  pg?: { Client: new (...config: never[]) => object } | undefined
}

/**
 * Options for whoever builds a `pg.Pool`: stock pg, the stand-alone `pg-pool`, and the libraries above them. The `Client` in it
 * takes user and password as one pair, and replaces a login that the server refuses. `password` (and `user`, where it is known)
 * serve libraries that also build a plain client.
 *
 * @param source options, or credentials to share
 * @param pgOptions pg's own options; they win. The key `pg` takes the caller's copy of the module.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 *
 * @example
 * new DataSource({ type: 'postgres', extra: redshiftPoolOptions({ host, database }) })
 */
export function redshiftPoolOptions(
  source: RedshiftOptions | RedshiftCredentials,
  pgOptions: RedshiftPgOptions = {},
): RedshiftPoolOptions {
  const { pg: module, ...own } = pgOptions
  if (own.Client)
    throw optionError(
      'Client is set, but redshiftPoolOptions makes its own. Set pg: { Client }, to have it made of that one.',
    )
  const redshift = toCredentials(source)
  const options = connectionOptionsOf(redshift)
  const { host, port, database, user = knownUser(options) } = givenConnection(own, options)
  const Base = module ? clientClass(module.Client as typeof pg.Client) : RedshiftPgClient
  return {
    ...own,
    // Left out where it is looked up: for a host of undefined, pg takes localhost.
    ...(host !== undefined && { host }),
    ...((host ?? port) !== undefined && { port: port ?? REDSHIFT_PORT }),
    database,
    ...(user !== undefined && { user }),
    ssl: tlsOf(own, options),
    // Bound to the credentials: libraries copy options deeply, and a copy of the credentials would be an empty shell.
    Client: class extends Base {
      constructor(config?: string | RedshiftPgClientConfig) {
        super({ ...(typeof config === 'string' ? { connectionString: config } : config), redshift })
      }
    },
    password: redshiftPassword(redshift),
  }
}
