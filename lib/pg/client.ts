import pg from 'pg'
import {
  type ConnectionOptions,
  connectionOptionsOf,
  type FoundAddress,
  findAddress,
  RedshiftCredentials,
  toCredentials,
} from '../credentials.js'
import { RedshiftCredentialsError } from '../errors.js'
import type { RedshiftLogin } from '../login.js'
import type { RedshiftOptions } from '../options.js'
import { type GivenConnection, givenConnection, REDSHIFT_PORT, type RedshiftPgClientConfig, tlsOf } from './config.js'
import { canRenew, type PgClientInternals, renewConnection } from './internals.js'
import { checkTls, checkUser, isRejectedLogin, rejectedLogin } from './login.js'

/** A client that logs in with a user and a password of one pair, fetched from AWS. Otherwise a `pg.Client`. */
export interface RedshiftPgClient extends pg.Client {}

/** The class, for `PoolConfig['Client']`, or to be extended. `connect` is pg's own in the types: it differs between versions. */
export interface RedshiftPgClientClass {
  /** The configuration is optional for pg-pool's types; without it, `PG*` variables must say it all. */
  new (config?: RedshiftPgClientConfig): RedshiftPgClient
}

// pg's types say that there is always an error.
type Callback = (error: Error, client?: unknown) => void

/** What the configuration comes to. */
interface SetUp {
  readonly credentials: RedshiftCredentials
  readonly options: ConnectionOptions
  readonly given: GivenConnection
}

// pg-pool makes a client of the same options again and again: they share one RedshiftCredentials.
const shared = new WeakMap<object, RedshiftCredentials>()
function sharedCredentials(source: RedshiftOptions | RedshiftCredentials | undefined): RedshiftCredentials {
  if (source instanceof RedshiftCredentials) return source
  const key = source ?? shared
  const credentials = shared.get(key) ?? toCredentials(source)
  shared.set(key, credentials)
  return credentials
}

const classes = new WeakMap<typeof pg.Client, RedshiftPgClientClass>()

/** The class on top of a given copy of pg: an ORM may bring its own. */
export function clientClass(Base: typeof pg.Client): RedshiftPgClientClass {
  const made = classes.get(Base) ?? extend(Base)
  classes.set(Base, made)
  return made
}

function extend(Base: typeof pg.Client): RedshiftPgClientClass {
  return class RedshiftPgClient extends Base {
    readonly #config: RedshiftPgClientConfig
    readonly #setUp: SetUp | undefined
    /** What is wrong with the configuration. A constructor that throws would be an uncaught exception inside a pool. */
    readonly #refused: unknown
    /** pg's connectionTimeoutMillis: it covers the look-up and both tries. */
    readonly #timeoutMillis: number
    #began = 0
    #login: RedshiftLogin | undefined
    #address: FoundAddress | undefined
    #connectCalled = false
    #retried = false
    /** Settles connect(); undefined before and after. */
    #settle: Callback | undefined

    constructor(config: RedshiftPgClientConfig = {}) {
      const { redshift, password, ...pgConfig } = config
      let refused: unknown
      let setUp: SetUp | undefined
      try {
        const credentials = sharedCredentials(redshift)
        const options = connectionOptionsOf(credentials)
        const given = givenConnection(config, options)
        setUp = { credentials, options, given }
        Object.assign(pgConfig, {
          database: given.database,
          ssl: tlsOf(config, options),
          ...(given.host !== undefined && { host: given.host }),
          ...(given.port !== undefined && { port: given.port }),
        })
      } catch (error) {
        refused = error
      }
      super(pgConfig)
      this.#config = pgConfig
      this.#setUp = setUp
      this.#refused = refused
      this.#timeoutMillis = internals(this)._connectionTimeoutMillis ?? 0
      // A connection string without a port makes pg fall back to PostgreSQL's.
      this.#direct({ host: this.host, port: setUp?.given.port ?? REDSHIFT_PORT })
      if (internals(this).connection) this.#hold()
    }

    override connect(): Promise<pg.Client>
    override connect(callback: (error: Error) => void): void
    override connect(callback?: Callback): Promise<pg.Client> | undefined {
      if (!callback)
        return new Promise((resolve, reject) => {
          this.#start(error => (error ? reject(error) : resolve(this)))
        })
      this.#start(callback)
      return undefined
    }

    override end(): Promise<void>
    override end(callback: (error: Error) => void): void
    override end(callback?: (error: Error) => void): Promise<void> | undefined {
      const connecting = this.#settle !== undefined
      const { connection } = internals(this)
      const ended = callback ? super.end(callback) : super.end()
      if (connecting) {
        // pg would settle neither connect() nor, while the socket hangs, end().
        connection?.stream.destroy()
        this.#finish(new Error('Connection terminated'))
      }
      return ended as Promise<void> | undefined
    }

    #start(callback: Callback): void {
      if (this.#connectCalled) {
        process.nextTick(callback, new Error('Client has already been connected. You cannot reuse a client.'))
        return
      }
      this.#connectCalled = true
      this.#settle = callback
      this.#open().catch(error => this.#finish(error))
    }

    async #open(): Promise<void> {
      if (this.#refused) throw this.#refused
      const setUp = this.#setUp
      if (!setUp) return
      if (!internals(this).connection)
        throw new RedshiftCredentialsError(
          'ERR_REDSHIFT_NATIVE',
          'pg.native cannot log in with a fetched pair. Use the JavaScript client of pg (unset NODE_PG_FORCE_NATIVE, remove pg-native).',
        )
      checkTls(internals(this).ssl, setUp.options)
      this.#began = performance.now()
      // Started now, to run beside TCP and TLS; taken up at the last moment.
      setUp.credentials.get(setUp.given).catch(() => {})
      if (setUp.given.host === undefined) await this.#lookUp(setUp)
      this.#connect()
    }

    #connect(): void {
      if (!this.#settle) return
      internals(this)._connectionTimeoutMillis = this.#timeLeft()
      super.connect((error: Error | null) => {
        if (!error) return this.#finish(null)
        if (this.#retryLogin(error)) return
        if (isUnreachable(error)) this.#address?.forget()
        this.#finish(isRejectedLogin(error) && this.#login ? rejectedLogin(error, this.#login) : error)
      })
    }

    /** What is left of pg's connectionTimeoutMillis, at least 1; 0 for no limit. */
    #timeLeft(): number {
      return this.#timeoutMillis > 0 ? Math.max(1, this.#timeoutMillis - (performance.now() - this.#began)) : 0
    }

    /** A login that the server refuses is replaced once, inside the client: the pool's queue does not notice. */
    #retryLogin(error: Error): boolean {
      const login = this.#login
      if (this.#retried || !this.#settle || !login || !isRejectedLogin(error)) return false
      if (!canRenew(this, this.#config) || this.#timeLeft() === 1) return false
      if (!this.#setUp?.credentials.invalidate(login)) return false
      this.#retried = true
      renewConnection(this, () => new Base(this.#config))
      this.#hold()
      this.#connect()
      return true
    }

    /** Finds host and port. The time-outs of client and pool, and end(), hold meanwhile. */
    async #lookUp({ credentials, given }: SetUp): Promise<void> {
      const stream = internals(this).connection?.stream
      const controller = new AbortController()
      const interrupted = (): void => controller.abort(new Error('Connection terminated unexpectedly'))
      const expired = (): void => controller.abort(new Error('timeout expired'))
      const timer = this.#timeoutMillis > 0 ? setTimeout(expired, this.#timeoutMillis) : undefined
      stream?.once('close', interrupted)
      try {
        this.#address = await findAddress(credentials, given, controller.signal)
        this.#direct({ host: this.#address.host, port: given.port ?? this.#address.port })
      } finally {
        clearTimeout(timer)
        stream?.off('close', interrupted)
      }
    }

    #direct({ host, port }: { host: string; port: number }): void {
      const client = internals(this)
      client.host = client.connectionParameters.host = host
      client.port = client.connectionParameters.port = port
    }

    /** Holds the start-up packet until there is a login: it names the user, which AWS chooses. */
    #hold(): void {
      const client = internals(this)
      const { connection } = client
      if (!connection) return
      const send = connection.startup
      const current = (): boolean => this.#settle !== undefined && client.connection === connection
      connection.startup = () => {
        this.#fetchLogin().then(
          login => {
            if (!current() || connection.stream.destroyed) return
            this.#login = login
            client.user = client.connectionParameters.user = login.user
            client.password = client.connectionParameters.password = login.password
            send.call(connection, client.getStartupConf())
          },
          error => {
            if (!current()) return
            connection.emit('error', error)
            connection.stream.destroy()
          },
        )
      }
    }

    async #fetchLogin(): Promise<RedshiftLogin> {
      if (!this.#setUp) throw this.#refused
      const { credentials, given } = this.#setUp
      const login = await credentials.get(given)
      checkUser(given.user, login)
      return login
    }

    #finish(error: Error | null): void {
      const settle = this.#settle
      if (!settle) return
      this.#settle = undefined
      const client = internals(this)
      client.password = client.connectionParameters.password = null
      if (error) settle(error)
      else settle(null as unknown as Error, this)
    }
  }
}

const internals = (client: pg.Client): PgClientInternals => client as unknown as PgClientInternals

const isUnreachable = (error: Error): boolean =>
  'code' in error && /^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(String(error.code))

/**
 * A `pg.Client` that fetches its login from AWS. It opens the socket at once and holds the start-up packet until it has user and
 * password, so that the time-outs of pg hold throughout. A login that the server refuses is replaced once, inside the client.
 *
 * @example
 * const client = new RedshiftPgClient({ host, database: 'dev' })
 * await client.connect()
 */
export const RedshiftPgClient: RedshiftPgClientClass = clientClass(pg.Client)
