import type pg from 'pg'
import type { FoundAddress } from '../credentials.js'
import type { RedshiftLogin } from '../login.js'
import { type ClientSetup, checkClient, type InvalidSetup } from './client-setup.js'
import { placeOf, REDSHIFT_PORT } from './config.js'
import {
  clearPassword,
  emitEndBeforeConnect,
  holdStartup,
  onAccepted,
  replaceConnection,
  sendServerName,
  setAddress,
  socketOf,
} from './internals.js'
import { explainTokenError, rejectedLogin } from './rejected-login.js'
import { isRefusal } from './server-messages.js'
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

  start(setup: ClientSetup | InvalidSetup): void {
    this.#open(setup).catch(error => this.#fail(error))
  }

  /** Rejects the call at once, because the client is being ended. */
  terminate(): void {
    if (this.isPending) this.#finish(new Error('Connection terminated'), false)
  }

  async #open(setup: ClientSetup | InvalidSetup): Promise<void> {
    if ('error' in setup) throw setup.error
    checkClient(this.#client, setup)
    const { settings, connectionTimeoutMillis } = setup
    if (connectionTimeoutMillis > 0)
      this.#timer = setTimeout(
        () => this.#finish(new Error('timeout expired'), !this.#isReached),
        connectionTimeoutMillis,
      ).unref()
    // Fetch now, in parallel with TCP and TLS. The login is read from the cache just before it is sent.
    // A single-use token is not cached, so it is not fetched before then.
    if (!setup.tokenLogin?.singleUse) this.#getLogin(setup).catch(error => this.#fail(error))
    const { host, port } =
      settings.host === undefined ? await this.#lookUp(setup) : { host: settings.host, port: REDSHIFT_PORT }
    setAddress(this.#client, { host, port: settings.port ?? port, database: settings.database })
    this.#connect(setup)
  }

  /** Connects. A refused login is replaced once, inside the client, so that a pool's callers do not notice. */
  #connect(setup: ClientSetup, replacement?: Promise<RedshiftLogin>): void {
    if (!this.isPending) return
    this.#login = undefined
    if (setup.alias) sendServerName(this.#client, setup.alias)
    const { credentials, tokenLogin } = setup
    const place = placeOf(this.#client)
    holdStartup(this.#client, send =>
      this.#logIn(replacement ?? this.#getLogin(setup, place), login => send(login, tokenLogin)),
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
      const isReplaceable = credentials.refuseLogin(login, place)
      if (replacement) return this.#finish(rejectedLogin(error, login, ageMillis, 'refused twice'), false)
      if (!isReplaceable) return this.#finish(rejectedLogin(error, login, ageMillis, 'too soon'), false)
      this.#reconnect(setup, { login, ageMillis, error }).catch(failure => this.#fail(failure))
    })
  }

  /** Async, because a custom `stream` function may throw. */
  async #reconnect(setup: ClientSetup, refusal: Refusal): Promise<void> {
    if (!replaceConnection(this.#client, this.#Base, setup.pgConfig)) return this.#fail(refusal.error)
    // Fetch now, in parallel with TCP and TLS.
    const replacement = this.#replace(setup, refusal)
    replacement.catch(error => this.#fail(error))
    this.#connect(setup, replacement)
  }

  async #replace({ credentials, settings }: ClientSetup, refusal: Refusal): Promise<RedshiftLogin> {
    const login = await credentials.replaceLogin(refusal.login, this.#abortController.signal)
    if (!login) throw rejectedLogin(refusal.error, refusal.login, refusal.ageMillis, 'no other')
    checkUser(settings.user, login)
    return login
  }

  #logIn(fetched: Promise<RedshiftLogin>, send: (login: RedshiftLogin) => void): void {
    this.#isReached = true
    fetched
      .then(login => {
        if (!this.isPending) return
        this.#login = login
        send(login)
      })
      .catch(error => this.#fail(error))
  }

  async #getLogin({ credentials, settings }: ClientSetup, place?: string): Promise<RedshiftLogin> {
    const login = await credentials.getLogin(settings, place, this.#abortController.signal)
    checkUser(settings.user, login)
    return login
  }

  async #lookUp({ credentials, settings }: ClientSetup): Promise<FoundAddress> {
    const socket = socketOf(this.#client)
    // A pool's timeout destroys the socket, which pg does not watch yet.
    const onClose = (): void => this.#finish(new Error('Connection terminated unexpectedly'), false)
    socket?.once('close', onClose)
    try {
      this.#address = await credentials.findAddress(settings, this.#abortController.signal)
      return this.#address
    } finally {
      socket?.off('close', onClose)
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
    clearPassword(this.#client)
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
