import pg from 'pg'
import { acceptLogin, type FoundAddress, findAddress, getLogin, refuseLogin, replaceLogin } from '../credentials.js'
import { optionError, quoted } from '../errors.js'
import { isMarked, mark } from '../intake.js'
import type { RedshiftLogin } from '../login.js'
import { type Binding, REDSHIFT_PORT, type RedshiftPgClientConfig } from './config.js'
import {
  direct,
  endOnceDrained,
  endUnconnected,
  holdStartup,
  isConnectionEnding,
  onAccepted,
  pipelinesQueries,
  presentAlias,
  promiseOf,
  renewConnection,
  socketOf,
  wipePassword,
} from './internals.js'
import { checkUser, explainTokenError, placeOf, rejectedLogin } from './login.js'
import { isRefusal } from './server-messages.js'
import { type ClientSetUp, checkClient, type RefusedSetUp, setUpClient } from './set-up.js'

/** A client that logs in with a user and a password of one pair, fetched from AWS. Otherwise a `pg.Client`. */
export interface RedshiftPgClient extends pg.Client {}

/** The class, for `PoolConfig['Client']`, or to be extended. `connect` is pg's own in the types: it differs between versions. */
export interface RedshiftPgClientClass {
  /** The configuration is optional for pg-pool's types; without it, `PG*` variables must say it all. */
  new (config?: string | RedshiftPgClientConfig): RedshiftPgClient
}

/** Ends a `connect()`, in its callback or its promise form. */
type Settle = (error: Error | null, client?: pg.Client) => void

const classes = new WeakMap<typeof pg.Client, RedshiftPgClientClass>()

/** What a class of ours is bound to. Inherited by what extends it. */
export const binding = Symbol('binding')

/** What `redshiftPoolOptions` has bound a class to. */
export const bindingOf = (Client: unknown): Binding | undefined =>
  typeof Client === 'function' ? (Client as { [binding]?: Binding })[binding] : undefined

/**
 * The class on top of a given one: the user's, an APM's, or that of another copy of pg. One of ours stays as it is.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function clientClass(Base: unknown): RedshiftPgClientClass {
  checkClientClass(Base)
  if (binding in Base) return Base
  const made = classes.get(Base) ?? extend(Base)
  mark(made)
  classes.set(Base, made)
  return made
}

function checkClientClass(Base: unknown): asserts Base is typeof pg.Client {
  // A connect() is what pg-pool needs of it, too.
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
    /** Settles `connect()`; undefined before and after. */
    #settle: Settle | undefined
    /** What the promise form of `connect()` has returned. */
    #connecting: Promise<pg.Client> | undefined
    #timer: NodeJS.Timeout | undefined
    /** Ends the wait for AWS when nobody waits for us any more. */
    readonly #interrupt = new AbortController()
    /** An address that was looked up, until it proves to be good. */
    #address: FoundAddress | undefined
    /** What the server was shown, until it answers. */
    #login: RedshiftLogin | undefined

    constructor(config: string | RedshiftPgClientConfig = {}) {
      const setUp = setUpClient(config, Base, new.target[binding])
      super(setUp.pgConfig)
      // Not by the name of the class: bundlers would rename it.
      if (!(this instanceof new.target))
        throw optionError(
          'The constructor of Client returns an object of another class. Set Client to a class that extends pg.Client.',
        )
      this.#setUp = setUp
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
        // pg would settle neither connect() nor, on a socket that hangs, this. The callback may throw, or connect.
        if (attempt === this.#settle) this.#cutShort()
      }
    }

    /** pg serves queries in a pipeline first, but would forget the caller when the connection is replaced. */
    #endAfterQueries(callback?: (error: Error) => void): Promise<void> | undefined {
      super.end(() => {})
      endOnceDrained(this)
      // Older versions of pg do not wait.
      if (isConnectionEnding(this)) this.#cutShort()
      if (callback) return void this.once('end', callback as () => void)
      return new (promiseOf(this))<void>(resolve => this.once('end', () => resolve()))
    }

    /** Ends a `connect()` for its own caller, who need not wait for it. */
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
      // Started now, to run beside TCP and TLS; the login is taken at the last moment.
      // A single-use token is asked for once.
      if (!setUp.tokenLogin?.singleUse) this.#getLogin(setUp).catch(error => this.#fail(error))
      const { host, port } =
        given.host === undefined ? await this.#lookUp(setUp) : { host: given.host, port: REDSHIFT_PORT }
      direct(this, { host, port: given.port ?? port, database: given.database })
      this.#connect(setUp)
    }

    /** A login that the server refuses is replaced once, in here: callers in a pool's queue do not notice. */
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
        const isAsked = refuseLogin(credentials, login, place)
        if (!isAsked || replacement) return this.#finish(rejectedLogin(error, login))
        this.#reconnect(setUp, login, error).catch(failure => this.#fail(failure))
      })
    }

    /** Async for the exceptions: whoever makes the sockets may throw. */
    async #reconnect(setUp: ClientSetUp, refused: RedshiftLogin, refusal: Error): Promise<void> {
      if (!renewConnection(this, Base, setUp.pgConfig)) return this.#fail(refusal)
      // Asked for now, to run beside TCP and TLS.
      const replacement = this.#replace(setUp, refused, refusal)
      replacement.catch(error => this.#fail(error))
      this.#connect(setUp, replacement)
    }

    async #replace(
      { credentials, given }: ClientSetUp,
      refused: RedshiftLogin,
      refusal: Error,
    ): Promise<RedshiftLogin> {
      const login = await replaceLogin(credentials, refused, this.#interrupt.signal)
      if (!login) throw rejectedLogin(refusal, refused)
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
      // A pool's time-out closes the socket, which has nothing to do yet.
      const closed = (): void => this.#finish(new Error('Connection terminated unexpectedly'))
      socket?.once('close', closed)
      try {
        this.#address = await findAddress(credentials, given, this.#interrupt.signal)
        return this.#address
      } finally {
        socket?.off('close', closed)
      }
    }

    /** Out of a promise, an exception in the caller's callback would be an unhandled rejection. */
    #fail(error: Error): void {
      process.nextTick(() => this.#giveUp(error))
    }

    /** For a reason that says nothing of the address. */
    #giveUp(error: Error): void {
      this.#address = undefined
      this.#finish(error)
    }

    /** Settles `connect()`, once. After an error, nothing is left of the attempt: no socket, no timer, nobody who waits for AWS. */
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
        endUnconnected(this, error)
        settle(error)
      } else settle(null, this)
    }
  }

/**
 * A `pg.Client` that fetches its login from AWS. It opens the socket at once and holds the start-up packet until it has user and
 * password, so that the time-outs of pg hold throughout. A login that the server refuses is replaced once, inside the client.
 *
 * @example
 * const client = new RedshiftPgClient({ host, database: 'dev' })
 * await client.connect()
 */
export const RedshiftPgClient: RedshiftPgClientClass = clientClass(pg.Client)
