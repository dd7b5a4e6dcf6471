import { type ReadConnection, readConnection } from './connection.js'
import type { Environment } from './environment.js'
import { optionError, quoted, targetError } from './errors.js'
import { checkGroupName, checkUserName, parseIamUser, serverlessClusterIdentifier } from './identifiers.js'
import { type IdentityProvider, MAX_TOKEN_SECONDS, TOKEN_API } from './identity-provider.js'
import type { RedshiftApi, RedshiftOptions } from './options.js'
import type { CredentialRequest } from './request.js'
import { databaseName } from './resolve-database.js'
import { checkHosts, resolveTarget, type Target } from './resolve-target.js'

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
        `${api} does not accept ${option}, because AWS chooses the user. ` +
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
      `The user ${quoted(user)} is a role, which GetClusterCredentials does not support. Leave api out, or set dbUser.`,
    )
  const dbUser = options.dbUser ?? parsed?.name
  if (dbUser === undefined)
    throw optionError("GetClusterCredentials needs a user. Set dbUser, or set the connection's user to IAM:name.")
  checkUserName(options.dbUser === undefined ? 'user' : 'dbUser', dbUser)
  const same = parsed?.name === dbUser ? parsed : undefined
  // In the given order, because AWS returns the groups in the user name, which must be the one that pg sends.
  const dbGroups = [...new Set(options.dbGroups ?? same?.groups)]
  for (const group of dbGroups) checkGroupName(options.dbGroups ? 'dbGroups' : 'user', group)
  return { dbUser, dbGroups: Object.freeze(dbGroups), autoCreate: options.autoCreate ?? same?.prefix === 'IAMA' }
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
    durationSeconds: MAX_TOKEN_SECONDS,
  })

/**
 * Determines which login to request from AWS. A pure function: nothing is sent. It reads only those variables that matter.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`
 */
export function resolveRequest(
  options: RedshiftOptions,
  connection: ReadConnection = {},
  env: Environment = {},
): CredentialRequest {
  if (options.identityProvider) {
    checkHosts(options.host, readConnection(connection, 'host'))
    return providerRequest(options.identityProvider)
  }
  const { name, region, ...target } = resolveTarget(options, readConnection(connection, 'host'), env)
  if (options.api === TOKEN_API) return tokenRequest(name, region, target.kind)
  const user = options.user ?? readConnection(connection, 'user') ?? (env.PGUSER || undefined)
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
