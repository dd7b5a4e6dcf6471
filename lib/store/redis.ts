import { setTimeout as delay } from 'node:timers/promises'
import { optionError, quoted } from '../errors.js'
import { toKeys } from './crypto.js'
import { type CredentialStore, checkIdentity, type EncryptionKey, type StoredValue } from './store.js'

export type { CredentialStore, EncryptionKey, StoredValue } from './store.js'

/** What is used of a client of the package `redis` (node-redis): a client, a cluster, a sentinel or a pool. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  readonly isReady?: boolean
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

/** What is used of a client of the package `ioredis`: a `Redis` or a `Cluster`. */
export interface IoRedisClient {
  readonly status: string
  connect(): Promise<unknown>
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>
}

/** How {@link redisStore} is set up. */
export interface RedisStoreOptions {
  /**
   * Keys for AES-256-GCM, at least one: 32 random bytes each, or their base64 (`openssl rand -base64 32`). The first one encrypts, all
   * of them decrypt: to rotate, put a new one last, then first, then drop the old one.
   */
  encryptionKeys: readonly EncryptionKey[]
  /**
   * Says who shares: a text that all processes of one AWS identity have in common, and no others. The ARN of their role, say.
   */
  identity: string
  /** What the keys in Redis begin with. Default: `pg-redshift-iam:`. */
  prefix?: string | undefined
}

/** Value and remaining lifetime in one step: `GET`, then `PTTL`, can pair an old value with a new lifetime. */
const READ = `local value = redis.call('GET', KEYS[1])
return value and { value, redis.call('PTTL', KEYS[1]) }`

const CLAIM = `if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[2]) == ARGV[1] and redis.call('PEXPIRE', KEYS[2], ARGV[2])`

const WRITE = `if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

const RELEASE = `return redis.call('GET', KEYS[2]) == ARGV[1] and redis.call('DEL', KEYS[2])`

const REMOVE = `return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1])`

const READY_POLL_MILLIS = 10

/**
 * Shares logins through Redis or Valkey, by a client that you made, connected and will close: of `redis` (node-redis) or of `ioredis`,
 * single or cluster. Nothing is sent but while it is ready; a connection that is just being made is waited for, as part of the 300 ms
 * that an operation may take. It needs `EVAL` of scripts with `GET`, `SET`, `PTTL`, `PEXPIRE` and `DEL` on keys that begin with the
 * prefix.
 *
 * @example
 * const client = await createClient({ url: process.env.REDIS_URL }).on('error', console.error).connect()
 * const store = redisStore(client, { encryptionKeys: [process.env.LOGIN_KEY ?? ''], identity: 'arn:aws:iam::123456789012:role/reports' })
 * const pool = new RedshiftPool({ host, database, redshift: { store } })
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function redisStore(client: NodeRedisClient | IoRedisClient, options: RedisStoreOptions): CredentialStore {
  return new RedisStore(client, options)
}

class RedisStore implements CredentialStore {
  readonly #client: NodeRedisClient | IoRedisClient
  readonly #prefix: string
  readonly #encryptionKeys: readonly EncryptionKey[]
  readonly identity: string

  constructor(client: NodeRedisClient | IoRedisClient, options: RedisStoreOptions) {
    if (typeof client?.eval !== 'function')
      throw optionError(
        `The client of redisStore is ${quoted(client)}. Give one of redis (createClient) or ioredis (new Redis).`,
      )
    if (typeof options !== 'object' || options === null)
      throw optionError(`The options of redisStore are ${quoted(options)}. Give encryptionKeys and identity.`)
    const { encryptionKeys, identity, prefix = 'pg-redshift-iam:' } = options
    checkIdentity('identity', identity)
    if (typeof prefix !== 'string')
      throw optionError(`prefix is ${quoted(prefix)}. Set it to a string, or leave it out.`)
    this.#client = client
    this.#prefix = prefix
    this.#encryptionKeys = toKeys(encryptionKeys)
    this.identity = identity
  }

  // Behind a getter: `inspect` and JSON do not reach it.
  get encryptionKeys(): readonly EncryptionKey[] {
    return this.#encryptionKeys
  }

  async read(key: string, signal: AbortSignal): Promise<StoredValue | undefined> {
    const found = await this.#run(signal, READ, key)
    return Array.isArray(found) ? { value: String(found[0]), remainingMillis: Number(found[1]) } : undefined
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

  async #run(signal: AbortSignal, script: string, key: string, ...args: string[]): Promise<unknown> {
    const client = this.#client
    // A command that is sent before that is kept by the client, and replayed when nobody waits for it: a claim without an owner.
    while (!isReady(client)) await delay(READY_POLL_MILLIS, undefined, { signal, ref: false })
    // The braces keep both keys on one node of a cluster.
    const keys = ['login', 'claim'].map(kind => `${this.#prefix}{${key}}:${kind}`)
    return 'status' in client
      ? client.eval(script, keys.length, ...keys, ...args)
      : client.eval(script, { keys, arguments: args })
  }
}

function isReady(client: NodeRedisClient | IoRedisClient): boolean {
  if (!('status' in client)) return client.isReady ?? client.isOpen
  // With lazyConnect, ioredis connects at the first command.
  if (client.status === 'wait') client.connect().catch(() => {})
  return client.status === 'ready'
}
