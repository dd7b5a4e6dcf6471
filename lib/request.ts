import { serverlessWorkgroup } from './identifiers.js'
import { type IdentityProvider, TOKEN_API } from './identity-provider.js'

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

/**
 * The cache key of a login: a JSON array, so that no two requests have the same key. It contains no secret.
 * @param shared what else distinguishes logins that several processes share: the AWS endpoint, if one is configured, and the AWS
 * identity. Within one `RedshiftCredentials`, both are always the same.
 */
export function cacheKey(
  request: CredentialRequest,
  shared?: { endpoint: string | undefined; identity: string },
): string {
  const { api, region, customDomainName, dbName, durationSeconds } = request
  const named = request.api === 'GetClusterCredentials' ? request : undefined
  // A cluster and a workgroup may have the same name. Names contain no slash.
  const target = request.api === TOKEN_API ? `${request.kind}/${request.name}` : nameOf(request)
  return JSON.stringify([
    api,
    region ?? null,
    shared?.endpoint ?? null,
    target ?? null,
    customDomainName ?? null,
    dbName ?? null,
    named?.dbUser ?? null,
    named?.autoCreate ?? null,
    named?.dbGroups ?? null,
    durationSeconds,
    shared?.identity ?? null,
  ])
}
