import type { KeyObject } from 'node:crypto'
import { optionError, quoted } from '../errors.js'
import { checkWhole } from '../identifiers.js'

/** A key for AES-256-GCM: 32 random bytes, or their base64 (`openssl rand -base64 32`), or a secret `KeyObject` of them. */
export type EncryptionKey = string | Uint8Array | KeyObject

/** A value as a store has it. */
export interface StoredValue {
  readonly value: string
  /**
   * What is left of the lifetime that it was written with, in milliseconds, **on the store's clock**: those of hosts differ. A store
   * whose clock is coarse says less, never more.
   */
  readonly remainingMillis: number
}

/** What a store has under a key, all of it as of one instant. */
export interface StoreEntry {
  /** The value; undefined where there is none, or its lifetime is over. */
  readonly stored?: StoredValue | undefined
  /** Whether a claim is held. */
  readonly claimed: boolean
}

/**
 * Where a fleet of processes shares its logins. `redisStore` of `pg-redshift-iam/redis` makes one of Redis or Valkey, `dynamoDbStore` of
 * `pg-redshift-iam/dynamodb` one of a DynamoDB table. For another engine, write these five methods, and run `checkStore` of
 * `pg-redshift-iam/emulator` on them.
 *
 * A store is not trusted. What it keeps is encrypted and authenticated before it gets there, each call has a time limit, and if the
 * store throws, loses or makes up anything, logins come straight from AWS. It must do two things by itself, atomically: `claim`
 * succeeds for one token at a time, and `write` only for the token that holds the claim.
 *
 * Keys are up to 64 characters of `A-Z a-z 0-9 - _`. Tokens and values are ASCII without spaces; a value has up to about 4,000
 * characters. A key has one value and one claim, side by side. Every call comes with a signal that aborts when nobody waits for it any
 * longer: what has not been sent by then must not be sent.
 */
export interface CredentialStore {
  /**
   * Says who shares: processes that give the same string use each other's logins, so they must run as the same AWS identity.
   * It is part of each key, and of what is authenticated.
   */
  readonly identity: string
  /** The first one encrypts, all of them decrypt: to rotate, put a new one last, then first, then drop the old one. */
  readonly encryptionKeys: readonly EncryptionKey[]
  /**
   * How long one call may take, in milliseconds, 1 to 2,000; never more than a sixth of the deadline of the whole fetch. Default: 300.
   */
  readonly operationMillis?: number | undefined

  /** The value, what is left of its lifetime, and whether somebody holds a claim, from the same instant. */
  read(key: string, signal: AbortSignal): Promise<StoreEntry>

  /**
   * Claims the key for this token, for so long from now on; a store whose clock is coarse may add up to 3 s. Succeeds where nobody holds
   * a claim, where the last one has lapsed, and where this very token holds it: that is how a claim is renewed.
   * @returns whether the token holds the claim now
   */
  claim(key: string, token: string, millis: number, signal: AbortSignal): Promise<boolean>

  /**
   * Puts the value in place of any other, for so long from now on, and gives up the claim; only if the token holds the claim.
   * @returns whether it did
   */
  write(key: string, token: string, value: string, lifetimeMillis: number, signal: AbortSignal): Promise<boolean>

  /** Gives up the claim without a value, only if the token holds it. */
  release(key: string, token: string, signal: AbortSignal): Promise<void>

  /** Removes the value, only if it is this one: a login that the server refused, which another one has replaced. */
  remove(key: string, value: string, signal: AbortSignal): Promise<void>
}

const METHODS = ['read', 'claim', 'write', 'release', 'remove'] as const

/** Refuses what is no store. Its keys are checked where they are used. */
export function checkStoreOption(store: unknown): void {
  if (typeof store !== 'object' || store === null)
    throw optionError(
      `store is ${quoted(store)}. Set it to redisStore(…) of pg-redshift-iam/redis, dynamoDbStore(…) of pg-redshift-iam/dynamodb, or one of your own.`,
    )
  const missing = METHODS.filter(method => typeof (store as Partial<CredentialStore>)[method] !== 'function')
  if (missing.length > 0)
    throw optionError(
      `store has no method ${missing.join(', ')}. Set it to redisStore(…) or dynamoDbStore(…) (a client itself is not a store), or write a CredentialStore.`,
    )
  const { operationMillis } = store as Partial<CredentialStore>
  if (operationMillis !== undefined) checkWhole('store.operationMillis', operationMillis, 1, 2_000)
  checkIdentity('store.identity', (store as Partial<CredentialStore>).identity)
}

/** Refuses an identity that is missing or empty: then who shares would be left to chance. */
export function checkIdentity(option: string, identity: unknown): void {
  if (typeof identity !== 'string' || identity === '')
    throw optionError(
      `${option} is ${quoted(identity)}. Set it to a string that all processes of one AWS identity have in common, and no others: the ARN of their role, for example.`,
    )
}
