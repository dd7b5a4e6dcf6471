import pg from 'pg'
import { connectionOptionsOf, type RedshiftCredentials, toCredentials } from '../credentials.js'
import { optionError } from '../errors.js'
import { checkPlain } from '../intake.js'
import type { RedshiftOptions } from '../options.js'
import { binding, bindingOf, clientClass, type RedshiftPgClientClass } from './client.js'
import { type Binding, boundConfig, givenConnection, REDSHIFT_PORT, tlsOf } from './config.js'
import { knownUser } from './login.js'
import { passwordFunction, type RedshiftPasswordFunction } from './password.js'
import { aliasOf, verifyAlias } from './server-name.js'

/** pg's own options. */
export interface RedshiftPgOptions extends Omit<pg.PoolConfig, 'Client'> {
  /** The class to build the clients on: `pg.Client` of any copy of pg, or one that extends it. Default: `pg.Client`. */
  Client?: (new (...config: never[]) => { query(...args: never[]): unknown }) | undefined
}

/** Configuration of pg's own pool, plus one key. */
export interface RedshiftPoolConfig extends RedshiftPgOptions {
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
    checkPlain('The configuration of the pool', config)
    const Client = clientClass(config.Client ?? pg.Client)
    const given = boundConfig(config, bindingOf(Client))
    // Before super(), so that AWS keys are never in `options`.
    const redshift = toCredentials(given.redshift)
    givenConnection(given, connectionOptionsOf(redshift))
    super({ ...given, Client, redshift } as pg.PoolConfig)
    if (redshift !== given.redshift) this.#owned = redshift
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

/**
 * Options for whoever builds a `pg.Pool`: stock pg, the stand-alone `pg-pool`, and the libraries above them. The `Client` in it
 * takes user and password as one pair, and replaces a login that the server refuses. `password` (and `user`, where it is known)
 * serve libraries that also build a plain client.
 *
 * @param source options, or credentials to share
 * @param pgOptions pg's own options; they take precedence.
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
  const options = connectionOptionsOf(credentials)
  const bound: Binding = { redshift: credentials, password: passwordFunction(credentials) }
  // One of ours may be bound already, which is to the same credentials then.
  boundConfig(bound, bindingOf(Base))
  const { redshift: _, ...own } = boundConfig(pgOptions, bound)
  const { host, port, database, user = knownUser(options) } = givenConnection(own, options)
  return {
    ...own,
    // Left out where it is looked up: for a host of undefined, pg takes localhost.
    ...(host !== undefined && { host }),
    ...((host ?? port) !== undefined && { port: port ?? REDSHIFT_PORT }),
    database,
    ...(user !== undefined && { user }),
    ssl: verifyAlias(tlsOf(own, options), aliasOf(host, options.host)),
    // Bound to the credentials: libraries copy options deeply, and a copy of the credentials would be an empty shell.
    Client: class extends Base {
      static readonly [binding] = bound
    },
    password: bound.password,
  }
}
