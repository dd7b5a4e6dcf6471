import type pg from 'pg'
import type { FoundAddress } from '../credentials.js'
import type { RedshiftLogin } from '../login.js'
import { placeOf, REDSHIFT_PORT } from './config.js'
import {
  emitEndBeforeConnect,
  holdStartup,
  onAccepted,
  presentAlias,
  renewConnection,
  setAddress,
  socketOf,
  wipePassword,
} from './internals.js'
import { explainTokenError, rejectedLogin } from './rejected-login.js'
import { isRefusal } from './server-messages.js'
import { type ClientSetUp, checkClient, type RefusedSetUp } from './set-up.js'
import { checkUser } from './user.js'

/** The client that connects. */
interface ConnectingClient {
  readonly client: pg.Client
  readonly Base: typeof pg.Client
  /** Connects as the base class does, without a login. */
  readonly connect: (callback: (error: Error | null) => void) => void
}

/** Settles a `connect()` call, with a callback or a promise. */
export type Settle = (error: Error | null, client?: pg.Client) => void

/** A login that the server refused. */
interface Refusal {
  readonly login: RedshiftLogin
  readonly ageMillis: number | undefined
  readonly error: Error
}

/** One call of `connect()`. If the server refuses the login, it connects a second time with another login. */
export class ConnectAttempt {
  readonly #client: pg.Client
  readonly #Base: typeof pg.Client
  readonly #connectBase: ConnectingClient['connect']
  /** Undefined once the call has settled. */
  #settle: Settle | undefined
  #timer: NodeJS.Timeout | undefined
  /** Stops waiting for AWS when the call fails. */
  readonly #abortController = new AbortController()
  /** The address that was looked up; undefined if the host is configured. */
  #address: FoundAddress | undefined
  /** Whether a server has accepted a connection, including TLS. */
  #isReached = false
  /** The login that was sent, until the server responds. */
  #login: RedshiftLogin | undefined

  constructor({ client, Base, connect }: ConnectingClient, settle: Settle) {
    this.#client = client
    this.#Base = Base
    this.#connectBase = connect
    this.#settle = settle
  }

  get isPending(): boolean {
    return this.#settle !== undefined
  }

  start(setUp: ClientSetUp | RefusedSetUp): void {
    this.#open(setUp).catch(error => this.#fail(error))
  }

  /** Rejects the call at once, because the client is being ended. */
  terminate(): void {
    this.#finish(new Error('Connection terminated'), false)
  }

  async #open(setUp: ClientSetUp | RefusedSetUp): Promise<void> {
    if ('refused' in setUp) throw setUp.refused
    checkClient(this.#client, setUp)
    const { given, connectionTimeoutMillis } = setUp
    if (connectionTimeoutMillis > 0)
      this.#timer = setTimeout(
        () => this.#finish(new Error('timeout expired'), !this.#isReached),
        connectionTimeoutMillis,
      ).unref()
    // Fetch now, in parallel with TCP and TLS. The login to send is read from the cache just before it is sent.
    // A single-use token is not cached, so it is fetched only then.
    if (!setUp.tokenLogin?.singleUse) this.#getLogin(setUp).catch(error => this.#fail(error))
    const { host, port } =
      given.host === undefined ? await this.#lookUp(setUp) : { host: given.host, port: REDSHIFT_PORT }
    setAddress(this.#client, { host, port: given.port ?? port, database: given.database })
    this.#connect(setUp)
  }

  /** Connects. A refused login is replaced once, inside the client, so that a pool's callers do not notice. */
  #connect(setUp: ClientSetUp, replacement?: Promise<RedshiftLogin>): void {
    if (!this.isPending) return
    this.#login = undefined
    if (setUp.alias) presentAlias(this.#client, setUp.alias)
    const { credentials, tokenLogin } = setUp
    const place = placeOf(this.#client)
    holdStartup(this.#client, send =>
      this.#logIn(replacement ?? this.#getLogin(setUp, place), login => send(login, tokenLogin)),
    )
    onAccepted(this.#client, () => {
      if (this.#login) credentials.acceptLogin(this.#login, place)
      this.#login = undefined
    })
    this.#connectBase(error => {
      const login = this.#login
      if (!login || !isRefusal(error))
        return this.#finish(error && tokenLogin ? explainTokenError(error) : error, !this.#isReached)
      const ageMillis = credentials.loginAge(login)
      const isAsked = credentials.refuseLogin(login, place)
      if (replacement) return this.#finish(rejectedLogin(error, login, ageMillis, 'refused twice'), false)
      if (!isAsked) return this.#finish(rejectedLogin(error, login, ageMillis, 'asked before'), false)
      this.#reconnect(setUp, { login, ageMillis, error }).catch(failure => this.#fail(failure))
    })
  }

  /** Async, because a custom `stream` function may throw. */
  async #reconnect(setUp: ClientSetUp, refusal: Refusal): Promise<void> {
    if (!renewConnection(this.#client, this.#Base, setUp.pgConfig)) return this.#fail(refusal.error)
    // Requested now, in parallel with TCP and TLS.
    const replacement = this.#replace(setUp, refusal)
    replacement.catch(error => this.#fail(error))
    this.#connect(setUp, replacement)
  }

  async #replace({ credentials, given }: ClientSetUp, refusal: Refusal): Promise<RedshiftLogin> {
    const login = await credentials.replaceLogin(refusal.login, this.#abortController.signal)
    if (!login) throw rejectedLogin(refusal.error, refusal.login, refusal.ageMillis, 'no other')
    checkUser(given.user, login)
    return login
  }

  #logIn(getting: Promise<RedshiftLogin>, send: (login: RedshiftLogin) => void): void {
    this.#isReached = true
    getting
      .then(login => {
        if (!this.isPending) return
        this.#login = login
        send(login)
      })
      .catch(error => this.#fail(error))
  }

  async #getLogin({ credentials, given }: ClientSetUp, place?: string): Promise<RedshiftLogin> {
    const login = await credentials.getLogin(given, place, this.#abortController.signal)
    checkUser(given.user, login)
    return login
  }

  async #lookUp({ credentials, given }: ClientSetUp): Promise<FoundAddress> {
    const socket = socketOf(this.#client)
    // The time-out of a pool destroys the socket, which pg does not watch yet.
    const closed = (): void => this.#finish(new Error('Connection terminated unexpectedly'), false)
    socket?.once('close', closed)
    try {
      this.#address = await credentials.findAddress(given, this.#abortController.signal)
      return this.#address
    } finally {
      socket?.off('close', closed)
    }
  }

  /** Finishes with an error that says nothing about the address. Deferred, so that an exception in the caller's callback stays uncaught. */
  #fail(error: Error): void {
    process.nextTick(() => this.#finish(error, false))
  }

  /**
   * Settles `connect()` once. After an error, it also cleans up: the socket, the timer and the wait for AWS.
   * @param isAddressSuspect whether the address may be wrong. It is then looked up again for the next connection.
   */
  #finish(error: Error | null, isAddressSuspect: boolean): void {
    const settle = this.#settle
    if (!settle) return
    this.#settle = this.#login = undefined
    clearTimeout(this.#timer)
    wipePassword(this.#client)
    if (!error) {
      settle(null, this.#client)
      return
    }
    this.#abortController.abort()
    if (isAddressSuspect) this.#address?.forget()
    socketOf(this.#client)?.destroy()
    emitEndBeforeConnect(this.#client, error)
    settle(error)
  }
}
