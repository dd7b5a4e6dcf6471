import type { RedshiftClientConfig } from '@aws-sdk/client-redshift'
import type { RedshiftServerlessClientConfig } from '@aws-sdk/client-redshift-serverless'
import type { ClientConfig } from 'pg'
import { optionError, quoted } from './errors.js'
import {
  checkClusterIdentifier,
  checkDomainName,
  checkFlag,
  checkGroupName,
  checkRegion,
  checkUserName,
  checkWhole,
  checkWorkgroupName,
} from './identifiers.js'
import { checkIdentityProvider, type IdentityProvider, TOKEN_API } from './identity-provider.js'
import { checkPlain } from './intake.js'
import { type CredentialStore, checkStoreOption } from './store/store.js'

/** The AWS operations that hand out a login. */
export type RedshiftApi =
  | 'GetClusterCredentials'
  | 'GetClusterCredentialsWithIAM'
  | 'GetCredentials'
  | 'GetIdentityCenterAuthToken'

/** A ready AWS SDK client. It is used as it is, and never destroyed by us. */
export interface AwsClient {
  send(command: unknown, options?: unknown): Promise<unknown>
}

/** Configuration of the AWS SDK's clients, passed on as it is. */
export type AwsClientConfig = RedshiftClientConfig & RedshiftServerlessClientConfig

/**
 * Which login to fetch, and how. Every option may be left out where the connection says it: an option wins over the
 * connection, the connection over `PGHOST`, `PGDATABASE` and `PGUSER`.
 */
export interface RedshiftOptions {
  /**
   * The cluster's or workgroup's own host name, from which target and region are read. Needed where pg's `host` is another name:
   * a PrivateLink endpoint, a load balancer, a tunnel. The server's certificate may then carry either name.
   * Default: the connection's host, then `PGHOST`.
   */
  host?: string | undefined
  /** The port to connect to, 1 to 65535. Default: 5439, or the looked-up one. The password function leaves it to pg. */
  port?: number | undefined
  /** The database to connect to, and to fetch the login for. Default: the connection's, then `PGDATABASE`. */
  database?: string | undefined
  /** The user to log in as, the prefix included: `IAM:alice`, `IAMA:alice:group`, `IAMR:role`. Default: the connection's, then `PGUSER`. */
  user?: string | undefined
  /** TLS, as pg's `ssl`. Default: `true`, with the server's certificate verified. */
  ssl?: ClientConfig['ssl'] | undefined

  /** A provisioned cluster: 1 to 63 lowercase letters, digits, hyphens. Default: read off the host. */
  clusterIdentifier?: string | undefined
  /** A serverless workgroup: 3 to 64 of `a-z 0-9 -`. Default: read off the host. */
  workgroupName?: string | undefined
  /** The custom domain name of the cluster or workgroup. Alone, it also needs `api`. */
  customDomainName?: string | undefined
  /** The database user, without a prefix. Default: read off the user. With serverless it chooses `GetClusterCredentials`. */
  dbUser?: string | undefined
  /** The database that the login is restricted to. `null`: none, one login for every database. Default: `database`. */
  dbName?: string | null | undefined
  /** Groups that the user joins for the session, lowercase. Default: the group in the user `IAMA:name:group`. */
  dbGroups?: readonly string[] | undefined
  /** Create the database user where it is missing. Default: true for a user `IAMA:…`, else false. */
  autoCreate?: boolean | undefined
  /** Lifetime of a login in seconds: 900 to 3600. Default: 900. */
  durationSeconds?: number | undefined
  /** The AWS region. Default: `aws.region`, then the host's, then what the SDK finds (`AWS_REGION`, the profile). */
  region?: string | undefined
  /**
   * The AWS operation. Default: `GetCredentials` for serverless; for a provisioned cluster `GetClusterCredentials` where a user
   * is named, else `GetClusterCredentialsWithIAM`. `GetIdentityCenterAuthToken` logs in as the person whom identity-enhanced AWS
   * credentials name.
   * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
   * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentialsWithIAM.html
   * @see https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
   * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetIdentityCenterAuthToken.html
   */
  api?: RedshiftApi | undefined

  /**
   * Log in with a person's token that the application has from an identity provider. AWS is not called, so `host` must say where to
   * connect. One object serves one person. Default: none.
   */
  identityProvider?: IdentityProvider | undefined
  /** Configuration of the AWS SDK's client (`profile`, `credentials`, `endpoint`, `maxAttempts` …), or a ready client. */
  aws?: AwsClientConfig | AwsClient | undefined
  /**
   * Where processes share their logins, so that one of them asks AWS for all: `redisStore(…)` of `pg-redshift-iam/redis`,
   * `dynamoDbStore(…)` of `pg-redshift-iam/dynamodb`, or one of your own. An optimisation: where it fails, each process asks AWS by itself. It needs a named region. Default: none.
   */
  store?: CredentialStore | undefined
  /** How many different logins to keep, 1 to 1,000,000. Default: 100. */
  maxEntries?: number | undefined
  /** Deadline of one fetch in milliseconds, the loading of AWS credentials included: 1 to 2,147,483,647. Default: 15,000. */
  fetchTimeoutMillis?: number | undefined
  /** Refuse to hand a password to a connection without TLS. Only for links that encrypt by themselves: false. Default: true. */
  requireTls?: boolean | undefined
}

/** Whether this is a ready SDK client, and not its configuration. */
export const isAwsClient = (aws: object | undefined): aws is AwsClient =>
  aws !== undefined && 'send' in aws && typeof aws.send === 'function'

const APIS: ReadonlySet<unknown> = new Set<RedshiftApi>([
  'GetClusterCredentials',
  'GetClusterCredentialsWithIAM',
  'GetCredentials',
  TOKEN_API,
])

const checkText = (option: string, value: unknown): void => {
  if (typeof value !== 'string' || value === '')
    throw optionError(`${option} is ${quoted(value)}. Set it to a non-empty string, or leave it out.`)
}

/** What is valid, by option. Each throws `ERR_REDSHIFT_OPTION`. */
export const CHECKS: { readonly [option in keyof Required<RedshiftOptions>]: (value: unknown) => void } = {
  host: value => checkText('host', value),
  port: value => checkWhole('port', value, 1, 65_535),
  // AWS's rule for the name is kept where it is sent to AWS, with the request.
  database: value => checkText('database', value),
  user: value => checkText('user', value),
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
  dbName: value => value === null || checkText('dbName', value),
  dbGroups: value => {
    if (!Array.isArray(value)) throw optionError(`dbGroups is ${quoted(value)}. Set it to an array of group names.`)
    for (const group of value) checkGroupName('dbGroups', group)
  },
  autoCreate: value => checkFlag('autoCreate', value),
  durationSeconds: value => checkWhole('durationSeconds', value, 900, 3_600),
  region: value => checkRegion('region', value),
  api: value => {
    if (!APIS.has(value)) throw optionError(`api is ${quoted(value)}. Set it to one of ${[...APIS].join(', ')}.`)
  },
  aws: value => {
    if (typeof value !== 'object' || value === null)
      throw optionError(
        `aws is ${value === null ? 'null' : `a ${typeof value}`}. Set it to the configuration of an AWS SDK client, or to a ready client.`,
      )
    if (!isAwsClient(value)) checkPlain('aws', value, '{ region, profile }')
  },
  identityProvider: checkIdentityProvider,
  store: checkStoreOption,
  maxEntries: value => checkWhole('maxEntries', value, 1, 1_000_000),
  fetchTimeoutMillis: value => checkWhole('fetchTimeoutMillis', value, 1, 2_147_483_647),
  requireTls: value => checkFlag('requireTls', value),
}
