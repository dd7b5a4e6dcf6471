import type { Socket } from 'node:net'
import type { Client } from 'pg'

/**
 * What is used of pg's insides, in one place. The specs run on the oldest and the newest pg that is supported; what is
 * missing turns the retry off, and the error goes through.
 */
export interface PgClientInternals {
  user: string
  host: string
  port: number
  ssl: unknown
  password: unknown
  connectionParameters: { user: string; host: string; port: number; password: unknown }
  connection?: PgConnectionInternals
  getStartupConf(): object
  _connectionTimeoutMillis?: number
  _connecting?: boolean
  _connectionError?: boolean
  connectionTimeoutHandle?: NodeJS.Timeout
}

export interface PgConnectionInternals {
  stream: Socket
  startup(config: object): void
  emit(event: 'error', error: unknown): boolean
  removeAllListeners(): void
  on(event: 'error', listener: () => void): void
}

const internals = (client: Client): PgClientInternals => client as unknown as PgClientInternals

/** Whether the insides of this pg are as we know them. */
export function canRenew(client: Client, config: { stream?: unknown; connection?: unknown }): boolean {
  const { connection, _connecting, _connectionError, _connectionTimeoutMillis } = internals(client)
  return (
    // A ready socket or connection cannot be had a second time.
    (config.stream === undefined || typeof config.stream === 'function') &&
    config.connection === undefined &&
    typeof connection?.startup === 'function' &&
    typeof connection.stream?.destroy === 'function' &&
    typeof connection.removeAllListeners === 'function' &&
    _connecting === true &&
    _connectionError === true &&
    typeof _connectionTimeoutMillis === 'number'
  )
}

/**
 * Puts a client whose login was refused back to where it was before connect(), on a fresh connection. Queries that wait in it stay.
 * @param create makes a client of the same configuration, whose connection is taken
 */
export function renewConnection(client: Client, create: () => Client): void {
  const old = internals(client).connection
  // Its end must not reach the client any more, nor may a late error be an uncaught exception.
  old?.removeAllListeners()
  old?.on('error', () => {})
  old?.stream.destroy()
  clearTimeout(internals(client).connectionTimeoutHandle)
  const { connection } = internals(create())
  Object.assign(client, { connection, _connecting: false, _connectionError: false })
}
