import { setTimeout as delay } from 'node:timers/promises'
import { optionError, quoted } from '../errors.js'
import { checkNames } from '../intake.js'
import { toKeys } from './keys.js'
import { type CredentialStore, checkIdentity, type EncryptionKey, type StoreEntry } from './store.js'

export type { CredentialStore, EncryptionKey, StoredValue, StoreEntry } from './store.js'

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

/** A client that {@link redisStore} can use. */
export type RedisStoreClient = NodeRedisClient | IoRedisClient | GlideClient

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * At least one key for AES-256-GCM: 32 random bytes each, or their base64 encoding (`openssl rand -base64 32`). The first one encrypts,
   * all of them decrypt. To rotate keys, add the new one last, then move it first, then remove the old one.
   */
  encryptionKeys: readonly EncryptionKey[]
  /**
   * Identifies the processes that share logins: a string that all processes of one AWS identity use, and no others. For example, the
   * ARN of their role.
   */
  identity: string
  /** Prefix of the keys in Redis. Default: `pg-redshift-iam:`. */
  prefix?: string | undefined
}

/** One script, because separate `GET` and `PTTL` commands could pair an old value with a new lifetime. */
const READ = `local claimed = redis.call('GET', KEYS[2]) and 1 or 0
local value = redis.call('GET', KEYS[1])
return value and { claimed, value, redis.call('PTTL', KEYS[1]) } or { claimed }`

const CLAIM = `if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[2]) == ARGV[1] and redis.call('PEXPIRE', KEYS[2], ARGV[2])`

// A client may resend the script after losing a response. If the first run stored the value, the second one succeeds, too.
const WRITE = `if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.call('GET', KEYS[1]) == ARGV[2] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1`

const RELEASE = `return redis.call('GET', KEYS[2]) == ARGV[1] and redis.call('DEL', KEYS[2])`

const REMOVE = `return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1])`

const READY_POLL_MILLIS = 10

/**
 * Shares logins through Redis or Valkey. You create, connect and close the client: one of `redis` (node-redis), `ioredis` or
 * `@valkey/valkey-glide`, for a single server or a cluster. Nothing is sent before the client is ready; waiting for its connection counts
 * towards the 300 ms that an operation may take. The Redis user needs `EVAL`, and `GET`, `SET`, `PTTL`, `PEXPIRE` and `DEL` on keys that
 * begin with the prefix.
 *
 * @example
 * const client = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect()
 * const store = redisStore(client, { encryptionKeys: [process.env.LOGIN_KEY ?? ''], identity: 'arn:aws:iam::123456789012:role/reports' })
 * const pool = new RedshiftPool({ host, database, redshift: { store } })
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function redisStore(client: RedisStoreClient, options: RedisStoreOptions): CredentialStore {
  return new RedisStore(client, options)
}

class RedisStore implements CredentialStore {
  readonly #evaluate: Evaluate
  readonly #prefix: string
  readonly #encryptionKeys: readonly EncryptionKey[]
  readonly identity: string

  constructor(client: RedisStoreClient, options: RedisStoreOptions) {
    this.#evaluate = evaluateWith(client)
    checkNames('redisStore', options, ['encryptionKeys', 'identity', 'prefix'])
    const { encryptionKeys, identity, prefix = 'pg-redshift-iam:' } = options
    checkIdentity('identity', identity)
    if (typeof prefix !== 'string')
      throw optionError(`prefix is ${quoted(prefix)}. Set it to a string, or leave it out.`)
    // With empty braces, Redis hashes the whole key, which would put a value and its claim on different nodes.
    if (/^[^{]*\{\}/.test(prefix))
      throw optionError(
        `prefix is ${quoted(prefix)}, and empty braces put a login and its claim on different nodes of a Redis cluster. Remove the braces, or write a name between them.`,
      )
    this.#prefix = prefix
    this.#encryptionKeys = toKeys(encryptionKeys)
    this.identity = identity
  }

  // A getter of a private field, so that `inspect` and JSON do not show the keys.
  get encryptionKeys(): readonly EncryptionKey[] {
    return this.#encryptionKeys
  }

  async read(key: string, signal: AbortSignal): Promise<StoreEntry> {
    const found = await this.#run(signal, READ, key)
    if (!Array.isArray(found)) throw new TypeError('The client did not return what the script returned.')
    const [claimed, value, remaining] = found
    const stored = value == null ? undefined : { value: String(value), remainingMillis: Number(remaining) }
    return { stored, claimed: Number(claimed) === 1 }
  }

  async claim(key: string, token: string, millis: number, signal: AbortSignal): Promise<boolean> {
    return Number(await this.#run(signal, CLAIM, key, token, String(millis))) === 1
  }

  async write(key: string, token: string, value: string, lifetimeMillis: number, signal: AbortSignal) {
    return Number(await this.#run(signal, WRITE, key, token, value, String(lifetimeMillis))) === 1
  }

  async release(key: string, token: string, signal: AbortSignal): Promise<void> {
    await this.#run(signal, RELEASE, key, token)
  }

  async remove(key: string, value: string, signal: AbortSignal): Promise<void> {
    await this.#run(signal, REMOVE, key, value)
  }

  #run(signal: AbortSignal, script: string, key: string, ...args: string[]): Promise<unknown> {
    // The braces keep both keys on one node of a cluster.
    const keys = ['login', 'claim'].map(kind => `${this.#prefix}{${key}}:${kind}`)
    return this.#evaluate(signal, script, keys, args)
  }
}

/** Runs a script with the client's own call. */
type Evaluate = (signal: AbortSignal, script: string, keys: string[], args: string[]) => Promise<unknown>

function evaluateWith(client: RedisStoreClient): Evaluate {
  if (typeof client !== 'object' || client === null) throw clientError(client)
  if ('customCommand' in client)
    return async (signal, script, keys, args) => {
      signal.throwIfAborted()
      return client.customCommand(['EVAL', script, String(keys.length), ...keys, ...args])
    }
  if (typeof client.eval !== 'function') throw clientError(client)
  if ('status' in client)
    return async (signal, script, keys, args) => {
      await ready(() => isReady(client), signal)
      return client.eval(script, keys.length, ...keys, ...args)
    }
  if (!('isOpen' in client)) throw clientError(client)
  const promiseClient = withPromises(client)
  return async (signal, script, keys, args) => {
    await ready(() => client.isReady ?? client.isOpen, signal)
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
async function ready(isReady: () => boolean, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  while (!isReady()) await delay(READY_POLL_MILLIS, undefined, { signal, ref: false })
}

function isReady(client: IoRedisClient): boolean {
  // With lazyConnect, ioredis connects at the first command.
  if (client.status === 'wait') client.connect().catch(() => {})
  return client.status === 'ready'
}
