import type { Environment } from './environment.js'
import { optionError, quoted, targetError } from './errors.js'
import {
  checkDatabaseName,
  checkGroupName,
  checkUserName,
  parseIamUser,
  serverlessClusterIdentifier,
  serverlessWorkgroup,
} from './identifiers.js'
import { type IdentityProvider, LONGEST_TOKEN_SECONDS, TOKEN_API } from './identity-provider.js'
import type { RedshiftApi, RedshiftOptions } from './options.js'
import { checkHosts, resolveTarget, type Target } from './target.js'

/** The connection that a login is for: pg's `ConnectionParameters`, or any object with these properties. */
export interface RedshiftConnection {
  /** The host, from which the target and the region are read. An option `host` must agree with it. Default: `PGHOST`. */
  readonly host?: string | null | undefined
  /** The port. It does not affect which login is fetched. */
  readonly port?: number | string | null | undefined
  /** The database that the connection opens, and that the login is fetched for. Default: `PGDATABASE`. */
  readonly database?: string | null | undefined
  /** The user, such as `IAM:alice`. Default: `PGUSER`; without it, AWS chooses the user. */
  readonly user?: string | null | undefined
  /** pg's `ssl`. A password function refuses a connection without TLS. */
  readonly ssl?: unknown
}

interface RequestBase {
  readonly region: string | undefined
  readonly customDomainName: string | undefined
  /** Undefined if the login is valid for every database. */
  readonly dbName: string | undefined
  readonly durationSeconds: number
}

/** What to request from AWS, or from the application's identity provider: complete and checked. */
export type CredentialRequest =
  | (RequestBase & {
      readonly api: 'GetClusterCredentials'
      readonly clusterIdentifier: string | undefined
      readonly dbUser: string
      readonly dbGroups: readonly string[]
      readonly autoCreate: boolean
    })
  | (RequestBase & { readonly api: 'GetClusterCredentialsWithIAM'; readonly clusterIdentifier: string | undefined })
  | (RequestBase & { readonly api: 'GetCredentials'; readonly workgroupName: string | undefined })
  | (RequestBase & {
      readonly api: typeof TOKEN_API
      readonly kind: 'provisioned' | 'serverless'
      readonly name: string
    })
  | (RequestBase & { readonly api: 'identityProvider'; readonly provider: IdentityProvider['type'] })

const nameOf = (request: CredentialRequest): string | undefined => {
  switch (request.api) {
    case 'GetCredentials':
      return request.workgroupName
    case TOKEN_API:
      return request.name
    case 'identityProvider':
      return request.provider
    default:
      return request.clusterIdentifier
  }
}

/** The cluster or workgroup, its custom domain, or the type of the identity provider. */
export const targetOf = (request: CredentialRequest): string => nameOf(request) ?? request.customDomainName ?? ''

/** The workgroup of a request, even if the login comes from `GetClusterCredentials`; undefined for a provisioned cluster. */
export const workgroupOf = (request: CredentialRequest): string | undefined => {
  if (request.api === TOKEN_API) return request.kind === 'serverless' ? request.name : undefined
  return request.api === 'GetCredentials' ? targetOf(request) : serverlessWorkgroup(targetOf(request))
}

/** Reads a property of a connection. An empty string counts as missing, as in pg. Throws `ERR_REDSHIFT_OPTION`. */
function read(connection: RedshiftConnection, name: 'host' | 'database' | 'user'): string | undefined {
  const value: unknown = connection[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string')
    throw optionError(
      `The ${name} of the connection is ${quoted(value)}, not a string. Set it to one, or leave it out.`,
    )
  // A zero byte ends a string in the start-up packet, so the rest would be read as parameters.
  if (value.includes('\0'))
    throw optionError(`The ${name} of the connection holds a zero byte. Set it to a name without one.`)
  return value
}

type PasswordApi = Exclude<RedshiftApi, typeof TOKEN_API>

/** Chooses the AWS operation if the options do not set it. */
function chooseApi(options: RedshiftOptions, kind: Target['kind'], user: string | undefined): PasswordApi {
  if (options.api && options.api !== TOKEN_API) return options.api
  if (kind === 'serverless') return options.dbUser === undefined ? 'GetCredentials' : 'GetClusterCredentials'
  if (options.dbUser !== undefined) return 'GetClusterCredentials'
  return user === undefined || parseIamUser(user).prefix === 'IAMR'
    ? 'GetClusterCredentialsWithIAM'
    : 'GetClusterCredentials'
}

/** Options for `GetClusterCredentials` only. */
const USER_OPTIONS = ['dbUser', 'dbGroups', 'autoCreate'] as const

function refuseUserOptions(options: RedshiftOptions, api: RedshiftApi): void {
  for (const option of USER_OPTIONS)
    if (options[option] !== undefined)
      throw optionError(
        `${option} is set, but ${api} does not take it: AWS chooses the user. ` +
          (options.api || option === 'dbUser'
            ? `Leave ${option} out, or set api to 'GetClusterCredentials'.`
            : `Leave ${option} out, or set dbUser.`),
      )
}

/** Determines the user, groups and `AutoCreate` of `GetClusterCredentials`. */
function databaseUser(options: RedshiftOptions, user: string | undefined) {
  const parsed = user === undefined ? undefined : parseIamUser(user)
  if (options.dbUser === undefined && parsed?.prefix === 'IAMR')
    throw optionError(
      `The user ${quoted(user)} is a role, for which GetClusterCredentials gives no login. Leave api out, or set dbUser.`,
    )
  const dbUser = options.dbUser ?? parsed?.name
  if (dbUser === undefined)
    throw optionError("GetClusterCredentials needs a user. Set dbUser, or the connection's user to IAM:name.")
  checkUserName(options.dbUser === undefined ? 'user' : 'dbUser', dbUser)
  const same = parsed?.name === dbUser ? parsed : undefined
  const dbGroups = [...new Set(options.dbGroups ?? same?.groups)].sort()
  for (const group of dbGroups) checkGroupName(options.dbGroups ? 'dbGroups' : 'user', group)
  return { dbUser, dbGroups: Object.freeze(dbGroups), autoCreate: options.autoCreate ?? same?.prefix === 'IAMA' }
}

/** Determines the database that the login is for, and checks that the connection opens the same one. */
function databaseName(
  options: RedshiftOptions,
  connection: RedshiftConnection,
  env: Environment,
  api: RedshiftApi,
): string | undefined {
  const actual = read(connection, 'database')
  if (options.dbName === null) return undefined
  const fallback = actual === connection.user
  const dbName = options.dbName ?? options.database ?? ((fallback ? undefined : actual) || env.PGDATABASE || undefined)
  const remedy = 'dbName: null for a login that is good for every database.'
  if (dbName === undefined)
    throw optionError(
      `No database is named, and pg falls back to the user's name. Set database, or PGDATABASE, or ${remedy}`,
    )
  if (options.database !== undefined && options.database !== dbName)
    throw optionError(
      `The login is for the dbName ${quoted(dbName)}, but database is ${quoted(options.database)}. Leave dbName out, or set ${remedy}`,
    )
  if (actual !== undefined && actual !== dbName)
    throw optionError(
      `The login is for the database ${quoted(dbName)}, but the connection goes to ${quoted(actual)}. ` +
        (fallback
          ? "That is the user's name, which pg takes where none is set: set database in the configuration of pg."
          : `Leave ${options.dbName === undefined ? 'database' : 'dbName'} out of the options, or set ${remedy}`),
    )
  // AWS documents a rule for database names, except for GetClusterCredentialsWithIAM.
  if (api !== 'GetClusterCredentialsWithIAM') checkDatabaseName(options.dbName ? 'dbName' : 'database', dbName)
  return dbName
}

/** A token is valid for every database, for an hour. */
function tokenRequest(name: string | undefined, region: string | undefined, kind: Target['kind']): CredentialRequest {
  if (name === undefined || kind === undefined)
    throw targetError(
      'GetIdentityCenterAuthToken needs a cluster or workgroup. Set host, clusterIdentifier or workgroupName.',
    )
  const base = { region, customDomainName: undefined, dbName: undefined, durationSeconds: 3_600 }
  return Object.freeze({ ...base, api: TOKEN_API, kind, name })
}

const providerRequest = ({ type }: IdentityProvider): CredentialRequest =>
  Object.freeze({
    api: 'identityProvider',
    provider: type,
    region: undefined,
    customDomainName: undefined,
    dbName: undefined,
    durationSeconds: LONGEST_TOKEN_SECONDS,
  })

/**
 * Determines which login to request from AWS. A pure function: nothing is sent. It reads only those variables that matter.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`
 */
export function resolveRequest(
  options: RedshiftOptions,
  connection: RedshiftConnection = {},
  env: Environment = {},
): CredentialRequest {
  if (options.identityProvider) {
    checkHosts(options.host, read(connection, 'host'))
    return providerRequest(options.identityProvider)
  }
  const { name, region, ...target } = resolveTarget(options, read(connection, 'host'), env)
  if (options.api === TOKEN_API) return tokenRequest(name, region, target.kind)
  const user = options.user ?? read(connection, 'user') ?? (env.PGUSER || undefined)
  // A workgroup given as clusterIdentifier selects the operations for clusters.
  const kind = options.clusterIdentifier === undefined ? target.kind : 'provisioned'
  const api = chooseApi(options, kind, user)
  const base = {
    region,
    customDomainName: options.customDomainName,
    dbName: databaseName(options, connection, env, api),
    durationSeconds: options.durationSeconds ?? 900,
  }

  if (api === 'GetCredentials') {
    if (kind === 'provisioned')
      throw optionError(
        `api is GetCredentials, which is for serverless workgroups, but ${quoted(options.clusterIdentifier ?? name)} is a cluster. Leave api out, or set workgroupName.`,
      )
    refuseUserOptions(options, api)
    return Object.freeze({ ...base, api, workgroupName: name })
  }
  const clusterIdentifier =
    kind === 'serverless' && name !== undefined
      ? serverlessClusterIdentifier(name)
      : (options.clusterIdentifier ?? name)
  if (api === 'GetClusterCredentials')
    return Object.freeze({ ...base, api, clusterIdentifier, ...databaseUser(options, user) })
  if (kind === 'serverless')
    throw optionError(
      `api is ${api}, which is for provisioned clusters, but ${quoted(name)} is a serverless workgroup. Leave api out.`,
    )
  refuseUserOptions(options, api)
  return Object.freeze({ ...base, api, clusterIdentifier })
}

/**
 * The cache key of a login: a JSON array, so that no two requests have the same key. It contains no secret.
 * @param endpoint the AWS endpoint, if one is configured
 * @param identity distinguishes AWS identities, which must never share a login
 */
export function cacheKey(request: CredentialRequest, endpoint: string | undefined, identity: string | number): string {
  const { api, region, customDomainName, dbName, durationSeconds } = request
  const named = request.api === 'GetClusterCredentials' ? request : undefined
  // A cluster and a workgroup may have the same name. Names contain no slash.
  const target = request.api === TOKEN_API ? `${request.kind}/${request.name}` : nameOf(request)
  return JSON.stringify([
    api,
    region ?? null,
    endpoint ?? null,
    target ?? null,
    customDomainName ?? null,
    dbName ?? null,
    named?.dbUser ?? null,
    named?.autoCreate ?? null,
    named ? [...new Set(named.dbGroups)].sort() : null,
    durationSeconds,
    identity,
  ])
}
