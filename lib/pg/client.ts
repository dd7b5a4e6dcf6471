import pg from 'pg'
import type { RedshiftCredentials } from '../credentials.js'
import { optionError, quoted } from '../errors.js'
import { isMarked, mark } from '../plain-object.js'
import { type Binding, binding } from './binding.js'
import { type ClientSetup, type InvalidSetup, setUpClient } from './client-setup.js'
import type { RedshiftPgClientConfig } from './config.js'
import { ConnectAttempt, type Settle } from './connect-attempt.js'
import { endAfterDrain, hasPipelinedQueries, isConnectionEnding, promiseOf } from './internals.js'

/** A `pg.Client` that logs in with a user and password from the same AWS response. */
export interface RedshiftPgClient extends pg.Client {
  /**
   * The credentials that the client logs in with: those it was given, or those it created from its options.
   * @throws RedshiftCredentialsError if `connect()` rejects the configuration, with the same error
   */
  readonly credentials: RedshiftCredentials
}

/** The class of {@link RedshiftPgClient}, for `PoolConfig['Client']` or to extend. `connect` has pg's own type, which differs between versions. */
export interface RedshiftPgClientClass {
  /**
   * Creates a client. Without a configuration, the `PG*` variables must specify the connection. The constructor does not throw for an
   * invalid configuration; `connect()` rejects.
   */
  new (config?: string | RedshiftPgClientConfig): RedshiftPgClient
}

const classes = new WeakMap<typeof pg.Client, RedshiftPgClientClass>()

/**
 * Extends a client class: the user's, an APM's, or one from another copy of pg. Returns a class that was made here unchanged.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function clientClass(Base: unknown): RedshiftPgClientClass {
  checkClientClass(Base)
  if (isClientClass(Base)) return Base
  const Client = classes.get(Base) ?? createClass(Base)
  mark(Client)
  classes.set(Base, Client)
  return Client
}

const isClientClass = (Base: object): Base is RedshiftPgClientClass => binding in Base

function checkClientClass(Base: unknown): asserts Base is typeof pg.Client {
  // pg-pool requires a connect() method as well.
  if (typeof Base !== 'function' || typeof Object(Base.prototype).connect !== 'function')
    throw optionError(`Client is ${quoted(Base)}. Set it to pg.Client, or to a class that extends it.`)
  if (!isClientClass(Base) && isMarked(Base))
    throw optionError(
      'Client is a class from another copy of pg-redshift-iam. Set it to pg.Client, or to a class that extends it.',
    )
}

const createClass = (Base: typeof pg.Client): RedshiftPgClientClass =>
  class RedshiftPgClient extends Base {
    static readonly [binding]: Binding | undefined = undefined
    readonly #setup: ClientSetup | InvalidSetup
    /** The first call of `connect()`. There is no other, because pg does not reuse a client. */
    #attempt: ConnectAttempt | undefined
    /** The promise that `connect()` returned. */
    #connecting: Promise<pg.Client> | undefined

    constructor(config: string | RedshiftPgClientConfig = {}) {
      const setup = setUpClient(config, Base, new.target[binding])
      super(setup.pgConfig)
      // `new.target` rather than the class's name, which bundlers would rename.
      if (!(this instanceof new.target))
        throw optionError(
          'The constructor of Client returns an object of another class. Set Client to a class that extends pg.Client.',
        )
      this.#setup = setup
    }

    get credentials(): RedshiftCredentials {
      if ('error' in this.#setup) throw this.#setup.error
      return this.#setup.credentials
    }

    override connect(): Promise<pg.Client>
    override connect(callback: Settle): void
    override connect(callback?: Settle): Promise<pg.Client> | undefined {
      if (callback) return void this.#start(callback)
      const connecting = new (promiseOf(this))<pg.Client>((resolve, reject) => {
        this.#start(error => (error ? reject(error) : resolve(this)))
      })
      this.#connecting ??= connecting
      return connecting
    }

    override end(): Promise<void>
    override end(callback: (error: Error) => void): void
    override end(callback?: (error: Error) => void): Promise<void> | undefined {
      const attempt = this.#attempt
      if (attempt?.isPending && hasPipelinedQueries(this)) return this.#endAfterQueries(callback)
      try {
        return callback ? void super.end(callback) : super.end()
      } finally {
        // pg would not settle connect(), nor end() on a socket that hangs. The callback may throw or connect.
        if (attempt === this.#attempt) this.#terminate()
      }
    }

    /** Ends after the pipelined queries, as pg does. pg itself would not settle `end()` if the connection is replaced meanwhile. */
    #endAfterQueries(callback?: (error: Error) => void): Promise<void> | undefined {
      super.end(() => {})
      endAfterDrain(this)
      // Older versions of pg do not wait for the queries.
      if (isConnectionEnding(this)) this.#terminate()
      // If the server closes the connection before the queries, pg ends the client without settling connect().
      this.once('end', () => this.#terminate())
      if (callback) return void this.once('end', callback as () => void)
      return new (promiseOf(this))<void>(resolve => this.once('end', () => resolve()))
    }

    /** Rejects a `connect()` whose client is being ended. Its caller need not handle the rejection. */
    #terminate(): void {
      this.#connecting?.catch(() => {})
      this.#attempt?.terminate()
    }

    #start(settle: Settle): void {
      if (this.#attempt) {
        process.nextTick(settle, new Error('Client has already been connected. You cannot reuse a client.'))
        return
      }
      const connect = (callback: (error: Error | null) => void): void => super.connect(callback)
      this.#attempt = new ConnectAttempt({ client: this, Base, connect }, settle)
      this.#attempt.start(this.#setup)
    }
  }

/**
 * A `pg.Client` that fetches its login from AWS. It opens the socket at once, and sends the start-up packet when it has user and password.
 * `connectionTimeoutMillis` covers the fetch. If the server refuses the login, the client fetches another one and connects once more.
 * `connect()` rejects with `RedshiftCredentialsError`, or with pg's own errors. By default, TLS is on with verification and the port is
 * 5439. Without a host, the address is looked up.
 *
 * @example
 * const client = new RedshiftPgClient({ host, database: 'dev' })
 * await client.connect()
 */
export const RedshiftPgClient: RedshiftPgClientClass = clientClass(pg.Client)
