import { setTimeout as delay } from 'node:timers/promises'
import { optionError, quoted } from '../errors.js'

/** The members used of a client of the package `redis` (node-redis): a client, a cluster, a sentinel or a pool. */
export interface NodeRedisClient {
  /** Whether the client has been connected and not closed. */
  readonly isOpen: boolean
  /** Whether commands can be sent now. If a client lacks it, `isOpen` is used. */
  readonly isReady?: boolean
  /** Runs a Lua script. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

/** The members used of a client of the package `ioredis`: a `Redis` or a `Cluster`. */
export interface IoRedisClient {
  /** `ready` when commands can be sent, `wait` before the first connection with `lazyConnect`. */
  readonly status: string
  /** Connects a client that was made with `lazyConnect`. */
  connect(): Promise<unknown>
  /** Runs a Lua script. */
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>
}

/** The members used of a client of the package `@valkey/valkey-glide`: a `GlideClient` or a `GlideClusterClient`. */
export interface GlideClient {
  /** Sends a command: its name, then its arguments. */
  customCommand(args: string[]): Promise<unknown>
}

/** A client that `redisStore` can use. */
export type RedisStoreClient = NodeRedisClient | IoRedisClient | GlideClient

const READY_POLL_MILLIS = 10

/** Runs a Lua script. Rejects without sending it if `signal` has aborted. */
export type RunScript = (signal: AbortSignal, script: string, keys: string[], args: string[]) => Promise<unknown>

/**
 * Returns the function that runs scripts with a client of any of the three packages.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function runScriptWith(client: RedisStoreClient): RunScript {
  if (typeof client !== 'object' || client === null) throw clientError(client)
  if ('customCommand' in client)
    return async (signal, script, keys, args) => {
      signal.throwIfAborted()
      return client.customCommand(['EVAL', script, String(keys.length), ...keys, ...args])
    }
  if (typeof client.eval !== 'function') throw clientError(client)
  if ('status' in client)
    return async (signal, script, keys, args) => {
      await untilReady(() => isReady(client), signal)
      return client.eval(script, keys.length, ...keys, ...args)
    }
  if (!('isOpen' in client)) throw clientError(client)
  const promiseClient = withPromises(client)
  return async (signal, script, keys, args) => {
    await untilReady(() => client.isReady ?? client.isOpen, signal)
    return promiseClient.eval(script, { keys, arguments: args })
  }
}

const clientError = (client: unknown) =>
  optionError(
    `The client of redisStore is ${quoted(client)}. Pass a client of redis 4 or later (createClient), ioredis (new Redis) or @valkey/valkey-glide (GlideClient).`,
  )

/** In the legacy mode of node-redis 4, commands expect a callback and return nothing. The promise-based commands are under `v4`. */
function withPromises(client: NodeRedisClient): Pick<NodeRedisClient, 'eval'> {
  const { options } = client as { options?: { legacyMode?: unknown } | undefined }
  // Without legacy mode, the getter `v4` throws.
  return options?.legacyMode ? (client as unknown as { v4: NodeRedisClient }).v4 : client
}

/** Waits for the connection. Clients queue earlier commands and send them after the caller has given up, which would leave a claim without an owner. */
async function untilReady(isReady: () => boolean, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  while (!isReady()) await delay(READY_POLL_MILLIS, undefined, { signal, ref: false })
}

/** Whether commands can be sent. With `lazyConnect`, ioredis connects at the first command, so this connects instead. */
function isReady(client: IoRedisClient): boolean {
  if (client.status === 'wait') client.connect().catch(() => {})
  return client.status === 'ready'
}
