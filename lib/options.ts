import type { RedshiftClientConfig } from '@aws-sdk/client-redshift'
import type { RedshiftServerlessClientConfig } from '@aws-sdk/client-redshift-serverless'
import type { ClientConfig } from 'pg'
import { optionError, quoted } from './errors.js'
import {
  checkBoolean,
  checkClusterIdentifier,
  checkDomainName,
  checkGroupName,
  checkInteger,
  checkRegion,
  checkUserName,
  checkWorkgroupName,
} from './identifiers.js'
import { checkIdentityProvider, type IdentityProvider, TOKEN_API } from './identity-provider.js'
import { checkPlain } from './plain-object.js'
import { type CredentialStore, checkStoreOption } from './store/store.js'

/** The AWS operations that return a login or a token. */
export type RedshiftApi =
  | 'GetClusterCredentials'
  | 'GetClusterCredentialsWithIAM'
  | 'GetCredentials'
  | 'GetIdentityCenterAuthToken'

/** An AWS SDK client that you created. It is used as it is and never destroyed. */
export interface AwsClient {
  /** Sends a command of the AWS SDK, version 3. `options` is `{ abortSignal }`. */
  send(command: unknown, options?: unknown): Promise<unknown>
}

/** Configuration of the AWS SDK's clients, passed to them unchanged. */
export type AwsClientConfig = RedshiftClientConfig & RedshiftServerlessClientConfig

/**
 * Which login to fetch, and how. An option that the connection already specifies can be left out. An option and
 * the connection must not name different clusters, regions, databases or users. `PGHOST`, `PGDATABASE` and `PGUSER` apply if neither is set.
 */
export interface RedshiftOptions {
  /**
   * The cluster's or workgroup's own host name, from which the target and the region are read. Set it if pg's `host` is another name:
   * a PrivateLink endpoint, a load balancer, a tunnel. The server's certificate may then be for either name.
   * Default: the connection's host, then `PGHOST`.
   */
  host?: string | undefined
  /**
   * The port to connect to, 1 to 65535. pg's own `port` overrides it. A password function ignores it, because the connection is already open.
   * Default: `PGPORT`, then the looked-up port, then 5439; in the hook for Sequelize, the port of Sequelize.
   */
  port?: number | undefined
  /** The database to connect to, and to fetch the login for. Default: the connection's database, then `PGDATABASE`. */
  database?: string | undefined
  /**
   * The user to log in as, including the prefix: `IAM:alice`, `IAMA:alice:group`, `IAMR:role`. Default: the connection's user, then
   * `PGUSER`.
   */
  user?: string | undefined
  /**
   * TLS, as pg's `ssl`, which overrides it. A password function cannot apply it, because the connection is already open: set pg's `ssl`.
   * Default: `true`, which verifies the server's certificate, unless `PGSSLMODE` is set; in the hook for Sequelize, none.
   */
  ssl?: ClientConfig['ssl'] | undefined

  /** The identifier of a provisioned cluster: 1 to 63 lowercase letters, digits or hyphens. Default: read from the host. */
  clusterIdentifier?: string | undefined
  /** The name of a serverless workgroup: 3 to 64 lowercase letters, digits or hyphens. Default: read from the host. */
  workgroupName?: string | undefined
  /**
   * The custom domain name of the cluster or workgroup, up to 253 characters. Without a cluster or workgroup, `api` is required as well.
   * Default: none.
   */
  customDomainName?: string | undefined
  /**
   * The database user, without a prefix: 1 to 64 letters, digits and `_ + . @ -`, starting with a letter, and not a reserved word. On
   * serverless, it selects `GetClusterCredentials`. Default: read from the user.
   */
  dbUser?: string | undefined
  /**
   * The database that the login is restricted to. The rule of `dbUser` applies, except with `GetClusterCredentialsWithIAM`. `null` means one
   * login for every database. Default: `database`.
   */
  dbName?: string | null | undefined
  /**
   * Database groups that the user joins for the session, in lowercase; otherwise the rule of `dbUser` applies. Default: the
   * groups in the user `IAMA:name:group`.
   */
  dbGroups?: readonly string[] | undefined
  /** Whether to create the database user if it does not exist. Default: true for a user `IAMA:…`, else false. */
  autoCreate?: boolean | undefined
  /** The lifetime of a login in seconds, 900 to 3,600. Default: 900. */
  durationSeconds?: number | undefined
  /**
   * The AWS region, such as `us-west-2`. Default: `aws.region`, then the region of the host, then the AWS SDK's own default (`AWS_REGION`,
   * the profile).
   */
  region?: string | undefined
  /**
   * The AWS operation. Default: for serverless, `GetClusterCredentials` with `dbUser`, else `GetCredentials`; for a provisioned cluster,
   * `GetClusterCredentials` with `dbUser` or a user other than `IAMR:…`, else `GetClusterCredentialsWithIAM`.
   * `GetIdentityCenterAuthToken` logs in as the person in identity-enhanced AWS credentials.
   * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
   * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentialsWithIAM.html
   * @see https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
   * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetIdentityCenterAuthToken.html
   */
  api?: RedshiftApi | undefined

  /**
   * Log in with a person's token that the application gets from an identity provider. AWS is not called, so `host` is required to
   * connect. Use one `RedshiftCredentials` per person. Default: none.
   */
  identityProvider?: IdentityProvider | undefined
  /** Configuration of the AWS SDK's client (`profile`, `credentials`, `endpoint`, `maxAttempts` …), or a client that you created. */
  aws?: AwsClientConfig | AwsClient | undefined
  /**
   * Where processes share their logins, so that one process calls AWS for all: `redisStore(…)` of `pg-redshift-iam/redis`,
   * `dynamoDbStore(…)` of `pg-redshift-iam/dynamodb`, or your own. If the store fails, each process calls AWS itself. The region must be
   * known from the options or the host. Default: none.
   */
  store?: CredentialStore | undefined
  /** The maximum number of cached logins, 1 to 1,000,000. Default: 100. */
  maxEntries?: number | undefined
  /** The deadline of one fetch in milliseconds, including the time to load AWS credentials: 1 to 2,147,483,647. Default: 15,000. */
  fetchTimeoutMillis?: number | undefined
  /** Whether to refuse connections without TLS. Set it to false only for a link that is already encrypted. Default: true. */
  requireTls?: boolean | undefined
}

/** Whether this is an SDK client rather than a configuration for one. */
export const isAwsClient = (aws: object | undefined): aws is AwsClient =>
  aws !== undefined && 'send' in aws && typeof aws.send === 'function'

const APIS: ReadonlySet<unknown> = new Set<RedshiftApi>([
  'GetClusterCredentials',
  'GetClusterCredentialsWithIAM',
  'GetCredentials',
  TOKEN_API,
])

const checkNonEmptyString = (option: string, value: unknown): void => {
  if (typeof value !== 'string' || value === '')
    throw optionError(`${option} is ${quoted(value)}. Set it to a non-empty string, or leave it out.`)
}

/** The check of each option. Each one throws `ERR_REDSHIFT_OPTION`. */
export const CHECKS: { readonly [option in keyof Required<RedshiftOptions>]: (value: unknown) => void } = {
  host: value => checkNonEmptyString('host', value),
  port: value => checkInteger('port', value, 1, 65_535),
  // AWS's rule for database names is checked with the request, because this name is not always sent to AWS.
  database: value => checkNonEmptyString('database', value),
  user: value => checkNonEmptyString('user', value),
  ssl: value => {
    if (typeof value !== 'boolean' && (typeof value !== 'object' || value === null))
      throw optionError(
        `ssl is ${quoted(value)}. Set it to true, or to an object of Node's TLS options, or leave it out.`,
      )
  },
  clusterIdentifier: value => checkClusterIdentifier('clusterIdentifier', value),
  workgroupName: value => checkWorkgroupName('workgroupName', value),
  customDomainName: value => checkDomainName('customDomainName', value),
  dbUser: value => checkUserName('dbUser', value),
  dbName: value => value === null || checkNonEmptyString('dbName', value),
  dbGroups: value => {
    if (!Array.isArray(value)) throw optionError(`dbGroups is ${quoted(value)}. Set it to an array of group names.`)
    for (const group of value) checkGroupName('dbGroups', group)
  },
  autoCreate: value => checkBoolean('autoCreate', value),
  durationSeconds: value => checkInteger('durationSeconds', value, 900, 3_600),
  region: value => checkRegion('region', value),
  api: value => {
    if (!APIS.has(value)) throw optionError(`api is ${quoted(value)}. Set it to one of ${[...APIS].join(', ')}.`)
  },
  aws: value => {
    if (typeof value !== 'object' || value === null)
      throw optionError(
        `aws is ${value === null ? 'null' : `a ${typeof value}`}. Set it to the configuration of an AWS SDK client, or to a client.`,
      )
    if (!isAwsClient(value)) checkPlain('aws', value, '{ region, profile }')
  },
  identityProvider: checkIdentityProvider,
  store: checkStoreOption,
  maxEntries: value => checkInteger('maxEntries', value, 1, 1_000_000),
  fetchTimeoutMillis: value => checkInteger('fetchTimeoutMillis', value, 1, 2_147_483_647),
  requireTls: value => checkBoolean('requireTls', value),
}
