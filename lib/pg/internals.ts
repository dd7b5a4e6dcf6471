import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type pg from 'pg'
import type { TokenLogin } from '../identity-provider.js'
import type { RedshiftLogin } from '../login.js'
import { interceptAuthentication } from './handshake.js'
import { acceptServerName, type ServerAlias } from './server-name.js'

/*
 * Everything that we use of pg's internals, in one place. The specs run on the oldest and the newest supported version of pg.
 */

interface ClientInternals {
  user: string
  readonly ssl?: unknown
  readonly connectionParameters: object
  /** Undefined for `pg.native`. */
  readonly connection?: ConnectionInternals
  getStartupConf(): object
  readonly _connecting?: boolean
  readonly _connectionError?: boolean
  readonly _Promise?: PromiseConstructor
  readonly pipeline?: boolean
  readonly _queryQueue?: readonly unknown[]
  _errorAllQueries?(error: Error): void
}

interface ConnectionInternals extends EventEmitter {
  /** The socket, or the TLS socket once TLS begins. */
  readonly stream: Duplex & {
    readonly encrypted?: boolean
    readonly secureConnecting?: boolean
    connect(...target: unknown[]): unknown
  }
  ssl: pg.ClientConfig['ssl']
  connect(...target: unknown[]): void
  attachListeners?(stream: Duplex): void
  readonly _ending?: boolean
  end(): void
  startup(parameters: object): void
}

const internals = (client: pg.Client): ClientInternals => client as unknown as ClientInternals

/** Lets pg parse a configuration early. Parsing may read files and throw; `connect()` must reject with that error. */
export function parseEarly(Base: typeof pg.Client, config: pg.ClientConfig): void {
  // Use pg's own class, because the constructor of a subclass may use the connection.
  let prototype: object = Base.prototype
  for (let next: object = prototype; next && 'connect' in next; next = Object.getPrototypeOf(next)) prototype = next
  const Root = prototype.constructor as typeof pg.Client
  // A placeholder, so that pg does not create a connection with a socket.
  const connection = {}
  new Root({ ...config, connection } as pg.ClientConfig)
}

/** Whether this is a client of `pg.native`. */
export const isNative = (client: pg.Client): boolean => internals(client).connection === undefined

/** The value of `ssl` after pg has parsed the configuration: true, options, false, or any other value from a connection string. */
export const sslOf = (client: pg.Client): unknown => internals(client).ssl

/** Sets parameters in both places where pg keeps them: on the client and in its connectionParameters. */
function setParameters(client: pg.Client, parameters: object): void {
  Object.assign(client, parameters)
  Object.assign(internals(client).connectionParameters, parameters)
}

/** Sets where to connect. Overrides pg's connection string, `PG*` variables and defaults. */
export const setAddress = (client: pg.Client, address: { host: string; port: number; database: string }): void =>
  setParameters(client, address)

/**
 * Makes TLS send and verify the cluster's own name while pg connects to another host. pg uses one host for both the socket and TLS, so pg
 * receives the cluster's name and the socket receives the host.
 */
export function sendServerName(client: pg.Client, alias: ServerAlias): void {
  const { connection } = internals(client)
  const ssl = connection && acceptServerName(connection.ssl, alias)
  if (!ssl) return
  const connect = connection.connect.bind(connection)
  connection.ssl = ssl
  connection.connect = (...target) => {
    const { stream } = connection
    const connectSocket = stream.connect
    stream.connect = () => {
      stream.connect = connectSocket
      return connectSocket.apply(stream, target)
    }
    connect(target[0], alias.clusterHost)
  }
}

export const clearPassword = (client: pg.Client): void => setParameters(client, { password: null })

export const socketOf = (client: pg.Client): Duplex | undefined => internals(client).connection?.stream

/** pg's deprecated option `Promise`, or the global one. */
export const promiseOf = (client: pg.Client): PromiseConstructor => internals(client)._Promise ?? Promise

/** Whether a client in pipeline mode has queries. pg completes them before it ends the client. */
export const hasPipelinedQueries = (client: pg.Client): boolean => {
  const { pipeline, _queryQueue } = internals(client)
  return pipeline === true && _queryQueue !== undefined && _queryQueue.length > 0
}

export const isConnectionEnding = (client: pg.Client): boolean => internals(client).connection?._ending === true

/** Ends a client after its queries. Until pg connects, its own end() would treat the client as ended. */
export function endAfterDrain(client: pg.Client): void {
  if (!internals(client)._connecting) client.once('drain', () => internals(client).connection?.end())
}

/** Does what pg does when a socket closes, for a client that ends before pg connects. */
export function emitEndBeforeConnect(client: pg.Client, error: Error): void {
  if (internals(client)._connecting) return
  internals(client)._errorAllQueries?.(error)
  process.nextTick(() => client.emit('end'))
}

/** Sends the held start-up packet with this login. */
export type SendStartup = (login: RedshiftLogin, tokenLogin: TokenLogin | undefined) => void

/** Holds the start-up packet, which contains the user. Calls `ready` when TLS is established and verified, so the packet can be sent. */
export function holdStartup(client: pg.Client, ready: (send: SendStartup) => void): void {
  const { connection } = internals(client)
  if (!connection) return
  const startup = connection.startup.bind(connection)
  const setSecret = interceptAuthentication(connection)
  const send: SendStartup = ({ user, password }, tokenLogin) => {
    if (tokenLogin) {
      setSecret({ kind: 'token', token: password })
      startup(tokenStartupParameters(client, tokenLogin))
      return
    }
    setSecret({ kind: 'password', password })
    setParameters(client, { user, password })
    startup(internals(client).getStartupConf())
  }
  connection.startup = () => {
    const { stream } = connection
    // pg calls startup() when the TLS handshake begins. With a stream from the user, the handshake may already be complete.
    if (stream.encrypted && stream.secureConnecting !== false) stream.once('secureConnect', () => ready(send))
    else ready(send)
  }
}

/** Calls back when the server accepts the login on the client's current connection. */
export const onAccepted = (client: pg.Client, callback: () => void): void =>
  void internals(client).connection?.once('authenticationOk', callback)

/** The start-up parameters of a token login: pg's own without the user, because the token identifies the person. */
function tokenStartupParameters(client: pg.Client, { parameters }: TokenLogin): object {
  setParameters(client, { user: undefined, password: null })
  const { user: _, ...own } = internals(client).getStartupConf() as { user?: unknown }
  return { ...own, ...parameters }
}

/**
 * Resets a client that failed to connect, and gives it a new connection. Its queued queries stay.
 * @returns false, without any change, if that is not possible
 */
export function replaceConnection(client: pg.Client, Base: typeof pg.Client, config: pg.ClientConfig): boolean {
  const { connection, _connecting, _connectionError } = internals(client)
  if (_connecting !== true || _connectionError !== true || !connection) return false
  // A socket or connection from the user cannot be created again. As in pg, null counts as missing.
  if ((config.stream && typeof config.stream === 'object') || ('connection' in config && config.connection))
    return false
  const fresh = internals(new Base(config)).connection
  // The old connection must no longer notify the client, and its late errors must not be uncaught exceptions.
  connection.removeAllListeners().on('error', () => {})
  connection.stream.destroy()
  Object.assign(client, { connection: fresh, _connecting: false, _connectionError: false })
  return true
}
