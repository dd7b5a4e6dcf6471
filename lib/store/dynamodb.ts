import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { observe, serverTimeOf } from '../aws/attempts.js'
import { systemClock } from '../clock.js'
import { optionError, quoted } from '../errors.js'
import type { AwsClient } from '../options.js'
import { checkNames } from '../plain-object.js'
import { toKeys } from './keys.js'
import { ServerClock } from './server-clock.js'
import { type CredentialStore, checkIdentity, type EncryptionKey, type StoreEntry } from './store.js'

export type { AwsClient } from '../options.js'
export type { CredentialStore, EncryptionKey, StoredValue, StoreEntry } from './store.js'

/** Options of {@link dynamoDbStore}. */
export interface DynamoDbStoreOptions {
  /** Name or ARN of the table. Its partition key must be the string `id`, without a sort key. */
  tableName: string
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
  /**
   * Prefix of the table's keys: letters, digits and `. _ / - :`, ending with a colon. An IAM policy can restrict access to these keys.
   * Default: `pg-redshift-iam:`.
   */
  prefix?: string | undefined
}

// The first call loads AWS credentials and opens a connection, perhaps on a small Lambda with a fraction of a CPU. One second is too
// short: with that limit, all of twenty processes on two busy cores called AWS.
const OPERATION_MILLIS = 2_000
/** The header `Date` has whole seconds, so DynamoDB's clock can be up to this much ahead of it. */
const SECOND_MILLIS = 1_000
/** DynamoDB's time to live may delete an item this many seconds after the last write. */
const KEPT_SECONDS = 86_400

// An item whose heldUntil is missing or has another type counts as unclaimed.
const CLAIMABLE = 'attribute_not_exists(holder) OR holder = :token OR NOT heldUntil >= :now'
const WRITABLE = 'holder = :token AND heldUntil >= :now'

/**
 * Shares logins through a DynamoDB table. You create the AWS SDK client: `DynamoDBClient`, `DynamoDB` or a document client. It needs
 * `dynamodb:GetItem` and `dynamodb:UpdateItem` on keys that begin with the prefix. Times are measured by DynamoDB's clock, from the `Date`
 * header of its responses. The attribute `expires` is for DynamoDB's time to live, which only deletes old items.
 *
 * @example
 * const store = dynamoDbStore(new DynamoDBClient(), {
 *   tableName: 'redshift-logins',
 *   encryptionKeys: [process.env.LOGIN_KEY ?? ''],
 *   identity: 'arn:aws:iam::123456789012:role/reports',
 * })
 * const pool = new RedshiftPool({ host, database, redshift: { store } })
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function dynamoDbStore(client: AwsClient, options: DynamoDbStoreOptions): CredentialStore {
  return new DynamoDbStore(client, options)
}

interface Item {
  readonly sealed?: { readonly S?: string }
  readonly sealedUntil?: { readonly N?: string }
  readonly holder?: { readonly S?: string }
  readonly heldUntil?: { readonly N?: string }
}

class DynamoDbStore implements CredentialStore {
  readonly #client: AwsClient
  readonly #clock = new ServerClock(systemClock)
  readonly #tableName: string
  readonly #prefix: string
  readonly #encryptionKeys: readonly EncryptionKey[]
  readonly identity: string
  readonly operationMillis = OPERATION_MILLIS

  constructor(client: AwsClient, options: DynamoDbStoreOptions) {
    checkClient(client)
    checkNames('dynamoDbStore', options, ['tableName', 'encryptionKeys', 'identity', 'prefix'])
    const { tableName, encryptionKeys, identity, prefix = 'pg-redshift-iam:' } = options
    if (typeof tableName !== 'string' || !/^([\w.-]{3,255}|arn:[\w.:/-]+)$/.test(tableName))
      throw optionError(`tableName is ${quoted(tableName)}. Set it to the name or the ARN of a DynamoDB table.`)
    // IAM policies use * ? and $ in patterns. Without the colon, one fleet's prefix could be the beginning of another's.
    if (typeof prefix !== 'string' || !/^[\w./-]+:$/.test(prefix))
      throw optionError(
        `prefix is ${quoted(prefix)}. Set it to letters, digits and . _ / - with a colon at the end, so that an IAM policy can name it.`,
      )
    checkIdentity('identity', identity)
    this.#client = client
    this.#tableName = tableName
    this.#prefix = prefix
    this.#encryptionKeys = toKeys(encryptionKeys)
    this.identity = identity
  }

  // A getter of a private field, so that `inspect` and JSON do not show the keys.
  get encryptionKeys(): readonly EncryptionKey[] {
    return this.#encryptionKeys
  }

  async read(key: string, signal: AbortSignal): Promise<StoreEntry> {
    const command = new GetItemCommand({ ...this.#item(key), ConsistentRead: true })
    const { output, date } = await this.#send(command, signal)
    // Use the time of this response. The clock's estimate may come from an older one, and the machine may have been suspended since.
    const now = date ?? this.#clock.unknown()
    const { Item: item = {} } = output as { Item?: Item }
    const { sealed, sealedUntil, holder, heldUntil } = item
    const remainingMillis = Number(sealedUntil?.N) - (now + SECOND_MILLIS)
    const stored = sealed?.S !== undefined && remainingMillis > 0 ? { value: sealed.S, remainingMillis } : undefined
    return { stored, claimed: holder !== undefined && Number(heldUntil?.N) >= now }
  }

  async claim(key: string, token: string, millis: number, signal: AbortSignal): Promise<boolean> {
    const now = await this.#now(key, signal)
    // An absolute time, so that a delayed request does not extend the claim.
    const until = now + SECOND_MILLIS + millis
    return this.#update(key, signal, 'SET holder = :token, heldUntil = :until, expires = :expires', CLAIMABLE, {
      ':token': { S: token },
      ':now': { N: String(now) },
      ':until': { N: String(until) },
      ':expires': expiry(until),
    })
  }

  async write(key: string, token: string, value: string, lifetimeMillis: number, signal: AbortSignal) {
    const now = await this.#now(key, signal)
    const until = now + lifetimeMillis
    const change = 'SET sealed = :value, sealedUntil = :until, expires = :expires REMOVE holder, heldUntil'
    const written = await this.#update(key, signal, change, WRITABLE, {
      ':token': { S: token },
      ':now': { N: String(now) },
      ':value': { S: value },
      ':until': { N: String(until) },
      ':expires': expiry(until),
    })
    // The SDK resends the command after losing a response. The first one may have stored the value and released the claim.
    return written || (await this.read(key, signal)).stored?.value === value
  }

  async release(key: string, token: string, signal: AbortSignal): Promise<void> {
    await this.#update(key, signal, 'REMOVE holder, heldUntil', 'holder = :token', { ':token': { S: token } })
  }

  async remove(key: string, value: string, signal: AbortSignal): Promise<void> {
    await this.#update(key, signal, 'REMOVE sealed, sealedUntil', 'sealed = :value', { ':value': { S: value } })
  }

  #item(key: string) {
    return { TableName: this.#tableName, Key: { id: { S: this.#prefix + key } } }
  }

  /** DynamoDB's clock. Reads the item first if no response has told the time yet. */
  async #now(key: string, signal: AbortSignal): Promise<number> {
    if (!this.#clock.isKnown) await this.read(key, signal)
    return this.#clock.now()
  }

  /** @returns whether the condition was met */
  async #update(
    key: string,
    signal: AbortSignal,
    change: string,
    condition: string,
    values: Record<string, { S: string } | { N: string }>,
  ): Promise<boolean> {
    const command = new UpdateItemCommand({
      ...this.#item(key),
      UpdateExpression: change,
      ConditionExpression: condition,
      ExpressionAttributeValues: values,
    })
    try {
      await this.#send(command, signal)
      return true
    } catch (error) {
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false
      throw error
    }
  }

  /** @returns DynamoDB's response and its `Date`, which is undefined if it is missing or the response comes from a cache */
  async #send(command: object, signal: AbortSignal): Promise<{ output: unknown; date: number | undefined }> {
    signal.throwIfAborted()
    let date: number | undefined
    observe(command, {
      received: headers => {
        date = serverTimeOf(headers)
        this.#clock.update(date)
      },
    })
    return { output: await this.#client.send(command, { abortSignal: signal }), date }
  }
}

const expiry = (until: number) => ({ N: String(Math.ceil(until / 1_000) + KEPT_SECONDS) })

function checkClient(client: unknown): void {
  const { send, config } = (client ?? {}) as { send?: unknown; config?: { serviceId?: unknown } }
  const service = config?.serviceId
  if (typeof send === 'function' && (service === undefined || service === 'DynamoDB')) return
  throw optionError(
    `The client of dynamoDbStore is ${typeof service === 'string' ? `one of ${quoted(service)}` : quoted(client)}. Pass a DynamoDBClient of @aws-sdk/client-dynamodb, version 3.`,
  )
}
