import type { ActiveFault, Fault, FaultScope } from './faults.js'
import type { EmulatedCall, EmulatedLogin } from './records.js'

/** The type of an identity provider, by its name in Redshift. */
export type EmulatedIdentityProvider = 'AwsIdc' | 'AzureAD' | 'Okta'

/** Options of {@link RedshiftEmulator.issueToken}. */
export interface EmulatedTokenOptions {
  /** The person that the token is issued to. Default: the emulator's `person`, or `alice@example.com` if that is `null`. */
  person?: string | undefined
  /** The identity provider that issues it. Default: `AwsIdc`. */
  type?: EmulatedIdentityProvider | undefined
  /** Only for `AwsIdc`. An `EXT_JWT` is valid for one login. Default: `ACCESS_TOKEN`. */
  tokenType?: 'ACCESS_TOKEN' | 'EXT_JWT' | undefined
  /** Lifetime of the token in seconds. Default: 3600. */
  lifetimeSeconds?: number | undefined
}

/** A pg configuration that connects to the emulator and verifies its certificate. */
export interface EmulatorPoolConfig {
  /** The emulated host name, which names the cluster or workgroup and the region. */
  host: string
  /** The port that database clients connect to. */
  port: number
  /** The first database of the option `databases`. */
  database: string
  /** The certificate authority of the emulator. */
  ssl: { ca: string }
  /** Opens a socket to the emulator. */
  stream: EmulatorStream
}

/** pg's `stream` option: a socket that connects to the emulator and ignores the configured host and port. */
// biome-ignore lint/suspicious/noExplicitAny: the type that @types/pg gives to `stream`
export type EmulatorStream = () => any

/** A running emulator of Redshift and of its AWS APIs, as {@link startRedshiftEmulator} returns it. It does not keep the process alive. */
export interface RedshiftEmulator {
  /** The address that database clients connect to: `127.0.0.1` and the port. */
  readonly address: { readonly host: string; readonly port: number }
  /** URL of the emulated AWS endpoint, for `AWS_ENDPOINT_URL_REDSHIFT`, `AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS` and `AWS_ENDPOINT_URL_STS`. */
  readonly endpoint: string
  /** Configuration for AWS SDK clients, and for the option `aws` of this package. */
  readonly aws: {
    readonly endpoint: string
    readonly credentials: {
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken: string
    }
  }
  /** The certificate authority of the emulator in PEM format: for `ssl.ca`, or in a file for `NODE_EXTRA_CA_CERTS`. */
  readonly ca: string
  /**
   * Returns a pg configuration for one of the emulated hosts.
   * @param target `provisioned` or `serverless` for the first host of that kind, or a host name. Default: `provisioned`.
   * @throws TypeError if the emulator has no host of that kind
   */
  poolConfig(target?: 'provisioned' | 'serverless' | (string & {})): EmulatorPoolConfig
  /** pg's `stream` option, for your own configuration. */
  readonly stream: EmulatorStream
  /**
   * Environment variables that connect a program in any language to the emulator: endpoints, keys and region for the AWS SDKs, and host,
   * port, database and TLS for libpq.
   * @param caFile path of a file with {@link RedshiftEmulator.ca} that the program can read
   */
  environment(caFile: string): Record<string, string>
  /** The database user that AWS chooses. Can be changed while the emulator runs. */
  identity: string
  /** The person behind the AWS credentials; `null` if they are not identity-enhanced. Can be changed while the emulator runs. */
  person: string | null
  /** Issues a token, as an identity provider does when a person signs in to an application. */
  issueToken(options?: EmulatedTokenOptions): { readonly token: string; readonly expiration: Date }
  /** Each HTTP request to AWS, oldest first, retries included. Empty the array to start a new count. */
  readonly calls: EmulatedCall[]
  /**
   * Each login attempt, oldest first, except those whose client disconnected before it sent a password or token. Empty the array to start a
   * new count.
   */
  readonly logins: EmulatedLogin[]
  /** The number of open database connections, logged in or not. */
  readonly connections: number
  /**
   * Injects a fault. It starts at once and lasts until it is cleared or has affected `scope.times` requests.
   * @throws RangeError if `times` or a number of the fault is out of range, if `target` is not emulated, or if the fault cannot affect `operation`
   */
  fail(fault: Fault, scope?: FaultScope): ActiveFault
  /** Invalidates every login and token issued so far. Open sessions stay open. */
  revokeLogins(): void
  /**
   * Restarts the database server: closes every connection and refuses new ones for `downMillis` milliseconds. Default: 0. Logins stay
   * valid. The promise may resolve before a client notices: the next query of a pool can still fail on a closed connection.
   */
  restart(options?: { downMillis?: number | undefined }): Promise<void>
  /**
   * Runs SQL as the superuser, for setup such as `GRANT … TO "IAMR:analyst"`. Default database: the first of the option `databases`.
   * @returns the rows of the last statement
   */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  /** Stops the emulator and closes its connections. Safe to call more than once. */
  close(): Promise<void>
  /** Same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
