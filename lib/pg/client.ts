import pg from 'pg'
import {
  acceptLogin,
  type FoundAddress,
  findAddress,
  getLogin,
  loginAge,
  type RedshiftCredentials,
  refuseLogin,
  replaceLogin,
} from '../credentials.js'
import { optionError, quoted } from '../errors.js'
import { isMarked, mark } from '../intake.js'
import type { RedshiftLogin } from '../login.js'
import { type Binding, REDSHIFT_PORT, type RedshiftPgClientConfig } from './config.js'
import {
  emitEndBeforeConnect,
  endOnceDrained,
  holdStartup,
  isConnectionEnding,
  onAccepted,
  pipelinesQueries,
  presentAlias,
  promiseOf,
  renewConnection,
  setAddress,
  socketOf,
  wipePassword,
} from './internals.js'
import { checkUser, explainTokenError, placeOf, rejectedLogin } from './login.js'
import { isRefusal } from './server-messages.js'
import { type ClientSetUp, checkClient, type RefusedSetUp, setUpClient } from './set-up.js'

/** A `pg.Client` that logs in with a user and password fetched from AWS as one pair. */
export interface RedshiftPgClient extends pg.Client {
  /**
   * The credentials that the client logs in with: those it was given, or those it created from its options.
   * @throws RedshiftCredentialsError if `connect()` rejects the configuration, with the same error
   */
  readonly credentials: RedshiftCredentials
}

/** A login that the server refused. */
interface Refusal {
  readonly login: RedshiftLogin
  readonly ageMillis: number | undefined
  readonly error: Error
}

/** The class of {@link RedshiftPgClient}, for `PoolConfig['Client']` or to extend. `connect` has pg's own type, which differs between versions. */
export interface RedshiftPgClientClass {
  /** Creates a client. Without a configuration, the `PG*` variables must specify the connection. Errors are reported by `connect()`. */
  new (config?: string | RedshiftPgClientConfig): RedshiftPgClient
}

/** Settles a `connect()` call, with a callback or a promise. */
type Settle = (error: Error | null, client?: pg.Client) => void

const classes = new WeakMap<typeof pg.Client, RedshiftPgClientClass>()

/** The key of a class's binding, which its subclasses inherit. */
export const binding = Symbol('binding')

/** The binding that `redshiftPoolOptions` gave to a class. */
export const bindingOf = (Client: unknown): Binding | undefined =>
  typeof Client === 'function' ? (Client as { [binding]?: Binding })[binding] : undefined

/**
 * Extends a client class: the user's, an APM's, or one from another copy of pg. Returns a class that was made here unchanged.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function clientClass(Base: unknown): RedshiftPgClientClass {
  checkClientClass(Base)
  if (isOurs(Base)) return Base
  const made = classes.get(Base) ?? extend(Base)
  mark(made)
  classes.set(Base, made)
  return made
}

const isOurs = (Base: object): Base is RedshiftPgClientClass => binding in Base

function checkClientClass(Base: unknown): asserts Base is typeof pg.Client {
  // pg-pool requires a connect() method as well.
  if (typeof Base !== 'function' || typeof Object(Base.prototype).connect !== 'function')
    throw optionError(`Client is ${quoted(Base)}. Set it to pg.Client, or to a class that extends it.`)
  if (!(binding in Base) && isMarked(Base))
    throw optionError(
      'Client is a class from another copy of pg-redshift-iam. Set it to pg.Client, or to a class that extends it.',
    )
}

const extend = (Base: typeof pg.Client): RedshiftPgClientClass =>
  class RedshiftPgClient extends Base {
    static readonly [binding]: Binding | undefined = undefined
    readonly #setUp: ClientSetUp | RefusedSetUp
    #started = false
    /** Settles the pending `connect()`; undefined if there is none. */
    #settle: Settle | undefined
    /** The promise that `connect()` returned. */
    #connecting: Promise<pg.Client> | undefined
    #timer: NodeJS.Timeout | undefined
    /** Ends the wait for AWS after `connect()` has settled. */
    readonly #interrupt = new AbortController()
    /** An address that was looked up, until a connection to it has succeeded. */
    #address: FoundAddress | undefined
    /** The login that was sent, until the server responds. */
    #login: RedshiftLogin | undefined

    constructor(config: string | RedshiftPgClientConfig = {}) {
      const setUp = setUpClient(config, Base, new.target[binding])
      super(setUp.pgConfig)
      // `new.target` rather than the class's name, which bundlers would rename.
      if (!(this instanceof new.target))
        throw optionError(
          'The constructor of Client returns an object of another class. Set Client to a class that extends pg.Client.',
        )
      this.#setUp = setUp
    }

    get credentials(): RedshiftCredentials {
      if ('refused' in this.#setUp) throw this.#setUp.refused
      return this.#setUp.credentials
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
      const attempt = this.#settle
      if (attempt && pipelinesQueries(this)) return this.#endAfterQueries(callback)
      try {
        return callback ? void super.end(callback) : super.end()
      } finally {
        // pg would not settle connect(), nor end() on a socket that hangs. The callback may throw or connect again.
        if (attempt === this.#settle) this.#cutShort()
      }
    }

    /** Ends after the queries of a pipeline, as pg does. pg itself would not settle `end()` if the connection is replaced meanwhile. */
    #endAfterQueries(callback?: (error: Error) => void): Promise<void> | undefined {
      super.end(() => {})
      endOnceDrained(this)
      // Older versions of pg do not wait for the queries.
      if (isConnectionEnding(this)) this.#cutShort()
      if (callback) return void this.once('end', callback as () => void)
      return new (promiseOf(this))<void>(resolve => this.once('end', () => resolve()))
    }

    /** Rejects a `connect()` whose client is being ended. Its caller need not handle the rejection. */
    #cutShort(): void {
      this.#connecting?.catch(() => {})
      this.#giveUp(new Error('Connection terminated'))
    }

    #start(settle: Settle): void {
      if (this.#started) {
        process.nextTick(settle, new Error('Client has already been connected. You cannot reuse a client.'))
        return
      }
      this.#started = true
      this.#settle = settle
      this.#open(this.#setUp).catch(error => this.#fail(error))
    }

    async #open(setUp: ClientSetUp | RefusedSetUp): Promise<void> {
      if ('refused' in setUp) throw setUp.refused
      checkClient(this, setUp)
      const { given, connectionTimeoutMillis } = setUp
      if (connectionTimeoutMillis > 0)
        this.#timer = setTimeout(() => this.#finish(new Error('timeout expired')), connectionTimeoutMillis).unref()
      // Fetch now, in parallel with TCP and TLS. The login to send is read from the cache just before it is sent.
      // A single-use token is not cached, so it is fetched only then.
      if (!setUp.tokenLogin?.singleUse) this.#getLogin(setUp).catch(error => this.#fail(error))
      const { host, port } =
        given.host === undefined ? await this.#lookUp(setUp) : { host: given.host, port: REDSHIFT_PORT }
      setAddress(this, { host, port: given.port ?? port, database: given.database })
      this.#connect(setUp)
    }

    /** Connects. If the server refuses the login, it is replaced once inside the client, so that a pool's callers do not notice. */
    #connect(setUp: ClientSetUp, replacement?: Promise<RedshiftLogin>): void {
      if (!this.#settle) return
      this.#login = undefined
      if (setUp.alias) presentAlias(this, setUp.alias)
      const { credentials, tokenLogin } = setUp
      const place = placeOf(this)
      holdStartup(this, send =>
        this.#logIn(replacement ?? this.#getLogin(setUp, place), login => send(login, tokenLogin)),
      )
      onAccepted(this, () => {
        if (this.#login) acceptLogin(credentials, this.#login, place)
        this.#login = undefined
      })
      super.connect((error: Error | null) => {
        const login = this.#login
        if (!login || !isRefusal(error)) return this.#finish(error && tokenLogin ? explainTokenError(error) : error)
        const ageMillis = loginAge(credentials, login)
        const isAsked = refuseLogin(credentials, login, place)
        if (replacement) return this.#finish(rejectedLogin(error, login, ageMillis, 'refused twice'))
        if (!isAsked) return this.#finish(rejectedLogin(error, login, ageMillis, 'asked before'))
        this.#reconnect(setUp, { login, ageMillis, error }).catch(failure => this.#fail(failure))
      })
    }

    /** Async, because a custom `stream` function may throw. */
    async #reconnect(setUp: ClientSetUp, refusal: Refusal): Promise<void> {
      if (!renewConnection(this, Base, setUp.pgConfig)) return this.#fail(refusal.error)
      // Requested now, in parallel with TCP and TLS.
      const replacement = this.#replace(setUp, refusal)
      replacement.catch(error => this.#fail(error))
      this.#connect(setUp, replacement)
    }

    async #replace({ credentials, given }: ClientSetUp, refusal: Refusal): Promise<RedshiftLogin> {
      const login = await replaceLogin(credentials, refusal.login, this.#interrupt.signal)
      if (!login) throw rejectedLogin(refusal.error, refusal.login, refusal.ageMillis, 'no other')
      checkUser(given.user, login)
      return login
    }

    #logIn(getting: Promise<RedshiftLogin>, send: (login: RedshiftLogin) => void): void {
      this.#address = undefined
      getting
        .then(login => {
          if (!this.#settle) return
          this.#login = login
          send(login)
        })
        .catch(error => this.#fail(error))
    }

    async #getLogin({ credentials, given }: ClientSetUp, place?: string): Promise<RedshiftLogin> {
      const login = await getLogin(credentials, given, place, this.#interrupt.signal)
      checkUser(given.user, login)
      return login
    }

    async #lookUp({ credentials, given }: ClientSetUp): Promise<FoundAddress> {
      const socket = socketOf(this)
      // The time-out of a pool destroys the socket, which pg does not watch yet.
      const closed = (): void => this.#finish(new Error('Connection terminated unexpectedly'))
      socket?.once('close', closed)
      try {
        this.#address = await findAddress(credentials, given, this.#interrupt.signal)
        return this.#address
      } finally {
        socket?.off('close', closed)
      }
    }

    /** Deferred, because an exception in the caller's callback must not become an unhandled rejection. */
    #fail(error: Error): void {
      process.nextTick(() => this.#giveUp(error))
    }

    /** Finishes with an error that is unrelated to the address, so the address stays cached. */
    #giveUp(error: Error): void {
      this.#address = undefined
      this.#finish(error)
    }

    /** Settles `connect()` once. After an error, it also cleans up: the socket, the timer and the wait for AWS. */
    #finish(error: Error | null): void {
      const settle = this.#settle
      if (!settle) return
      this.#settle = this.#login = undefined
      clearTimeout(this.#timer)
      wipePassword(this)
      if (error) {
        this.#interrupt.abort()
        this.#address?.forget()
        socketOf(this)?.destroy()
        emitEndBeforeConnect(this, error)
        settle(error)
      } else settle(null, this)
    }
  }

/**
 * A `pg.Client` that fetches its login from AWS. It opens the socket at once and sends the start-up packet when it has user and password.
 * pg's time-outs cover the whole time. If the server refuses the login, the client fetches another one and tries once more. `connect()`
 * rejects with `RedshiftCredentialsError`, or with pg's own errors.
 *
 * @example
 * const client = new RedshiftPgClient({ host, database: 'dev' })
 * await client.connect()
 */
export const RedshiftPgClient: RedshiftPgClientClass = clientClass(pg.Client)
