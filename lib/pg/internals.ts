import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type pg from 'pg'
import type { TokenLogin } from '../identity-provider.js'
import type { RedshiftLogin } from '../login.js'
import { interceptAuthentication } from './handshake.js'
import { type Alias, verifyNamedAlias } from './server-name.js'

/*
 * What is used of pg's insides, in one place. The specs run on the oldest and on the newest pg that is supported.
 */

interface ClientInternals {
  user: string
  readonly ssl?: unknown
  readonly connectionParameters: object
  /** `pg.native` has none. */
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
  /** The socket; once TLS begins, the one on top of it. */
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

/** Has pg parse a configuration, without a client that a pool would be waiting for: it reads files, and throws. */
export function dryRun(Base: typeof pg.Client, config: pg.ClientConfig): void {
  // pg's own class: one that extends it may use the connection in its constructor.
  let prototype: object = Base.prototype
  for (let next: object = prototype; next && 'connect' in next; next = Object.getPrototypeOf(next)) prototype = next
  const Root = prototype.constructor as typeof pg.Client
  // Instead of a connection, for which pg would make a socket.
  const connection = {}
  new Root({ ...config, connection } as pg.ClientConfig)
}

/** Whether this is a client of `pg.native`. */
export const isNative = (client: pg.Client): boolean => internals(client).connection === undefined

/** What pg has found for TLS: true, options, false, or whatever else a connection string says. */
export const sslOf = (client: pg.Client): unknown => internals(client).ssl

/** Sets what pg keeps twice: on the client, and in the parameters that it parsed. */
function setParameters(client: pg.Client, parameters: object): void {
  Object.assign(client, parameters)
  Object.assign(internals(client).connectionParameters, parameters)
}

/** Where to connect, over what pg found in a connection string, in `PG*` and in its defaults. */
export const direct = (client: pg.Client, to: { host: string; port: number; database: string }): void =>
  setParameters(client, { host: to.host, port: to.port, database: to.database })

/**
 * Has TLS name the cluster to the server and verify it by that name, too, where pg is to dial another one. pg passes the host that
 * it dials on to TLS: it is told the cluster's name instead, and its socket the host.
 */
export function presentAlias(client: pg.Client, alias: Alias): void {
  const { connection } = internals(client)
  const ssl = connection && verifyNamedAlias(connection.ssl, alias)
  if (!ssl) return
  const connect = connection.connect.bind(connection)
  connection.ssl = ssl
  connection.connect = (...target) => {
    const { stream } = connection
    const dial = stream.connect
    stream.connect = () => {
      stream.connect = dial
      return dial.apply(stream, target)
    }
    connect(target[0], alias.own)
  }
}

export const wipePassword = (client: pg.Client): void => setParameters(client, { password: null })

export const socketOf = (client: pg.Client): Duplex | undefined => internals(client).connection?.stream

/** The deprecated option Promise of pg, or the usual one. */
export const promiseOf = (client: pg.Client): PromiseConstructor => internals(client)._Promise ?? Promise

/** Whether queries wait in a pipeline, which pg serves before it ends a client. */
export const pipelinesQueries = (client: pg.Client): boolean => {
  const { pipeline, _queryQueue } = internals(client)
  return pipeline === true && _queryQueue !== undefined && _queryQueue.length > 0
}

export const isConnectionEnding = (client: pg.Client): boolean => internals(client).connection?._ending === true

/** Ends a client after its queries where pg, which has not begun to connect, would take it for ended. */
export function endOnceDrained(client: pg.Client): void {
  if (!internals(client)._connecting) client.once('drain', () => internals(client).connection?.end())
}

/** For a client that ends before pg has begun to connect it: does what pg does when a socket closes. */
export function endUnconnected(client: pg.Client, error: Error): void {
  if (internals(client)._connecting) return
  internals(client)._errorAllQueries?.(error)
  process.nextTick(() => client.emit('end'))
}

/** Sends what was held, in the name of this user. */
export type SendStartup = (login: RedshiftLogin, tokenLogin: TokenLogin | undefined) => void

/** Holds the start-up packet, which names the user. `ready` is called when it can be sent: TLS is up, and verified. */
export function holdStartup(client: pg.Client, ready: (send: SendStartup) => void): void {
  const { connection } = internals(client)
  if (!connection) return
  const startup = connection.startup.bind(connection)
  const prove = interceptAuthentication(connection)
  const send: SendStartup = ({ user, password }, tokenLogin) => {
    if (tokenLogin) {
      prove({ kind: 'token', token: password })
      startup(tokenStartup(client, tokenLogin))
      return
    }
    prove({ kind: 'password', password })
    setParameters(client, { user, password })
    startup(internals(client).getStartupConf())
  }
  connection.startup = () => {
    const { stream } = connection
    // pg calls this as soon as the TLS handshake begins; over a stream that was given, it may be done.
    if (stream.encrypted && stream.secureConnecting !== false) stream.once('secureConnect', () => ready(send))
    else ready(send)
  }
}

/** Calls back when the server accepts the login, on the connection that the client has now. */
export const onAccepted = (client: pg.Client, callback: () => void): void =>
  void internals(client).connection?.once('authenticationOk', callback)

/** The start-up parameters of a token login: pg's own without the user, which the token names. pg would take the system account for it. */
function tokenStartup(client: pg.Client, { parameters }: TokenLogin): object {
  setParameters(client, { user: undefined, password: null })
  const { user: _, ...own } = internals(client).getStartupConf() as { user?: unknown }
  return { ...own, ...parameters }
}

/**
 * Puts a client that failed to connect back to where it was before, on a fresh connection. Queries that wait in it stay.
 * @returns false where that cannot be: then nothing was done.
 */
export function renewConnection(client: pg.Client, Base: typeof pg.Client, config: pg.ClientConfig): boolean {
  const { connection, _connecting, _connectionError } = internals(client)
  if (_connecting !== true || _connectionError !== true || !connection) return false
  // A socket or a connection that was given ready-made cannot be had a second time.
  if (typeof config.stream === 'object' || 'connection' in config) return false
  const fresh = internals(new Base(config)).connection
  // The end of the old one must not reach the client any more, nor may a late error be an uncaught exception.
  connection.removeAllListeners().on('error', () => {})
  connection.stream.destroy()
  Object.assign(client, { connection: fresh, _connecting: false, _connectionError: false })
  return true
}
