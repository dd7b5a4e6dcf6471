import type { KeyObject } from 'node:crypto'
import { optionError, quoted } from '../errors.js'
import { checkInteger } from '../identifiers.js'

/** A key for AES-256-GCM: 32 random bytes, their base64 encoding (`openssl rand -base64 32`), or a secret `KeyObject`. */
export type EncryptionKey = string | Uint8Array | KeyObject

/** A value in a store. */
export interface StoredValue {
  /** The string that was written: ASCII without spaces, up to about 4,000 characters. */
  readonly value: string
  /**
   * The remaining lifetime in milliseconds, measured **by the store's clock**, because the clocks of hosts differ. A store with a coarse
   * clock must round down.
   */
  readonly remainingMillis: number
}

/** The state of one key, read atomically. */
export interface StoreEntry {
  /** The value; undefined if there is none or its lifetime has ended. */
  readonly stored?: StoredValue | undefined
  /** Whether any token holds a claim on the key. */
  readonly claimed: boolean
}

/**
 * Where the processes of a fleet share their logins. `redisStore` of `pg-redshift-iam/redis` uses Redis or Valkey, and `dynamoDbStore` of
 * `pg-redshift-iam/dynamodb` uses a DynamoDB table. For another database, implement these five methods and test them with `checkStore` of
 * `pg-redshift-iam/emulator`.
 *
 * A store is not trusted. Values are encrypted and authenticated before they are written, and each call has a time limit. If the store
 * throws, loses or invents a value, logins come from AWS directly. A store must guarantee two things, atomically: `claim` succeeds for one
 * token at a time, and `write` succeeds only for the token that holds the claim.
 *
 * Keys have up to 64 characters of `A-Z a-z 0-9 - _`. Tokens and values are ASCII without spaces; a value has up to about 4,000
 * characters. A key has one value and one claim, independent of each other. The `signal` of each call aborts when the caller no longer
 * waits: do not send anything to the database after that.
 */
export interface CredentialStore {
  /**
   * Identifies the processes that share logins. Processes with the same string use each other's logins, so they must run as the same
   * AWS identity. It is part of each key and of the authenticated data.
   */
  readonly identity: string
  /** At least one key. The first one encrypts, all of them decrypt. To rotate keys, add the new one last, then move it first, then remove the old one. */
  readonly encryptionKeys: readonly EncryptionKey[]
  /**
   * Time limit of one call in milliseconds, 1 to 2,000. A call never gets more than a sixth of the fetch's deadline. Default: 300.
   */
  readonly operationMillis?: number | undefined

  /** Reads the value, its remaining lifetime and whether the key is claimed, all in one atomic step. */
  read(key: string, signal: AbortSignal): Promise<StoreEntry>

  /**
   * Claims the key for this token, for `millis` milliseconds from now. A store with a coarse clock may add up to 3 seconds. Succeeds if
   * the key has no claim, if the last claim has expired, or if this token already holds it, which renews the claim.
   * @returns whether the token now holds the claim
   */
  claim(key: string, token: string, millis: number, signal: AbortSignal): Promise<boolean>

  /**
   * If the token holds the claim, stores the value for `lifetimeMillis` milliseconds, replaces any other value, and releases the claim.
   * @returns whether the value was stored
   */
  write(key: string, token: string, value: string, lifetimeMillis: number, signal: AbortSignal): Promise<boolean>

  /** Releases the claim without a value, if the token holds it. */
  release(key: string, token: string, signal: AbortSignal): Promise<void>

  /** Removes the value if it is equal to this one. Called with a login that the server refused, after AWS returned another. */
  remove(key: string, value: string, signal: AbortSignal): Promise<void>
}

const METHODS = ['read', 'claim', 'write', 'release', 'remove'] as const

/** Checks the option `store`, except for its encryption keys, which are checked where they are used. Throws `ERR_REDSHIFT_OPTION`. */
export function checkStoreOption(store: unknown): void {
  if (typeof store !== 'object' || store === null)
    throw optionError(
      `store is ${quoted(store)}. Set it to redisStore(…) of pg-redshift-iam/redis, dynamoDbStore(…) of pg-redshift-iam/dynamodb, or a CredentialStore of your own.`,
    )
  const missing = METHODS.filter(method => typeof (store as Partial<CredentialStore>)[method] !== 'function')
  if (missing.length > 0)
    throw optionError(
      `store has no method ${missing.join(', ')}. Set it to redisStore(…), dynamoDbStore(…) or a CredentialStore of your own: a client is not a store.`,
    )
  const { operationMillis } = store as Partial<CredentialStore>
  if (operationMillis !== undefined) checkInteger('store.operationMillis', operationMillis, 1, 2_000)
  checkIdentity('store.identity', (store as Partial<CredentialStore>).identity)
}

/** Checks an identity. A missing or empty one would let processes of different AWS identities share logins. Throws `ERR_REDSHIFT_OPTION`. */
export function checkIdentity(option: string, identity: unknown): void {
  if (typeof identity !== 'string' || identity === '')
    throw optionError(
      `${option} is ${quoted(identity)}. Set it to a string that is the same for all processes with one AWS identity, and for no others, such as the ARN of their role.`,
    )
}
