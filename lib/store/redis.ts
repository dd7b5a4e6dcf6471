import { optionError, quoted } from '../errors.js'
import { checkNames } from '../plain-object.js'
import { toKeys } from './keys.js'
import { type RedisStoreClient, type RunScript, runScriptWith } from './redis-client.js'
import { type CredentialStore, checkIdentity, type EncryptionKey, type StoreEntry } from './store.js'

export type { GlideClient, IoRedisClient, NodeRedisClient, RedisStoreClient } from './redis-client.js'
export type { CredentialStore, EncryptionKey, StoredValue, StoreEntry } from './store.js'

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
  readonly #runScript: RunScript
  readonly #prefix: string
  readonly #encryptionKeys: readonly EncryptionKey[]
  readonly identity: string

  constructor(client: RedisStoreClient, options: RedisStoreOptions) {
    this.#runScript = runScriptWith(client)
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
    return this.#runScript(signal, script, keys, args)
  }
}
